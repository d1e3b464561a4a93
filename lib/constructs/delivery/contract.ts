/** Names and shapes that the delivery constructs, their handlers and their tests share. This file imports nothing. */

/** Keys of the release table: one partition per model, and what its sort keys start with. Lease and failures of a stack are with the model of its endpoint. */
export const RELEASES = {
  key: 'model',
  sort: 'entry',
  /** The one lock row: `execution`, `wakes`. */
  lease: 'lease',
  /** One per release: `release#<ISO 8601 time>#<execution name>`. */
  release: 'release#',
  /** One per version that must not be released: `mark#<version, 6 digits>`. */
  mark: 'mark#',
  /** What the owner was told last, while it still holds: `reason`. */
  told: 'told',
  /** Executions that failed since the last change: `count`, `last`. */
  failures: 'failures',
} as const;

/** Tag of models and endpoint configurations; their names are random, so nothing else tells whose they are. Its value is the name prefix. */
export const WORKLOAD_TAG = 'workload';

/** Why a version is not released. */
export enum MarkReason {
  /** Its release failed and was undone. */
  FAILED = 'failed',
  /** Its release was undone, but an alarm that undoes deployments was on before it began: nobody knows whether the version is to blame. */
  UNDECIDED = 'undecided',
  /** It was refused before anything changed: artefact, image or lineage. */
  REFUSED = 'refused',
  /** Somebody went back behind it. */
  ROLLED_BACK = 'rolled back',
  /** It was trained on data that was withdrawn. */
  WITHDRAWN = 'withdrawn',
}

/** How a release stands. The first four are under way. */
export enum ReleaseState {
  RECORDED = 'recorded',
  UPDATING = 'updating',
  RESTORING = 'restoring',
  RESTORE_UPDATING = 'restore updating',
  RELEASED = 'released',
  FAILED = 'failed',
  SUPERSEDED = 'superseded',
  STUCK = 'stuck',
}

/** What a row of the release table tells of the times of a release; ISO 8601. */
export interface ReleaseTimes {
  readonly state?: string;
  readonly from?: string;
  readonly to?: string;
  readonly startedAt?: string;
  readonly changedAt?: string;
}

/**
 * ARNs of the versions that may have answered at a time, by the release rows: the one released last before it, and while a release was under
 * way also the one that it was to bring or to bring back. ISO 8601.
 */
export function servedAt(releases: readonly ReleaseTimes[], time: string): string[] {
  const at = Date.parse(time);
  const began = (row: ReleaseTimes) => Date.parse(row.startedAt ?? '');
  const ended = (row: ReleaseTimes) => Date.parse(row.changedAt ?? '');
  const released = releases.filter((row) => row.state === ReleaseState.RELEASED && ended(row) <= at);
  const last = released.sort((a, b) => ended(a) - ended(b)).at(-1)?.to;
  const closed = ({ state }: ReleaseTimes) =>
    state === ReleaseState.RELEASED || state === ReleaseState.FAILED || state === ReleaseState.SUPERSEDED;
  const during = releases.filter((row) => began(row) <= at && (!closed(row) || at <= ended(row)));
  const served = [last, ...during.flatMap(({ from, to }) => [from, to])];
  // Where no version was, there is a word and no ARN.
  return [...new Set(served)].filter((arn): arn is string => arn?.startsWith('arn:') === true);
}

/** Environment variables of the handlers. */
export const DELIVERY_ENV = {
  prefix: 'NAME_PREFIX',
  releases: 'RELEASE_TABLE',
  releaseRole: 'RELEASE_ROLE_ARN',
  stateMachine: 'STATE_MACHINE_ARN',
  eventBus: 'EVENT_BUS',
  artifacts: 'ARTIFACT_BUCKET',
  images: 'IMAGE_REPOSITORIES',
  pipeline: 'TRAINING_PIPELINE',
  maximumWait: 'MAXIMUM_WAIT_SECONDS',
  runs: 'TRAINING_RUNS_TABLE',
  catalogue: 'CATALOGUE_TABLE',
  /** `1` where times of predictions are those of a replay, and not of the clock. */
  replayed: 'CLOCK_IS_REPLAYED',
} as const;

