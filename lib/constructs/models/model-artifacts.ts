import { Aws, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AccountPrincipal, Grant, IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { IKey, Key } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, CfnBucket, IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledgeResource } from '../shared/acknowledgements';
import { failOn, notWhole, outsideRange, unknownAmount } from '../shared/checks';
import { physicalName } from '../shared/names';
import { removalProblems } from '../shared/removal';
import { artifactPrefix } from './contract';
import { accountProblems, modelNameProblems, prefixProblems } from './model-names';

/** Properties of `ModelArtifacts`. */
export interface ModelArtifactsProps {
  /** Starts every physical name, `<workload>-<stage>`: 1 to 39 lower-case letters, digits and inner hyphens, known at synth. */
  readonly namePrefix: string;
  /**
   * Accounts, 12 digits each, that may read the artefacts of every model here: their identities need the permission too.
   *
   * @default - this account only
   */
  readonly trustedAccounts?: string[];
  /**
   * What training runs leave besides models, `<model>/runs/` and `<model>/checkpoints/`, is deleted after this: 1 to 3650 whole days.
   * Everything else, so every model, is kept.
   *
   * @default Duration.days(90)
   */
  readonly runRetention?: Duration;
  /**
   * Bucket that takes the access logs, in the Region of this one, with a policy that lets Amazon S3 deliver them: `DataZones.accessLogs`
   * is one.
   *
   * @default - no access logs
   */
  readonly accessLogs?: IBucket;
  /**
   * What happens to bucket and key when they leave the stack. `DESTROY` needs `deleteObjects` as well. A bucket that was kept has its name
   * still: take it back with `cdk import` before the stack is deployed again.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * The second switch: delete all artefacts with the bucket. It counts only together with `removalPolicy: RemovalPolicy.DESTROY`; either
   * without the other is an error.
   *
   * @default false
   */
  readonly deleteObjects?: boolean;
}

/** Rules that a bucket may have (https://docs.aws.amazon.com/AmazonS3/latest/userguide/object-lifecycle-mgmt.html), two for each model. */
const MOST_MODELS = 499;

/** Longest name that leaves room for account and Region (at most 15) in the 63 characters of a bucket name. */
const PREFIX_LENGTH = 63 - '-models--'.length - 12 - 15;

/**
 * The one bucket for the artefacts of a workload's models, `<namePrefix>-models-<account>-<region>`, encrypted with a key of its own: one that
 * AWS manages can never be shared with another account.
 *
 * It is versioned, closed to the public and to plain HTTP. Nothing that a registered version needs ever expires: endpoints load it again
 * whenever they scale out, are patched or rolled back.
 */
export class ModelArtifacts extends Construct {
  /** The bucket. Everything of a model lies below `<model>/`. */
  public readonly bucket: IBucket;
  /** The key that encrypts it, rotated every year. */
  public readonly key: IKey;
  private readonly resource: Bucket;
  private readonly runRetention: Duration;
  private readonly models = new Set<string>();
  private readonly namePrefix: string;

  constructor(scope: Construct, id: string, props: ModelArtifactsProps) {
    super(scope, id);
    failOn(this, 'InvalidModelArtifacts', problemsOf(props));
    this.namePrefix = props.namePrefix;
    this.runRetention = props.runRetention ?? Duration.days(90);
    const removalPolicy = props.removalPolicy ?? RemovalPolicy.RETAIN;
    this.key = new Key(this, 'Key', {
      description: `Artefacts of the models of ${props.namePrefix}`,
      enableKeyRotation: true,
      removalPolicy,
    });
    this.resource = this.createBucket(props, removalPolicy);
    this.bucket = this.resource;
    this.shareWith([...new Set(props.trustedAccounts)]);
  }

  /** Lets `grantee` read what lies below `<model>/`, with the key. */
  public grantRead(model: string, grantee: IGrantable): Grant {
    return this.grant(model, grantee, ['s3:GetObject', 's3:GetObjectVersion'], ['kms:Decrypt']);
  }

  /**
   * Lets `grantee` write below `<model>/`, in one piece or in parts, with the key. From then on what lies below `<model>/runs/` and
   * `<model>/checkpoints/` expires after `runRetention`. Error: more than 499 models.
   */
  public grantWrite(model: string, grantee: IGrantable): Grant {
    this.expireRuns(model);
    return this.grant(model, grantee, ['s3:PutObject', 's3:AbortMultipartUpload'], ['kms:GenerateDataKey', 'kms:Decrypt']);
  }

