/** Names that the constructs of this folder, their handlers and their tests share. This file imports nothing. */

/** Namespace of every metric that this library's functions publish. */
export const METRIC_NAMESPACE = 'AiWorkloads';

/** `source` of every event on the bus. */
export const EVENT_SOURCE = 'ai-workloads';

/** `version` inside the detail of every prediction event; raised when a field changes its meaning or goes away. */
export const EVENT_VERSION = '1';

/** Event types of the workload, as `detail-type` on the bus. */
export enum EventType {
  /** An immutable dataset version can be read. */
  DATASET_PUBLISHED = 'Dataset Published',
  /** Every record of a file is accounted for. */
  FILE_ACCOUNTED = 'File Accounted',
  /** A file as a whole was refused. */
  FILE_REJECTED = 'File Rejected',
  /** The records of a file count no more, in no future dataset. */
  FILE_WITHDRAWN = 'File Withdrawn',
  /** An intake takes no new file until a given time. */
  INTAKE_FROZEN = 'Intake Frozen',
  /** It takes files again. */
  INTAKE_THAWED = 'Intake Thawed',
  /** A model answered and the answer is in the books. */
  PREDICTION_MADE = 'Prediction Made',
  /** Ground truth for a prediction arrived. */
  PREDICTION_LABELLED = 'Prediction Labelled',
  /** No ground truth arrived within the label window. */
  PREDICTION_EXPIRED = 'Prediction Expired',
  /** Live data differs from what the model was trained on. */
  DRIFT_DETECTED = 'Drift Detected',
  /** A training run ended: registered, refused by the gate, or failed. */
  TRAINING_FINISHED = 'Training Finished',
  /** An approved version serves, and that was verified. */
  MODEL_RELEASED = 'Model Released',
  /** A release was undone, refused or needs a person. */
  MODEL_RELEASE_FAILED = 'Model Release Failed',
  /** A batch is scored: every object of its input has its output. */
  BATCH_SCORED = 'Batch Scoring Completed',
}

/** States of a prediction. It starts open and ends in exactly one of the others. */
export const STATE = { open: 'open', labelled: 'labelled', expired: 'expired' } as const;

/** The predictions table, its index and the tally table. */
export const BOOKS = {
  /** Partition key of the predictions table: `<model>/<prediction id>`. */
  key: 'key',
  /** Sparse index of open predictions by `openShard` and `expiresAt`. */
  openIndex: 'open',
  openShard: 'openShard',
  expiresAt: 'expiresAt',
  /** Partition and sort key of the tally table: shard number, `<event day>#<model>`. */
  shard: 'shard',
  bucket: 'bucket',
  /** Predictions and their counters spread over this many partitions. Fixed: changing it would orphan open predictions. */
  shards: 16,
} as const;

/** Environment variables of the handlers. */
export const ENV = {
  apiName: 'API_NAME',
  predictionsTable: 'PREDICTIONS_TABLE',
  tallyTable: 'TALLY_TABLE',
  eventBus: 'EVENT_BUS',
  endpointPrefix: 'ENDPOINT_PREFIX',
  modelTimeoutMs: 'MODEL_TIMEOUT_MS',
  maximumRequestBytes: 'MAXIMUM_REQUEST_BYTES',
  labelWindowSeconds: 'LABEL_WINDOW_SECONDS',
  decisionOutput: 'DECISION_OUTPUT',
  decisionLeadSeconds: 'DECISION_LEAD_SECONDS',
  signatures: 'MODEL_SIGNATURES',
  coverageDays: 'COVERAGE_DAYS',
} as const;

/** Dimension of the metrics below; its value is the name of the API. */
export const API_DIMENSION = 'Api';

/** Metrics of the API and its books. Units: Count, except where the name says otherwise. */
export const API_METRIC = {
  /** Answers given and recorded. */
  predictions: 'Predictions',
  /** Requests answered 503 because the model failed, was not ready or did not answer in time. */
  modelUnavailable: 'ModelUnavailable',
  /** Requests answered 500: a bug, a missing permission, books that cannot be written. Never the model's fault. */
  apiFault: 'ApiFault',
  /** Time from request to answer that the model took. Milliseconds. */
  modelTime: 'ModelTime',
  /** Features that were null because the store failed or did not answer in time. */
  featureUnavailable: 'FeaturesUnavailable',
  /** Features that were null, for whatever reason. */
  featureNull: 'FeaturesNull',
  /** Time that looking up the features of a request took. Milliseconds. */
  featureTime: 'FeatureTime',
  /** Predictions that got their ground truth. */
  labelled: 'PredictionsLabelled',
  /** Feedback refused because the prediction has other ground truth already. */
  feedbackConflict: 'FeedbackConflict',
  /** Feedback refused because the label window was over. */
  feedbackLate: 'FeedbackLate',
  /** Predictions that ended without ground truth. */
  expired: 'PredictionsExpired',
  /** Predictions that wait for ground truth now. */
  open: 'PredictionsOpen',
  /** Labelled share of the predictions whose label window ended in the last days. Percent. */
  labelCoverage: 'LabelCoverage',
  /** Number of those predictions. */
  labelCoverageBase: 'LabelCoverageBase',
} as const;

/** Largest answer that is stored beside its prediction: an Amazon DynamoDB item holds 400 KB. Bytes. */
export const MAXIMUM_ANSWER_BYTES = 300 * 1024;

/** Rows of a request to a model with features: each may be another entity to look up, and all of them are kept with the prediction. */
export const MAXIMUM_FEATURE_ROWS = 100;

/** Farthest that `event_time` may lie ahead of now. Days. */
export const FARTHEST_EVENT_DAYS = 400;

/** Data types of the Open Inference Protocol v2 (https://github.com/kserve/open-inference-protocol). */
export const DATATYPES = [
  ...(['BOOL', 'UINT8', 'UINT16', 'UINT32', 'UINT64', 'INT8', 'INT16', 'INT32', 'INT64'] as const),
  ...(['FP16', 'FP32', 'FP64', 'BYTES', 'BF16'] as const),
] as const;
