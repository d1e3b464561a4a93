import { CopyObjectCommand, HeadObjectCommand, S3Client } from '@aws-sdk/client-s3';
import type { Copy } from './core';

/** Most that one call copies, in bytes: https://docs.aws.amazon.com/AmazonS3/latest/API/API_CopyObject.html */
export const LARGEST_COPY = 5 * 1024 ** 3;

/**
 * Copies what a version names to where nothing expires and no job writes, each object once: what is there already was copied by an earlier try of the
 * same attempt and is left as it is (https://docs.aws.amazon.com/AmazonS3/latest/userguide/conditional-writes.html).
 *
 * Errors: `ModelTooLarge` before anything is copied. Larger ones would need copies in parts; those of scikit-learn and
 * XGBoost, whose images train here, are far smaller.
 */
export async function keep(s3: Pick<S3Client, 'send'>, copies: readonly Copy[]): Promise<void> {
  const { Bucket, Key } = placeOf(copies[0].from);
  const { ContentLength = 0 } = await s3.send(new HeadObjectCommand({ Bucket, Key }));
  if (ContentLength > LARGEST_COPY) {
    throw new Error(
      `ModelTooLarge: ${copies[0].from} has ${ContentLength} bytes, a version may have ${LARGEST_COPY}: leave out of SM_MODEL_DIR what serving does not need`,
    );
  }
  await Promise.all(copies.map((copy) => once(s3, copy)));
}

async function once(s3: Pick<S3Client, 'send'>, { from, to }: Copy): Promise<void> {
  const source = placeOf(from);
  try {
    await s3.send(new CopyObjectCommand({ ...placeOf(to), CopySource: encodeURI(`${source.Bucket}/${source.Key}`), IfNoneMatch: '*' }));
  } catch (error) {
    if ((error as Error).name !== 'PreconditionFailed') {
      throw error;
    }
  }
}

function placeOf(uri: string): { Bucket: string; Key: string } {
  const [, Bucket, Key] = /^s3:\/\/([^/]+)\/(.+)$/.exec(uri)!;
  return { Bucket, Key };
}
