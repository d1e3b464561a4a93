import { Aws, Duration, RemovalPolicy, Stack, Validations } from 'aws-cdk-lib';
import { AccountPrincipal, Grant, IGrantable, PolicyStatement } from 'aws-cdk-lib/aws-iam';
import { IKey, Key } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, CfnBucket, IBucket, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { acknowledgeResource } from '../shared/acknowledgements';
import { failOn, notWhole, outsideRange, unknownAmount } from '../shared/checks';
import { physicalName } from '../shared/names';
import { removalProblems } from '../shared/removal';
import { runPrefix, RUNS_PREFIX, versionPrefix, VERSIONS_PREFIX } from './contract';
import { accountProblems, modelNameProblems, prefixProblems } from './model-names';

/** Properties of `ModelArtifacts`. */
export interface ModelArtifactsProps {
  /** Starts every physical name, `<workload>-<stage>`: 1 to 39 lower-case letters, digits and inner hyphens, known at synth. */
  readonly namePrefix: string;
  /**
   * Accounts, 12 digits each, that may read what registered versions of every model here name: their identities need the permission too.
   *
   * @default - this account only
   */
  readonly trustedAccounts?: string[];
  /**
   * What training runs leave, everything below `runs/`, is deleted after this: 1 to 3650 whole days. What a registered version names lies
   * elsewhere and is kept.
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

const READ = ['s3:GetObject', 's3:GetObjectVersion'];
/** Parts of an encrypted object are decrypted when it is completed, and what is copied when it is read. */
const WRITE_KEY = ['kms:GenerateDataKey', 'kms:Decrypt'];

/** Longest name that leaves room for account and Region (at most 15) in the 63 characters of a bucket name. */
const PREFIX_LENGTH = 63 - '-models--'.length - 12 - 15;

/**
 * The one bucket for the artefacts of a workload's models, `<namePrefix>-models-<account>-<region>`, encrypted with a key of its own: one that
 * AWS manages can never be shared with another account.
 *
 * It is versioned, closed to the public and to plain HTTP. It has two parts. Below `runs/<model>/` lies what training runs leave, and it expires.
 * Below `versions/<model>/` lies what registered versions name: model, code and evaluation, copied there when a version is registered. It never
 * expires, for endpoints load it again whenever they scale out, are patched or rolled back; and no training job can write there, so that what
 * somebody approved stays what it was.
 */
export class ModelArtifacts extends Construct {
  /** The bucket. What runs of a model leave lies below `runs/<model>/`, what its versions name below `versions/<model>/`. */
  public readonly bucket: IBucket;
  /** The key that encrypts it, rotated every year. */
  public readonly key: IKey;
  private readonly resource: Bucket;
  private readonly namePrefix: string;

  constructor(scope: Construct, id: string, props: ModelArtifactsProps) {
    super(scope, id);
    failOn(this, 'InvalidModelArtifacts', problemsOf(props));
    this.namePrefix = props.namePrefix;
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

  /** Lets `grantee` read what registered versions of a model name, below `versions/<model>/`, with the key. */
  public grantRead(model: string, grantee: IGrantable): Grant {
    return this.grant(model, grantee, versionPrefix, READ, ['kms:Decrypt']);
  }

  /** Lets `grantee` read and write what training runs of a model leave, below `runs/<model>/`, in one piece or in parts, with the key. */
  public grantReadWriteRuns(model: string, grantee: IGrantable): Grant {
    return this.grant(model, grantee, runPrefix, [...READ, 's3:PutObject', 's3:AbortMultipartUpload'], WRITE_KEY);
  }

  /** Lets `grantee` copy what a training run of a model leaves to where versions are kept, below `versions/<model>/`, with the key. */
  public grantRegister(model: string, grantee: IGrantable): Grant {
    const reading = this.grant(model, grantee, runPrefix, ['s3:GetObject'], []);
    return reading.combine(this.grant(model, grantee, versionPrefix, ['s3:PutObject'], WRITE_KEY));
  }

  private grant(model: string, grantee: IGrantable, prefixOf: (model: string) => string, actions: string[], keyActions: string[]): Grant {
    failOn(this, 'InvalidModelArtifacts', modelNameProblems({ namePrefix: this.namePrefix, model }));
    const objects = this.bucket.arnForObjects(`${prefixOf(model)}*`);
    const principal = grantee.grantPrincipal;
    if (Construct.isConstruct(principal)) {
      acknowledgeResource(
        principal,
        objects,
        'What lies below this prefix is of one model; runs, jobs and versions are named when they are made.',
      );
    }
    const grant = Grant.addToPrincipal({ grantee, actions, resourceArns: [objects] });
    return keyActions.length === 0 ? grant : grant.combine(this.key.grant(grantee, ...keyActions));
  }

  private createBucket(props: ModelArtifactsProps, removalPolicy: RemovalPolicy): Bucket {
    const runRetention = props.runRetention ?? Duration.days(90);
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
      lifecycleRules: [
        { id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(7) },
        { id: 'runs', prefix: RUNS_PREFIX, expiration: runRetention, noncurrentVersionExpiration: runRetention },
      ],
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
        actions: READ,
        resources: [this.bucket.arnForObjects(`${VERSIONS_PREFIX}*`)],
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
