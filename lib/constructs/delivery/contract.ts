/** Names and shapes that the delivery constructs, their handlers and their tests share. This file imports nothing. */

/** Keys of the release table: one partition per model, and what its sort keys start with. */
export const RELEASES = {
  key: 'model',
  sort: 'entry',
  /** The one lock row: `execution`, `wakes`. */
  lease: 'lease',
  /** One per release: `release#<ISO 8601 time>#<execution name>`. */
  release: 'release#',
  /** One per version that must not be released: `mark#<version, 6 digits>`. */
  mark: 'mark#',
} as const;

/** Why a version is not released. */
export enum MarkReason {
  /** Its release failed and was undone. */
  FAILED = 'failed',
  /** It was refused before anything changed: artefact, image or lineage. */
  REFUSED = 'refused',
  /** Somebody went back behind it. */
  ROLLED_BACK = 'rolled back',
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
  runs: 'TRAINING_RUNS_TABLE',
  catalogue: 'CATALOGUE_TABLE',
} as const;

/** Names of what a model has in a stage; all are literals, so that the release machine finds them by the model's name alone. */
export const namesOf = (prefix: string, model: string) => ({
  /** Model package group in the registry. */
  group: `${prefix}-${model}`,
  endpoint: `${prefix}-${model}`,
  /** AWS CloudFormation stack with the endpoint. */
  stack: `${prefix}-serving-${model}`,
});

/** Dimensions and metrics of this layer. Units: Count. */
export const DELIVERY_METRIC = {
  /** Its value is the model's name. */
  dimension: 'Model',
  released: 'ModelsReleased',
  /** Releases that were undone. */
  releaseFailed: 'ReleasesFailed',
  /** Releases that need a person. */
  releaseStuck: 'ReleasesStuck',
  trainingFailed: 'TrainingRunsFailed',
  candidateRefused: 'CandidatesRefused',
  registered: 'ModelsRegistered',
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

/** Partition key of the runs table: `run#<run id>`, or `day#<date>` for the daily count. */
export const RUNS = { key: 'pk', run: 'run#', day: 'day#' } as const;

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
