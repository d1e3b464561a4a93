import { Duration, RemovalPolicy, Size } from 'aws-cdk-lib';
import { ISecurityGroup, IVpc, SubnetSelection } from 'aws-cdk-lib/aws-ec2';
import { IEventBus } from 'aws-cdk-lib/aws-events';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { ModelSource } from '../../models/model-source';
import { InstanceType } from '../instance-type.generated';
import { BatchInput, BatchOutput, BatchStrategy } from './batch-location';
import { BatchSlo } from './batch-slo';

/** Properties of a `BatchScoring`. */
export interface BatchScoringProps {
  /**
   * Name, unique in account and Region: 1 to 63 lower-case letters, digits and inner hyphens, known at synth. It starts every physical name.
   *
   * @default - generated from the construct path
   */
  readonly scoringName?: string;
  /** Where the model comes from, with the image that serves it. Of a registry, each run takes the version that is approved when it starts. */
  readonly model: ModelSource;
  /** Instance type that scores. */
  readonly instance: InstanceType;
  /** What is scored. */
  readonly input: BatchInput;
  /** Where scores go. */
  readonly output: BatchOutput;
  /** What a run promises. Its alarms follow from it. */
  readonly slo: BatchSlo;
  /**
   * When runs start, in a time zone of its own.
   *
   * @default - only when somebody starts one
   */
  readonly schedule?: ScheduleExpression;
  /**
   * Bus that is told of completed runs.
   *
   * @default - the default bus of the account
   */
  readonly bus?: IEventBus;
  /**
   * Instances of a run, among which objects are divided: whole number, 1 to 100.
   *
   * @default 1
   */
  readonly instanceCount?: number;
  /**
   * How records are put into requests. Not with `BatchSplit.NONE`.
   *
   * @default - as many as fit, with a split
   */
  readonly strategy?: BatchStrategy;
  /**
   * Requests that an instance gets at once, whole number from 1; times `maxPayload` at most 100 MB, known at synth.
   *
   * @default 1
   */
  readonly maxConcurrentTransforms?: number;
  /**
   * Largest request, whole MB from 1 to 100, known at synth: more than the largest record
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateTransformJob.html).
   *
   * @default Size.mebibytes(6)
   */
  readonly maxPayload?: Size;
  /**
   * Longest request, whole seconds up to 1 hour.
   *
   * @default Duration.minutes(10)
   */
  readonly invocationTimeout?: Duration;
  /**
   * How often a request that failed is sent again, 0 to 3.
   *
   * @default 3
   */
  readonly invocationRetries?: number;
  /**
   * Environment of the container besides that of the model: up to 16 entries.
   *
   * @default - none
   */
  readonly environment?: { [key: string]: string };
  /**
   * Time after which a run is stopped and has failed: whole seconds, at least `slo.within`, up to 10 days.
   *
   * @default - twice `slo.within`
   */
  readonly timeout?: Duration;
  /**
   * Key that encrypts the storage volumes. An error for types with local NVMe storage, which jobs refuse one for
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_TransformResources.html).
   *
   * @default - a key of the service
   */
  readonly volumeKey?: IKey;
  /**
   * Whether the container is cut off from every network. SageMaker still delivers model and records to it.
   *
   * @default true
   */
  readonly networkIsolation?: boolean;
  /**
   * VPC that the containers are attached to. It needs a route to Amazon S3.
   *
   * @default - the network of the service
   */
  readonly vpc?: IVpc;
  /**
   * Subnets, in two or more Availability Zones.
   *
   * @default - the private subnets
   */
  readonly vpcSubnets?: SubnetSelection;
  /**
   * Security groups of the containers.
   *
   * @default - a new one that accepts nothing and may call HTTPS
   */
  readonly securityGroups?: ISecurityGroup[];
  /**
   * What happens to the model when the stack drops it. Replaced ones are always kept: a run may still need them.
   *
   * @default RemovalPolicy.DESTROY
   */
  readonly removalPolicy?: RemovalPolicy;
}
