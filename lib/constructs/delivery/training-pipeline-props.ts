import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { IEventBus, Schedule } from 'aws-cdk-lib/aws-events';
import { DatasetCatalog } from '../data/dataset-catalog/dataset-catalog';
import { RollingAggregate } from '../data/features/rolling-aggregate';
import { ModelSignature } from '../integration/model-signature';
import { InferenceImage } from '../models/inference-image';
import { ModelArtifacts } from '../models/model-artifacts';
import { IModelRegistry } from '../models/model-registry';
import { InstanceType } from '../serving/instance-type.generated';
import { Slo } from '../serving/slo';
import { QualityGate } from './quality-gate';

/** Properties of a `TrainingPipeline`. */
export interface TrainingPipelineProps {
  /** Starts every physical name, `<workload>-<stage>`: 1 to 39 lower-case letters, digits and inner hyphens, known at synth. */
  readonly namePrefix: string;
  /** Route name of the model: 1 to 20 lower-case letters, digits and inner hyphens, known at synth. */
  readonly model: string;
  /** Where candidates that pass are registered. */
  readonly registry: IModelRegistry;
  /** Where runs write, and what registered versions name is kept: a model of up to 5 GiB, its code and its evaluation. */
  readonly artifacts: ModelArtifacts;
  /** Catalogue with the dataset. */
  readonly catalog: DatasetCatalog;
  /** Name of the dataset in the catalogue, which divides its versions by a split; a new version of it starts a run. */
  readonly dataset: string;
  /** Bus that tells of datasets and drift, and hears how runs end. */
  readonly bus: IEventBus;
  /** Folder with the training program, `evaluation.py` and what they import. At most 1 GiB; the same files are the same code revision. */
  readonly code: string;
  /**
   * Program in the folder that trains: reads the channels `train` and `validation`, writes the model and its `code/` to `SM_MODEL_DIR`.
   *
   * @default 'train.py'
   */
  readonly program?: string;
  /** Image that trains, evaluates and serves the model. It must run script mode. */
  readonly image: InferenceImage;
  /** Instance of the jobs that prepare and train. */
  readonly trainingInstance: InstanceType;
  /** Instance of the endpoint: the evaluation measures latency on it. */
  readonly servingInstance: InstanceType;
  /**
   * Parameters of the training program: up to 90 texts, of about 2,500 characters together, because the trigger has them in its
   * environment; larger ones belong into a file of the code. A run may be given others for these names
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTrainingJob.html).
   *
   * @default - none
   */
  readonly parameters?: { [name: string]: string };
  /**
   * Features that follow from recent records: the training data gets each as a column of its name, point-in-time correct, empty where it is
   * null. They must be of `dataset`. The job holds 16 bytes in memory for each record and feature.
   *
   * @default - the columns of the dataset alone
   */
  readonly features?: RollingAggregate[];
  /** What a candidate must fulfil. */
  readonly gate: QualityGate;
  /**
   * What the endpoint promises: a candidate must answer 99 % of requests within its latency bound.
   *
   * @default - no bound
   */
  readonly slo?: Slo;
  /**
   * What the endpoint takes: a candidate that asks for another input is refused, because no caller could supply it. Give the signature that
   * requests are checked against.
   *
   * @default - inputs are not compared
   */
  readonly signature?: ModelSignature;
  /**
   * When runs start besides new data and drift.
   *
   * @default - never
   */
  readonly schedule?: Schedule;
  /**
   * Runs that may start on one day (UTC): 1 to 100.
   *
   * @default 4
   */
  readonly maximumRunsPerDay?: number;
  /**
   * Time for training: 1 minute to 5 days.
   *
   * @default Duration.hours(4)
   */
  readonly timeout?: Duration;
  /**
   * Train on spot instances, from a checkpoint again after an interruption.
   *
   * @default true
   */
  readonly spot?: boolean;
  /**
   * Time for waiting and training together with spot instances: from `timeout` to 28 days.
   *
   * @default - twice `timeout`
   */
  readonly maximumWait?: Duration;
  /**
   * Disk of each job, in whole GiB: 1 to 1024.
   *
   * @default Size.gibibytes(30)
   */
  readonly volumeSize?: Size;
  /** Who answers for the model, for its card: 1 to 1,024 characters. */
  readonly owner: string;
  /** What the model is for, for its card: 1 to 2,048 characters. */
  readonly purpose: string;
  /** What the model must be used for only, for its card: 1 to 2,048 characters. */
  readonly intendedUses: string;
  /** What the model cannot do, for its card: 1 to 2,048 characters. */
  readonly limits: string;
  /**
   * Folder with programs that replace ours: `prepare.py` and `evaluate.py`.
   *
   * @default - the programs of this library
   */
  readonly programs?: string;
  /**
   * What happens to the table of runs when it leaves the stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}