  private grant(model: string, grantee: IGrantable, actions: string[], keyActions: string[]): Grant {
    failOn(this, 'InvalidModelArtifacts', modelNameProblems({ namePrefix: this.namePrefix, model }));
    const objects = this.bucket.arnForObjects(`${artifactPrefix(model)}*`);
    const principal = grantee.grantPrincipal;
    if (Construct.isConstruct(principal)) {
      acknowledgeResource(
        principal,
        objects,
        'Everything of one model lies below this prefix; its runs and jobs are named when they start.',
      );
    }
    return Grant.addToPrincipal({ grantee, actions, resourceArns: [objects] }).combine(this.key.grant(grantee, ...keyActions));
  }

  private createBucket(props: ModelArtifactsProps, removalPolicy: RemovalPolicy): Bucket {
    const bucket = new Bucket(this, 'Bucket', {
      bucketName: artifactBucketName(this, props.namePrefix),
      encryption: BucketEncryption.KMS,
      encryptionKey: this.key,
      bucketKeyEnabled: true,
      versioned: true,
      enforceSSL: true,
      minimumTLSVersion: 1.2,
      blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
      objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
      removalPolicy,
      autoDeleteObjects: props.deleteObjects ?? false,
      lifecycleRules: [{ id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(7) }],
    });
    if (props.accessLogs === undefined) {
      Validations.of(bucket).acknowledge({
        id: 'AwsSolutions-S1',
        reason: 'The caller gave no bucket for access logs; who may read is limited to one prefix per role.',
      });
    } else {
      const resource = bucket.node.defaultChild as CfnBucket;
      // Not by the bucket's own property: depending on a feature flag that would give the log bucket an ACL, which it may not take.
      resource.loggingConfiguration = { destinationBucketName: props.accessLogs.bucketName, logFilePrefix: 'models/' };
    }
    return bucket;
  }

  /** Bucket and key policy name accounts, never their roles: those change and are theirs. */
  private shareWith(accounts: string[]): void {
    if (accounts.length === 0) {
      return;
    }
    const principals = accounts.map((account) => new AccountPrincipal(account));
    this.resource.addToResourcePolicy(
      new PolicyStatement({
        sid: 'TrustedAccounts',
        principals,
        actions: ['s3:GetObject', 's3:GetObjectVersion'],
        resources: [this.bucket.arnForObjects('*')],
      }),
    );
    this.key.addToResourcePolicy(
      new PolicyStatement({
        sid: 'TrustedAccounts',
        principals,
        actions: ['kms:Decrypt'],
        resources: ['*'],
        conditions: { StringEquals: { 'kms:ViaService': `s3.${Stack.of(this).region}.${Aws.URL_SUFFIX}` } },
      }),
    );
  }

  private expireRuns(model: string): void {
    if (this.models.has(model)) {
      return;
    }
    failOn(
      this,
      'InvalidModelArtifacts',
      this.models.size < MOST_MODELS
        ? []
        : [`'${model}' is one model more than the ${MOST_MODELS} whose runs a bucket can expire: give it a workload of its own`],
    );
    this.models.add(model);
    for (const folder of ['runs', 'checkpoints']) {
      this.resource.addLifecycleRule({
        id: `${model}-${folder}`,
        prefix: `${artifactPrefix(model)}${folder}/`,
        expiration: this.runRetention,
        noncurrentVersionExpiration: this.runRetention,
      });
    }
  }
}

/** @internal */
export function artifactBucketName(scope: Construct, namePrefix: string): string {
  const { account, region } = Stack.of(scope);
  return `${physicalName([namePrefix], PREFIX_LENGTH)}-models-${account}-${region}`;
}

function problemsOf(props: ModelArtifactsProps): string[] {
  return [
    ...prefixProblems(props.namePrefix),
    ...accountProblems(props.trustedAccounts),
    ...retentionProblems(props.runRetention),
    ...removalProblems(props),
  ];
}

function retentionProblems(value: Duration | undefined): string[] {
  if (value === undefined || value.isUnresolved()) {
    return unknownAmount('runRetention', value);
  }
  const days = value.toDays({ integral: false });
  return [...outsideRange('runRetention (days)', days, 1, 3650), ...notWhole('runRetention (days)', days)];
}
