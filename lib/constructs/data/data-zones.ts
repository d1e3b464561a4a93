import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { PolicyStatement, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { IKey } from 'aws-cdk-lib/aws-kms';
import { BlockPublicAccess, Bucket, BucketEncryption, CfnBucket, IBucket, LifecycleRule, ObjectOwnership } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { failOn, notWhole, outsideRange, unknownAmount } from '../shared/checks';
import { removalProblems } from '../shared/removal';
import { SPLIT_PARTS } from './data-intake/contract';

/** Properties of `DataZones`. */
export interface DataZonesProps {
  /**
   * Key that encrypts the four zones, with an Amazon S3 bucket key to keep calls to it few. Grants of this library extend to it; the access
   * logs stay with SSE-S3, because log delivery takes no other key
   * (https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html).
   *
   * @default - SSE-S3: it encrypts everything too, costs nothing, and no deleted key can destroy a dataset version that must stay readable
   */
  readonly encryptionKey?: IKey;
  /**
   * Raw objects are deleted this long after they arrived: 1 to 3650 whole days, and at least `quarantineRetention`, because the bytes of a
   * quarantined record are read from its raw object. A version that was replaced or deleted stays for `quarantineRetention` more, so that
   * this holds for it too.
   *
   * @default Duration.days(400)
   */
  readonly rawRetention?: Duration;
  /**
   * Quarantined records are deleted this long after they were found: 1 to 3650 whole days.
   *
   * @default Duration.days(365)
   */
  readonly quarantineRetention?: Duration;
  /**
   * Captured requests and answers of endpoints are deleted after this: 1 to 3650 whole days.
   *
   * @default Duration.days(90)
   */
  readonly captureRetention?: Duration;
  /**
   * What happens to the buckets when they leave the stack. `DESTROY` needs `deleteObjects` as well.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
  /**
   * The second switch: delete all data with the buckets. It counts only together with `removalPolicy: RemovalPolicy.DESTROY`; either
   * without the other is an error.
   *
   * @default false
   */
  readonly deleteObjects?: boolean;
}

const DEFAULT = { raw: Duration.days(400), quarantine: Duration.days(365), capture: Duration.days(90) };

/** Access logs answer who read what; a year covers the usual audit period. */
const ACCESS_LOG_RETENTION = Duration.days(365);

/** What was deleted or overwritten in quarantine and capture can be brought back for this long. */
const UNDO = Duration.days(30);

/** Parts of uploads that nobody finished are paid for and invisible; no upload of ours lasts longer than a function. */
const UPLOADS: LifecycleRule = { id: 'unfinished-uploads', abortIncompleteMultipartUploadAfter: Duration.days(2) };

/** What the steps of splitting a large file leave for each other: no reader sees it, and no execution lasts for an hour. */
const PARTS: LifecycleRule = {
  id: 'parts-of-splits',
  prefix: `${SPLIT_PARTS}/`,
  expiration: Duration.days(1),
  noncurrentVersionExpiration: Duration.days(1),
};

/** A delete marker of which no version is left hides nothing any more. */
const MARKERS: LifecycleRule = { id: 'empty-delete-markers', expiredObjectDeleteMarker: true };

/**
 * Where data lies: what arrived, what passed its contract, what did not, and what endpoints were asked and answered.
 *
 * All buckets are encrypted, versioned, closed to the public and to plain HTTP, and log who reads them. No record in `validated` ever
 * expires, not even a version that somebody deleted: manifests of datasets pin object versions.
 */
export class DataZones extends Construct {
  /** What senders put, below `<dataset>/`. Every new object is announced to Amazon EventBridge. */
  public readonly raw: IBucket;
  /** Records that passed their contract, below `<dataset>/`, and the manifests of datasets, below `datasets/`. */
  public readonly validated: IBucket;
  /** Records that did not pass: position, rule and reason. */
  public readonly quarantine: IBucket;
  /** Captured requests and answers of endpoints. */
  public readonly capture: IBucket;
  /** Who read or wrote the zones. */
  public readonly accessLogs: IBucket;
  private readonly intakes = new Map<string, Construct>();

  constructor(scope: Construct, id: string, props: DataZonesProps = {}) {
    super(scope, id);
    failOn(this, 'InvalidDataZones', problemsOf(props));
    const raw = props.rawRetention ?? DEFAULT.raw;
    const quarantine = props.quarantineRetention ?? DEFAULT.quarantine;
    const capture = props.captureRetention ?? DEFAULT.capture;
    const logs = this.createAccessLogs(props);
    this.accessLogs = logs;
    this.raw = this.createZone('Raw', props, logs, [expiry(raw, quarantine), MARKERS, UPLOADS]);
    this.validated = this.createZone('Validated', props, logs, [PARTS, UPLOADS]);
    this.quarantine = this.createZone('Quarantine', props, logs, [expiry(quarantine, UNDO), MARKERS, UPLOADS]);
    this.capture = this.createZone('Capture', props, logs, [expiry(capture, UNDO), MARKERS, UPLOADS]);
    this.announce(this.raw);
  }

  /** Problem when an intake reads `raw/<dataset>/` already: two would count every file twice. @internal */
  public _taken(dataset: string): string[] {
    const other = this.intakes.get(dataset);
    return other === undefined ? [] : [`dataset '${dataset}' is taken in by ${other.node.path} already: give the contract another name`];
  }

  /** Says that `intake` reads `raw/<dataset>/`. @internal */
  public _claim(dataset: string, intake: Construct): void {
    this.intakes.set(dataset, intake);
  }

  private createZone(id: string, props: DataZonesProps, logs: Bucket, lifecycleRules: LifecycleRule[]): Bucket {
    const { encryptionKey } = props;
    const bucket = new Bucket(this, id, {
      ...common(props),
      ...(encryptionKey === undefined
        ? { encryption: BucketEncryption.S3_MANAGED }
        : { encryption: BucketEncryption.KMS, encryptionKey, bucketKeyEnabled: true }),
      lifecycleRules,
    });
    const resource = bucket.node.defaultChild as CfnBucket;
    // Not by the bucket's own property: depending on a feature flag that would give the log bucket an ACL, which it does not take.
    resource.loggingConfiguration = { destinationBucketName: logs.bucketName, logFilePrefix: `${id.toLowerCase()}/` };
    const emptied = logs.node.tryFindChild('AutoDeleteObjectsCustomResource');
    if (emptied !== undefined) {
      // Emptying a bucket writes access logs: the log bucket must be emptied after this one is gone.
      bucket.node.addDependency(emptied);
    }
    return bucket;
  }

  /** https://docs.aws.amazon.com/AmazonS3/latest/userguide/enable-server-access-logging.html#grant-log-delivery-permissions-general */
  private createAccessLogs(props: DataZonesProps): Bucket {
    const bucket = new Bucket(this, 'AccessLogs', {
      ...common(props),
      encryption: BucketEncryption.S3_MANAGED,
      lifecycleRules: [expiry(ACCESS_LOG_RETENTION, Duration.days(1)), MARKERS, UPLOADS],
    });
    bucket.addToResourcePolicy(
      new PolicyStatement({
        sid: 'AccessLogDelivery',
        principals: [new ServicePrincipal('logging.s3.amazonaws.com')],
        actions: ['s3:PutObject'],
        resources: [bucket.arnForObjects('*')],
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    );
    return bucket;
  }

  /**
   * By the resource's own property, not by the CDK's custom resource: that one replaces the whole configuration of the bucket, and so would
   * a notification that somebody adds later.
   */
  private announce(raw: IBucket): void {
    (raw.node.defaultChild as CfnBucket).notificationConfiguration = { eventBridgeConfiguration: { eventBridgeEnabled: true } };
    this.node.addValidation({
      validate: () =>
        raw.node.tryFindChild('Notifications') === undefined
          ? []
          : [
              'InvalidDataZones: a notification was added to the raw bucket, which would switch its events to Amazon EventBridge off: ' +
                `make a rule on 'Object Created' events instead [at ${this.node.path}]`,
            ],
    });
  }
}

function common({ removalPolicy, deleteObjects }: DataZonesProps) {
  return {
    versioned: true,
    enforceSSL: true,
    minimumTLSVersion: 1.2,
    blockPublicAccess: BlockPublicAccess.BLOCK_ALL,
    objectOwnership: ObjectOwnership.BUCKET_OWNER_ENFORCED,
    removalPolicy: removalPolicy ?? RemovalPolicy.RETAIN,
    autoDeleteObjects: deleteObjects ?? false,
  };
}

/** Deletes objects after `current`, and what was replaced or deleted `noncurrent` after that happened. */
function expiry(current: Duration, noncurrent: Duration): LifecycleRule {
  return { id: 'retention', expiration: current, noncurrentVersionExpiration: noncurrent };
}

function problemsOf(props: DataZonesProps): string[] {
  return [
    ...retention('rawRetention', props.rawRetention),
    ...retention('quarantineRetention', props.quarantineRetention),
    ...retention('captureRetention', props.captureRetention),
    ...coverage(props.rawRetention ?? DEFAULT.raw, props.quarantineRetention ?? DEFAULT.quarantine),
    ...removalProblems(props),
  ];
}

function retention(name: string, value: Duration | undefined): string[] {
  if (value === undefined || value.isUnresolved()) {
    return unknownAmount(name, value);
  }
  const days = value.toDays({ integral: false });
  return [...outsideRange(`${name} (days)`, days, 1, 3650), ...notWhole(`${name} (days)`, days)];
}

function coverage(raw: Duration, quarantine: Duration): string[] {
  if (raw.isUnresolved() || quarantine.isUnresolved()) {
    return [];
  }
  const [kept, needed] = [raw, quarantine].map((value) => value.toDays({ integral: false }));
  return kept < needed
    ? [
        `'rawRetention' of ${kept} days is shorter than 'quarantineRetention' of ${needed} days: the bytes of quarantined records would be ` +
          'gone first; make it at least as long',
      ]
    : [];
}
