import { Token } from 'aws-cdk-lib';
import { IRole } from 'aws-cdk-lib/aws-iam';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { grantReadPrefix } from './bucket-grants';
import { ARCHIVES_ONLY, BoundData, elsewhereProblems, lengthProblems, ModelData } from './model-data';

/**
 * Uncompressed files below a prefix, which SageMaker puts into `/opt/ml/model` under what follows the prefix
 * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_S3ModelDataSource.html).
 *
 * @internal
 */
export class PrefixData implements ModelData {
  public readonly exclusions = ARCHIVES_ONLY;

  constructor(
    private readonly bucket: IBucket,
    private readonly prefix: string,
  ) {}

  public problems(scope: Construct): string[] {
    return [
      ...prefixProblems(this.prefix),
      ...lengthProblems(this.bucket.bucketName, this.prefix),
      ...elsewhereProblems(scope, this.bucket),
    ];
  }

  public bind(_scope: Construct, role: IRole): BoundData {
    grantReadPrefix(this.bucket, this.prefix, role, 'The files of one model lie below this prefix; SageMaker reads all of them.');
    return { dataSource: { s3Uri: this.bucket.s3UrlForObject(this.prefix), s3DataType: 'S3Prefix', compressionType: 'None' } };
  }
}

/** What is wrong with the prefix of a model; Tokens pass. @internal */
export function prefixProblems(prefix: string): string[] {
  if (Token.isUnresolved(prefix)) {
    return [];
  }
  const problems: string[] = [];
  if (!prefix.endsWith('/')) {
    problems.push(`'model' prefix must end with '/', got '${prefix}': S3Prefix URIs do, and '${prefix}2/' would be loaded too`);
  }
  if (
    /[*?]/.test(prefix) ||
    prefix
      .replace(/\/$/, '')
      .split('/')
      .some((part) => ['', '.', '..'].includes(part))
  ) {
    problems.push(`'model' prefix must name one folder, without empty parts, '.', '..', '*' and '?', got '${prefix}'`);
  }
  return problems;
}
