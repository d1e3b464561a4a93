/** Names and shapes that the model constructs, their handlers and their tests share. This file imports nothing. */

/** What an approved-version parameter holds while no version is approved. */
export const NO_VERSION = 'none';

/** Where the approved version of a model lies: `/<workload>-<stage>/models/<model>/approved`. */
export const approvedParameter = (prefix: string, model: string): string => `/${prefix}/models/${model}/approved`;

/** Prefix of everything of one model in the artefact bucket. */
export const artifactPrefix = (model: string): string => `${model}/`;

/** What every registered version must say of itself, in the metadata of its model package. At most 50 keys, 128 and 256 characters. */
export const LINEAGE = {
  dataset: 'dataset-id',
  codeRevision: 'code-revision',
  imageDigest: 'image-digest',
  parameters: 'parameters-sha256',
  run: 'training-run',
  evaluation: 'evaluation-s3-uri',
} as const;

/** Environment variables of the handlers. */
export const MODELS_ENV = { parameter: 'APPROVED_PARAMETER' } as const;
