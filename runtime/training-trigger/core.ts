import { createHash } from 'node:crypto';
import {
  CONTAINER,
  CurrentVersion,
  PipelineSettings,
  TrainingPlan,
  TrainingTrigger,
  TrainingUris,
} from '../../lib/constructs/delivery/contract';
import { runPrefix } from '../../lib/constructs/models/contract';

/** What wakes the trigger. */
export interface TrainingRequest {
  readonly trigger: TrainingTrigger;
  /** Default: the newest version of the dataset. */
  readonly datasetId?: string;
  /** Laid over the pipeline's own. */
  readonly parameters?: { readonly [name: string]: string };
}

/** A dataset version in the catalogue. */
export interface DatasetVersion {
  readonly id: string;
  readonly dataset: string;
  readonly manifest: string;
  readonly manifestVersion: string;
  readonly publishedAt: string;
  /** Present when it was withdrawn: nothing is trained on it any more. */
  readonly withdrawal?: string;
  readonly withdrawnReason?: string;
}

/** Errors: another trigger, or parameters that training does not know or that are no texts. */
export function checkRequest({ trigger, parameters = {} }: TrainingRequest, settings: PipelineSettings): void {
  if (!Object.values(TrainingTrigger).includes(trigger)) {
    throw new Error(
      `InvalidTrainingRequest: 'trigger' must be one of ${Object.values(TrainingTrigger).join(', ')}, got '${String(trigger)}'`,
    );
  }
  const known = Object.keys(settings.parameters);
  for (const [name, value] of Object.entries(parameters)) {
    if (!known.includes(name)) {
      throw new Error(`InvalidTrainingRequest: there is no parameter '${name}': known are ${known.join(', ') || 'none'}`);
    }
    if (typeof value !== 'string') {
      throw new Error(
        `InvalidTrainingRequest: parameter '${name}' must be a text, got ${typeof value}: write "${String(value)}" in quotes`,
      );
    }
  }
}

/** Errors: `WithdrawnDataset`. */
export function checkNotWithdrawn({ id, dataset, withdrawal, withdrawnReason }: DatasetVersion): void {
  if (withdrawal !== undefined) {
    throw new Error(`WithdrawnDataset: version '${id}' of '${dataset}' was withdrawn (${withdrawnReason}): train on a newer one`);
  }
}

/** The version that was published last and not withdrawn; of two at one moment the one with the higher id. */
export function newestOf(given: readonly DatasetVersion[]): DatasetVersion | undefined {
  const versions = given.filter(({ withdrawal }) => withdrawal === undefined);
  const order = (version: DatasetVersion) => `${version.publishedAt} ${version.id}`;
  return versions.reduce<DatasetVersion | undefined>((best, it) => (best === undefined || order(it) > order(best) ? it : best), undefined);
}

/** What a run is made of: the same inputs are the same run. */
export interface RunInputs {
  readonly dataset: string;
  readonly code: string;
  readonly featuresSha256?: string;
  readonly parameters: TrainingPlan['parameters'];
}

/** One run per dataset, code, features and parameters: the SHA-256 of them as JSON with sorted names. The dataset's id covers how it is split. */
export function runIdOf({ dataset, code, featuresSha256, parameters }: RunInputs): string {
  return createHash('sha256')
    .update(JSON.stringify({ code, dataset, featuresSha256, parameters: sorted(parameters) }))
    .digest('hex');
}

/** The same values, by name. */
export function sorted(values: TrainingPlan['parameters']): TrainingPlan['parameters'] {
  return Object.fromEntries(Object.entries(values).sort(([a], [b]) => (a < b ? -1 : 1)));
}

/** Name of the execution: the same run and attempt never runs twice. */
export function executionOf({ runId, attempt }: Pick<TrainingPlan, 'runId' | 'attempt'>): string {
  return `${runId.slice(0, 32)}-${attempt}`;
}

export interface PlanInputs {
  readonly dataset: DatasetVersion;
  readonly parameters: TrainingPlan['parameters'];
  readonly runId: string;
  readonly attempt: number;
  readonly candidateNumber: number;
}

/** Everything that an execution needs to know. */
export function planOf(settings: PipelineSettings, { dataset, parameters, runId, attempt, candidateNumber }: PlanInputs): TrainingPlan {
  const { model, jobPrefix, codeRevision, featuresSha256 } = settings;
  const job = `${jobPrefix}--${runId.slice(0, 12)}-${attempt}`;
  const jobs = { prepare: `${job}-prepare`, train: `${job}-train`, evaluate: `${job}-evaluate` };
  const scriptMode = { sagemaker_program: settings.program, sagemaker_submit_directory: settings.codeUri };
  return {
    ...{ runId, attempt, model, candidateNumber, codeRevision, jobs },
    ...(featuresSha256 === undefined ? {} : { featuresSha256 }),
    datasetId: dataset.id,
    manifest: { bucket: settings.manifests, key: dataset.manifest, versionId: dataset.manifestVersion },
    parameters: sorted(parameters),
    // The training toolkit reads values as JSON (https://github.com/aws/sagemaker-training-toolkit).
    hyperparameters: Object.fromEntries(
      Object.entries({ ...parameters, ...scriptMode }).map(([name, text]) => [name, JSON.stringify(text)]),
    ),
    uris: urisOf(settings, runId, attempt, jobs.train),
  };
}

function urisOf({ bucket, model, codeUri }: PipelineSettings, runId: string, attempt: number, trainingJob: string): TrainingUris {
  const own = `s3://${bucket}/${runPrefix(model)}`;
  const data = `${own}${runId}/${attempt}`;
  const training = `${own}training`;
  return {
    ...{ data, training },
    train: `${data}/train`,
    validation: `${data}/validation`,
    test: `${data}/test`,
    evaluation: `${data}/evaluation`,
    gate: `${data}/gate`,
    checkpoints: `${own}checkpoints/${runId}`,
    candidate: `${training}/${trainingJob}/output/model.tar.gz`,
    code: codeUri,
  };
}

/** Inputs of the job that evaluates: candidate, data, code, and the current version with its code when there is one. */
export function evaluationInputs({ uris }: TrainingPlan, settings: PipelineSettings, current: CurrentVersion | undefined): object[] {
  const input = (InputName: string, S3Uri: string) => ({
    InputName,
    S3Input: {
      S3Uri,
      LocalPath: `${CONTAINER.root}/${InputName}`,
      S3DataType: 'S3Prefix',
      S3InputMode: 'File',
      S3DataDistributionType: 'FullyReplicated',
    },
  });
  return [
    input('candidate', uris.candidate),
    ...(current === undefined ? [] : [input('current', current.modelDataUrl)]),
    ...(current?.codeUri === undefined ? [] : [input('current-code', current.codeUri)]),
    input('test', uris.test),
    input('train', uris.train),
    input('validation', uris.validation),
    input('code', uris.code),
    input('jobs', settings.evaluateUri),
  ];
}