/** What a person may let a recall do. */
export const RECALL_OPERATION = { withdraw: 'withdraw' } as const;

/** Names of what a model has in a stage; all are literals, so that the release machine finds them by the model's name alone. */
export const namesOf = (prefix: string, model: string) => ({
  /** Model package group in the registry. */
  group: `${prefix}-${model}`,
  endpoint: `${prefix}-${model}`,
  /** AWS CloudFormation stack with the endpoint. */
  stack: `${prefix}-serving-${model}`,
  /** IAM path of the execution roles of its endpoints: the names of roles are cut, a path is not. */
  rolePath: `/${prefix}/serving/`,
});

/** Dimensions and metrics of this layer. Units: Count. */
export const DELIVERY_METRIC = {
  /** Its value is the model's name. */
  dimension: 'Model',
  /** Its value is the name prefix; releases are counted under it alone, so that one alarm hears of every model. */
  workload: 'Workload',
  released: 'ModelsReleased',
  /** Versions that were refused, and releases of which the way back began. */
  releaseFailed: 'ReleasesFailed',
  /** Releases that need a person. */
  releaseStuck: 'ReleasesStuck',
  trainingFailed: 'TrainingRunsFailed',
  candidateRefused: 'CandidatesRefused',
  registered: 'ModelsRegistered',
  /** Runs that were not started because the day's number was used up. */
  runsOverLimit: 'TrainingRunsOverLimit',
} as const;

/** States of a training run. */
export enum RunState {
  RUNNING = 'running',
  /** The candidate passed the gate and is registered. */
  REGISTERED = 'registered',
  /** The gate refused the candidate. */
  REFUSED = 'refused',
  FAILED = 'failed',
}

/** Partition key of the runs table: `run#<run id>`, `day#<date>` for the daily count, `dataset#<id>` for how many candidates it had. */
export const RUNS = { key: 'pk', run: 'run#', day: 'day#', dataset: 'dataset#' } as const;

/** One row of an evaluation: a labelled example of the newest closed period. Columns of `predictions.csv`. */
export const PREDICTION_COLUMNS = ['block', 'label', 'baseline', 'candidate', 'current'] as const;

/** What a candidate must fulfil to be registered; see `QualityGate`. */
export interface GateRules {
  /** Chance, over all candidates of one dataset, of releasing one that is no better. */
  readonly alpha: number;
  /** What the first version must be better than the baseline by, in average precision. */
  readonly margin: number;
  /** What a later version may be worse by than the current one, in average precision. */
  readonly tolerance: number;
  /** Farthest that the mean score may lie from the share of positive labels. */
  readonly calibrationGap: number;
  /** Area under the ROC curve outside this band means that the model knows what it cannot know, or nothing. */
  readonly lowestAuc: number;
  readonly highestAuc: number;
  /** Labelled rows and blocks of them that an evaluation needs at least. */
  readonly minimumRows: number;
  readonly minimumBlocks: number;
  /** Milliseconds that 99 % of the evaluation's requests must stay within; absent when nobody waits. */
  readonly latencyMs?: number;
  /** Names of the inputs that the endpoint takes; absent when nobody said. A request of the evaluation may have no others. */
  readonly fields?: readonly string[];
}

/** `evaluation.json`: what an evaluation says beside its `predictions.csv.gz`. */
export interface EvaluationReport {
  readonly rows: number;
  readonly labelled: number;
  readonly latencyMs: { readonly p50: number; readonly p90: number; readonly p99: number; readonly count: number };
  readonly datasetId: string;
  /** Names of the inputs of a request. */
  readonly fields: readonly string[];
  /** Columns that serving cannot supply, one sentence each. */
  readonly signatureProblems: readonly string[];
}

/** The version that serves, when there is one. */
export interface CurrentVersion {
  readonly packageArn: string;
  readonly modelDataUrl: string;
  /** Address of the code that it was trained with and is asked through; absent for a version that was registered without. */
  readonly codeUri?: string;
  /** Dataset that it was trained on. */
  readonly trainedOn: string;
  /** Whether the candidate's dataset is another one, published later. */
  readonly newerData: boolean;
}

