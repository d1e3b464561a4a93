import { Stack, Token } from 'aws-cdk-lib';
import { IRole } from 'aws-cdk-lib/aws-iam';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { Construct } from 'constructs';
import { InferenceImage } from './inference-image';

/** A way of serving that does not take every source. @internal */
export type ChoosyMode = 'serverless' | 'batch' | 'component';

/** Where the data of a model lies, as CreateModel takes it: at most one of both. @internal */
export interface BoundData {
  /** A `.tar.gz` that SageMaker unpacks. */
  readonly artifactUrl?: string;
  /** Anything else in Amazon S3. */
  readonly dataSource?: CfnModel.S3DataSourceProperty;
}

/** The data of a model that a container of one image loads. @internal */
export interface ModelData {
  /** Whether it lies in a bucket that belongs to the toolchain. */
  readonly borrowedBucket?: boolean;
  /** Whether a container reaches beyond AWS when it starts. */
  readonly needsNetwork?: boolean;
  /** Ways of serving that cannot take it, each with the reason and the way out. */
  readonly exclusions?: Readonly<Partial<Record<ChoosyMode, string>>>;
  /** What the container must be told to find it, beside what the image needs anyway. */
  readonly environment?: Readonly<Record<string, string>>;
  /** What is wrong with it for an endpoint in `scope`. */
  problems(scope: Construct, image: InferenceImage, networkIsolation: boolean): string[];
  /** Why it cannot serve in production; absent when it can. */
  keptProblems?(): string[];
  /** Lets `role` read it, and nothing else. */
  bind(scope: Construct, role: IRole): BoundData;
}

/** Problem when a bucket is known to be in another Region than the endpoint. @internal */
export function elsewhereProblems(scope: Construct, bucket: Pick<IBucket, 'env'>): string[] {
  const [here, there] = [Stack.of(scope).region, bucket.env.region];
  return ![here, there].some((region) => Token.isUnresolved(region)) && here !== there
    ? [`'model' is in a bucket in ${there} but the endpoint in ${here}: copy it to a bucket in ${here}`]
    : [];
}

/** The longest address that CreateModel takes (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html). */
const LONGEST_ADDRESS = 1024;

/** Problem when the address of a model in Amazon S3 is longer than SageMaker takes; a key alone may have as many characters. @internal */
export function lengthProblems(bucketName: string, key: string): string[] {
  const longestName = 63;
  const bucket = Token.isUnresolved(bucketName) ? longestName : bucketName.length;
  const most = LONGEST_ADDRESS - 's3:///'.length - bucket;
  return Token.isUnresolved(key) || key.length <= most
    ? []
    : [
        `'model' must lie below a key of at most ${most} characters in this bucket, got ${key.length}: SageMaker takes ${LONGEST_ADDRESS} with the bucket's`,
      ];
}

/**
 * CreateModel takes `ModelDataSource` for none of these
 * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ContainerDefinition.html).
 *
 * @internal
 */
export const ARCHIVES_ONLY: ModelData['exclusions'] = {
  serverless: "'model' lies uncompressed in Amazon S3, which serverless endpoints do not take: pack it and use ModelSource.fromTarball()",
  batch: "'model' lies uncompressed in Amazon S3, which batch transform does not take: pack it and use ModelSource.fromTarball()",
};
