import { Stack, Token } from 'aws-cdk-lib';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { mismatch } from '../../shared/checks';

/** SageMaker takes 512 characters of an address, of which a bucket's name and the folders of this library need up to 83. */
const LONGEST_PREFIX = 400;

/** What is wrong with a place in a bucket, which must be in the Region of the endpoint. @internal */
export function locationProblems(
  scope: Construct,
  property: string,
  { bucket, prefix }: { readonly bucket: IBucket; readonly prefix: string },
): string[] {
  const [here, there] = [Stack.of(scope).region, bucket.env.region];
  const elsewhere = ![here, there].some((region) => Token.isUnresolved(region)) && here !== there;
  return [
    ...mismatch(`${property}.prefix`, prefix, /^[A-Za-z0-9!_.'()=-]+(\/[A-Za-z0-9!_.'()=-]+)*$/, "a key prefix without '/' at either end"),
    ...(Token.isUnresolved(prefix) || prefix.length <= LONGEST_PREFIX
      ? []
      : [`'${property}.prefix' must have at most ${LONGEST_PREFIX} characters, got ${prefix.length}`]),
    ...(elsewhere ? [`'${property}.bucket' is in ${there} but the endpoint in ${here}: use a bucket in ${here}`] : []),
  ];
}

/** Whether two are known to be one bucket: it may be imported twice. @internal */
export const sameBucket = (one: IBucket, other: IBucket): boolean => one === other || one.bucketName === other.bucketName;