/** Outcome of the gate, as `gate.json` and in the run's row. */
export interface GateVerdict {
  readonly passed: boolean;
  /** Why it did not pass, a sentence each; empty when it did. */
  readonly reasons: readonly string[];
  readonly figures: { readonly [name: string]: number };
}

/** What starts a training run. */
export enum TrainingTrigger {
  DATASET = 'dataset',
  DRIFT = 'drift',
  SCHEDULE = 'schedule',
  HAND = 'hand',
}

/** What the handlers of a training pipeline know of it: `DELIVERY_ENV.pipeline`, as JSON. */
export interface PipelineSettings {
  readonly prefix: string;
  readonly model: string;
  readonly dataset: string;
  /** Bucket of manifests. */
  readonly manifests: string;
  /** SHA-256 of the packed code. */
  readonly codeRevision: string;
  /** Address of the packed code. */
  readonly codeUri: string;
  /** Program in it that trains. */
  readonly program: string;
  /** Parameters of a run that is given no others. */
  readonly parameters: { readonly [name: string]: string };
  /** SHA-256 of the definitions of features; absent without. */
  readonly featuresSha256?: string;
  readonly maximumRunsPerDay: number;
  readonly bucket: string;
  /** Start of the names of jobs; two hyphens and the run follow. */
  readonly jobPrefix: string;
  /** Address of the program that evaluates. */
  readonly evaluateUri: string;
}

/**
 * How a passing candidate is registered. The machine hands it to the registrar: texts of a card are longer than what an environment takes
 * (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html).
 */
export interface RegistrationSettings {
  /** Group of model packages. */
  readonly group: string;
  /** Bucket of artefacts. */
  readonly bucket: string;
  readonly environment: { readonly [name: string]: string };
  readonly card: CardTexts;
}

/** Environment variables of the handlers of a training pipeline, beside `DELIVERY_ENV`. */
export const TRAINING_ENV = { rules: 'GATE_RULES', group: 'MODEL_PACKAGE_GROUP' } as const;

/** Folders of a processing job's container. */
export const CONTAINER = { root: '/opt/ml/processing', jobs: '/opt/ml/processing/jobs' } as const;

/** Input of an execution of the training machine. */
export interface TrainingPlan {
  readonly runId: string;
  readonly attempt: number;
  readonly model: string;
  readonly datasetId: string;
  /** The candidate is the how many-th on this dataset, from 1. */
  readonly candidateNumber: number;
  readonly manifest: { readonly bucket: string; readonly key: string; readonly versionId: string };
  readonly codeRevision: string;
  /** SHA-256 of the definitions of features; absent without. */
  readonly featuresSha256?: string;
  readonly parameters: { readonly [name: string]: string };
  /** The parameters and what script mode needs, JSON texts. */
  readonly hyperparameters: { readonly [name: string]: string };
  readonly jobs: { readonly prepare: string; readonly train: string; readonly evaluate: string };
  /** Addresses in the artefact bucket. */
  readonly uris: TrainingUris;
}

/** Where a run reads and writes. */
export interface TrainingUris {
  /** Folder with `train`, `validation` and `test`. */
  readonly data: string;
  readonly train: string;
  readonly validation: string;
  readonly test: string;
  readonly evaluation: string;
  readonly gate: string;
  /** The same for every attempt: a later one resumes. */
  readonly checkpoints: string;
  /** Folder of all training jobs of the model; a job makes `<job>/output/model.tar.gz` in it. */
  readonly training: string;
  readonly candidate: string;
  /** The packed code, as it was when the run started. */
  readonly code: string;
}

/** One run in the runs table. */
export interface RunRow {
  readonly state: RunState;
  readonly attempt: number;
  readonly trigger: TrainingTrigger;
  readonly startedAt: string;
  /** Name of the execution. */
  readonly execution: string;
  readonly plan: TrainingPlan;
  readonly endedAt?: string;
  readonly packageArn?: string;
  readonly verdict?: GateVerdict;
  /** Why it failed; a run that is `registered` all the same was told as failed before its version was found. */
  readonly error?: string;
}

/** What a model card says that no run knows. */
export interface CardTexts {
  readonly owner: string;
  readonly purpose: string;
  readonly intendedUses: string;
  readonly limits: string;
}
