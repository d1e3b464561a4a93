import { IBucket } from 'aws-cdk-lib/aws-s3';

/** Where callers of an asynchronous endpoint put what they ask. */
export interface AsyncInput {
  /** Bucket, in the Region of the endpoint. */
  readonly bucket: IBucket;
  /**
   * Prefix of the objects without slash at either end, at most 400 characters. Callers may write below it and the endpoint may read there, and nowhere else.
   *
   * @default - `<endpoint name>/requests`
   */
  readonly prefix?: string;
}

/** Where an asynchronous endpoint puts what it answers. */
export interface AsyncOutput {
  /** Bucket, in the Region of the endpoint. Answers are encrypted with its key. */
  readonly bucket: IBucket;
  /**
   * Prefix without slash at either end, at most 400 characters: answers lie below `<prefix>/answers/`, what went wrong below
   * `<prefix>/failures/`.
   *
   * @default - the name of the endpoint
   */
  readonly prefix?: string;
}
