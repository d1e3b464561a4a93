/** Names and shapes that the model constructs, their handlers and their tests share. This file imports nothing. */

/** What an approved-version parameter holds while no version is approved. */
export const NO_VERSION = 'none';

/** Where the approved version of a model lies: `/<workload>-<stage>/models/<model>/approved`. */
export const approvedParameter = (prefix: string, model: string): string => `/${prefix}/models/${model}/approved`;

/** Start of everything in the artefact bucket that expires: one rule for all models, for a bucket has no more than 1,000. */
export const RUNS_PREFIX = 'runs/';

/** Prefix of everything that training runs of one model leave. Their jobs write it, and it expires. */
export const runPrefix = (model: string): string => `${RUNS_PREFIX}${model}/`;

/** Start of everything in the artefact bucket that is kept. */
export const VERSIONS_PREFIX = 'versions/';

/** Prefix of everything that registered versions of one model name. Registration alone writes it, and it never expires. */
export const versionPrefix = (model: string): string => `${VERSIONS_PREFIX}${model}/`;

/** What every registered version must say of itself, in the metadata of its model package. At most 50 keys, 128 and 256 characters. */
export const LINEAGE = {
  dataset: 'dataset-id',
  codeRevision: 'code-revision',
  imageDigest: 'image-digest',
  parameters: 'parameters-sha256',
  run: 'training-run',
  evaluation: 'evaluation-s3-uri',
  /** The training code, which has the `evaluation.py` that the version is asked through. */
  code: 'code-s3-uri',
} as const;

/** Environment variables of the handlers. */
export const MODELS_ENV = { parameter: 'APPROVED_PARAMETER' } as const;
