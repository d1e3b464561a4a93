import { Stack, Token } from 'aws-cdk-lib';
import { IRole } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { grantReadObject, grantReadPrefix } from './bucket-grants';
import { ARCHIVES_ONLY, BoundData, lengthProblems, ModelData } from './model-data';
import type { ContainerModelProps } from './model-source';
import { prefixProblems } from './prefix-data';

/** How data of Amazon SageMaker JumpStart is served. */
export interface JumpStartModelProps extends ContainerModelProps {
  /**
   * Accepts the end-user licence agreement of a gated model, whose data lies in a `jumpstart-private-cache-prod-...` bucket. Read it first: its
   * address is `HostingEulaUri` of the model's hub content
   * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_ModelAccessConfig.html).
   *
   * @default false - an error for a gated model
   */
  readonly acceptEula?: boolean;
}

/**
 * Data in the buckets of JumpStart, which are named by Region (https://github.com/aws/sagemaker-python-sdk,
 * `src/sagemaker/jumpstart/constants.py`); those with `private` hold gated models.
 */
const ADDRESS = /^s3:\/\/(jumpstart-(private-)?cache-prod-([a-z]{2}(?:-[a-z]+)+-\d))\/(.+)$/;

/** @internal */
export class JumpStartData implements ModelData {
  public readonly exclusions: ModelData['exclusions'];
  private readonly bucketName: string = '';
  private readonly region: string = '';
  private readonly key: string = '';
  private readonly gated: boolean = false;
  private readonly known: boolean;

  constructor(
    private readonly address: string,
    private readonly props: JumpStartModelProps,
  ) {
    const match = Token.isUnresolved(address) ? null : ADDRESS.exec(address);
    this.known = match !== null;
    if (match !== null) {
      [this.bucketName, this.region, this.key] = [match[1], match[3], match[4]];
      this.gated = match[2] !== undefined;
    }
    this.exclusions = this.gated || !this.isArchive ? ARCHIVES_ONLY : undefined;
  }

  public problems(scope: Construct): string[] {
    if (!this.known) {
      return [
        `'model' must be an address in a bucket of JumpStart, such as s3://jumpstart-cache-prod-eu-central-1/..., known at synth, got '${this.address}': ` +
          "see 'HostingArtifactUri' of `aws sagemaker describe-hub-content --hub-name SageMakerPublicHub --hub-content-type Model --hub-content-name <id>`",
      ];
    }
    const { region } = Stack.of(scope);
    return [
      ...(this.isArchive ? archiveProblems(this.key) : prefixProblems(this.key)),
      ...lengthProblems(this.bucketName, this.key),
      ...(Token.isUnresolved(region) || region === this.region
        ? []
        : [
            `'model' is in ${this.region} but the endpoint in ${region}: use the address in ${region}, where JumpStart has a bucket of its own`,
          ]),
      ...this.eulaProblems(),
    ];
  }

  public bind(scope: Construct, role: IRole): BoundData {
    const bucket = Bucket.fromBucketName(scope, 'JumpStart', this.bucketName);
    if (this.isArchive) {
      grantReadObject(bucket, this.key, role);
    } else {
      grantReadPrefix(bucket, this.key, role, 'The files of one model of JumpStart lie below this prefix; SageMaker reads all of them.');
    }
    const [s3DataType, compressionType] = this.isArchive ? ['S3Object', 'Gzip'] : ['S3Prefix', 'None'];
    const modelAccessConfig = this.gated ? { acceptEula: true } : undefined;
    return this.isArchive && !this.gated
      ? { artifactUrl: this.address }
      : { dataSource: { s3Uri: this.address, s3DataType, compressionType, modelAccessConfig } };
  }

  private get isArchive(): boolean {
    return this.key.endsWith('.tar.gz');
  }

  private eulaProblems(): string[] {
    const accepted = this.props.acceptEula ?? false;
    if (this.gated && !accepted) {
      return [
        "'model' is gated by an end-user licence agreement: read it ('HostingEulaUri' of its hub content) and set 'acceptEula: true'",
      ];
    }
    return accepted && !this.gated
      ? [
          `'acceptEula' is for gated models, and ${this.bucketName} holds none: leave it out, its licence applies without being accepted here`,
        ]
      : [];
  }
}

const archiveProblems = (key: string): string[] =>
  /[*?]/.test(key) ? [`'model' key must name one object, without '*' or '?', got '${key}'`] : [];
