import { IBucket } from 'aws-cdk-lib/aws-s3';

/** How objects are cut into records. */
export enum BatchSplit {
  /** Each object is one request. */
  NONE = 'None',
  /** Each line is a record. */
  LINE = 'Line',
  /** RecordIO, as of Apache MXNet. */
  RECORD_IO = 'RecordIO',
  /** TFRecord, as of TensorFlow. */
  TF_RECORD = 'TFRecord',
}

/** How records are put into requests. */
export enum BatchStrategy {
  /** As many as fit into `maxPayload`. */
  MULTI_RECORD = 'MultiRecord',
  /** One. */
  SINGLE_RECORD = 'SingleRecord',
}

/** What is scored: every object below a prefix. */
export interface BatchInput {
  /** Bucket, in the Region of the scoring. */
  readonly bucket: IBucket;
  /** Prefix without slash at either end; only what lies below it is read. */
  readonly prefix: string;
  /**
   * Media type of the objects, as the model is told.
   *
   * @default 'text/csv'
   */
  readonly contentType?: string;
  /**
   * How objects are cut into records.
   *
   * @default BatchSplit.LINE
   */
  readonly split?: BatchSplit;
  /**
   * Whether objects are compressed with gzip.
   *
   * @default false
   */
  readonly gzip?: boolean;
  /**
   * JSONPath of what of a record the model gets, such as `$[1:]` to leave an id out: at most 63 characters
   * (https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform-data-processing.html).
   *
   * @default - all of it
   */
  readonly filter?: string;
}

/** Where scores go. */
export interface BatchOutput {
  /** Bucket, in the Region of the scoring. Scores are encrypted with its key. */
  readonly bucket: IBucket;
  /**
   * Prefix without slash at either end, below which each run has a folder of its own, `<day>/<run>/`: nothing is overwritten.
   *
   * @default - the name of the scoring
   */
  readonly prefix?: string;
  /**
   * Media type that the model is asked for.
   *
   * @default - the input's
   */
  readonly accept?: string;
  /**
   * Whether each record is joined with the score of it.
   *
   * @default false
   */
  readonly joinInput?: boolean;
  /**
   * JSONPath of what of a record is written, such as `$[0,-1]` for the id and the score of a joined one: at most 63 characters.
   *
   * @default - all of it
   */
  readonly filter?: string;
}
