import { CfnParameter, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket, EventType } from 'aws-cdk-lib/aws-s3';
import { SqsDestination } from 'aws-cdk-lib/aws-s3-notifications';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { DataZones, DataZonesProps } from '../../../lib';
import { app, once, synth } from '../../support/synth';
import { Loose } from './contracts';
import { flat } from './statements';

const build = (props: DataZonesProps = {}) => synth((stack) => new DataZones(stack, 'Zones', props));
/** The plain zones, made once: nobody changes them. */
const plain = once(() => build());
const days = (stack: Stack) => new CfnParameter(stack, 'Days', { type: 'Number' }).valueAsNumber;

const ZONES = ['Raw', 'Validated', 'Quarantine', 'Capture'];
const ALL = [...ZONES, 'AccessLogs'];

/** Properties of a bucket by its zone. */
function bucketOf(template: Template, zone: string): Loose {
  const found = Object.entries(template.findResources('AWS::S3::Bucket')).find(([id]) => new RegExp(`^Zones${zone}[0-9A-F]{8}$`).test(id));
  return { id: found![0], ...found![1] };
}

const rulesOf = (template: Template, zone: string): Record<string, never>[] =>
  bucketOf(template, zone).Properties.LifecycleConfiguration.Rules;

describe('DataZones [D1]', () => {
  test.each(ALL)('keep the bucket %s encrypted, versioned, private, TLS-only and out of reach of a deletion', (zone) => {
    const { template, nag } = plain();
    const bucket = bucketOf(template, zone);
    expect(bucket).toMatchObject({ DeletionPolicy: 'Retain', UpdateReplacePolicy: 'Retain' });
    expect(bucket.Properties).toMatchObject({
      BucketEncryption: { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] },
      VersioningConfiguration: { Status: 'Enabled' },
      OwnershipControls: { Rules: [{ ObjectOwnership: 'BucketOwnerEnforced' }] },
      PublicAccessBlockConfiguration: {
        BlockPublicAcls: true,
        BlockPublicPolicy: true,
        IgnorePublicAcls: true,
        RestrictPublicBuckets: true,
      },
    });
    expect(bucket.Properties.BucketName).toBeUndefined();
    template.hasResourceProperties('AWS::S3::BucketPolicy', {
      Bucket: { Ref: bucket.id },
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({ Effect: 'Deny', Action: 's3:*', Condition: { Bool: { 'aws:SecureTransport': 'false' } } }),
          Match.objectLike({ Effect: 'Deny', Action: 's3:*', Condition: { NumericLessThan: { 's3:TlsVersion': 1.2 } } }),
        ]),
      },
    });
    expect(nag).toEqual([]);
  });

  test('announce new raw objects to Amazon EventBridge, and no others', () => {
    const { template } = plain();
    expect(bucketOf(template, 'Raw').Properties.NotificationConfiguration).toEqual({
      EventBridgeConfiguration: { EventBridgeEnabled: true },
    });
    ZONES.slice(1).forEach((zone) => expect(bucketOf(template, zone).Properties.NotificationConfiguration).toBeUndefined());
    template.resourceCountIs('Custom::S3BucketNotifications', 0);
  });

  test.each(ZONES)('log who reads or writes %s, below its name', (zone) => {
    const { template } = plain();
    expect(bucketOf(template, zone).Properties.LoggingConfiguration).toEqual({
      DestinationBucketName: { Ref: bucketOf(template, 'AccessLogs').id },
      LogFilePrefix: `${zone.toLowerCase()}/`,
    });
  });

  test('let only the log delivery of Amazon S3 for this account write access logs', () => {
    const { template } = plain();
    const logs = bucketOf(template, 'AccessLogs');
    expect(logs.Properties.AccessControl).toBeUndefined();
    const policy = Object.values(template.findResources('AWS::S3::BucketPolicy')).find((p) => p.Properties.Bucket.Ref === logs.id)!;
    const allowed = policy.Properties.PolicyDocument.Statement.filter((s: { Effect: string }) => s.Effect === 'Allow');
    expect(allowed).toHaveLength(1);
    expect(allowed[0]).toMatchObject({
      Action: 's3:PutObject',
      Principal: { Service: 'logging.s3.amazonaws.com' },
      Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
    });
    expect(flat(allowed[0].Resource)).toBe('<ZonesAccessLogs>/*');
  });

  test('look the same in an app without feature flags: the log bucket takes no ACL', () => {
    const stack = new Stack(undefined, 'Plain');
    new DataZones(stack, 'Zones');
    Template.fromStack(stack).allResourcesProperties('AWS::S3::Bucket', { AccessControl: Match.absent() });
  });

  test('keep what was validated for ever, also what somebody deleted: manifests pin versions; only parts of splits go after a day', () => {
    const { template } = plain();
    expect(rulesOf(template, 'Validated')).toEqual([
      {
        ...{ Id: 'parts-of-splits', Status: 'Enabled', Prefix: '_splits/' },
        ...{ ExpirationInDays: 1, NoncurrentVersionExpiration: { NoncurrentDays: 1 } },
      },
      { Id: 'unfinished-uploads', Status: 'Enabled', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 } },
    ]);
  });

  test.each([
    ['Raw', 400, 365],
    ['Quarantine', 365, 30],
    ['Capture', 90, 30],
    ['AccessLogs', 365, 1],
  ])('keep %s for %d days, and versions that were replaced or deleted %d more', (zone, current, noncurrent) => {
    const { template } = plain();
    expect(rulesOf(template, zone)).toEqual([
      { Id: 'retention', Status: 'Enabled', ExpirationInDays: current, NoncurrentVersionExpiration: { NoncurrentDays: noncurrent } },
      { Id: 'empty-delete-markers', Status: 'Enabled', ExpiredObjectDeleteMarker: true },
      { Id: 'unfinished-uploads', Status: 'Enabled', AbortIncompleteMultipartUpload: { DaysAfterInitiation: 2 } },
    ]);
  });

  test('keep each zone as long as they are told, and replaced raw versions as long as quarantine', () => {
    const { template } = build({
      rawRetention: Duration.days(20),
      quarantineRetention: Duration.days(10),
      captureRetention: Duration.days(5),
    });
    expect(rulesOf(template, 'Raw')[0]).toMatchObject({ ExpirationInDays: 20, NoncurrentVersionExpiration: { NoncurrentDays: 10 } });
    expect(rulesOf(template, 'Quarantine')[0]).toMatchObject({ ExpirationInDays: 10 });
    expect(rulesOf(template, 'Capture')[0]).toMatchObject({ ExpirationInDays: 5 });
  });

  test('encrypt the zones with a key of yours, few calls to it, and the access logs without: their delivery takes none', () => {
    const { template, nag } = synth(
      (stack) => new DataZones(stack, 'Zones', { encryptionKey: new Key(stack, 'Key', { enableKeyRotation: true }) }),
    );
    ZONES.forEach((zone) =>
      expect(bucketOf(template, zone).Properties.BucketEncryption.ServerSideEncryptionConfiguration).toEqual([
        {
          BucketKeyEnabled: true,
          ServerSideEncryptionByDefault: {
            SSEAlgorithm: 'aws:kms',
            KMSMasterKeyID: { 'Fn::GetAtt': [expect.stringMatching(/^Key/), 'Arn'] },
          },
        },
      ]),
    );
    const logs = bucketOf(template, 'AccessLogs').Properties.BucketEncryption.ServerSideEncryptionConfiguration;
    expect(logs).toEqual([{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }]);
    expect(nag).toEqual([]);
  });
});

describe('deleting data takes two switches [D1]', () => {
  test('both together delete it, the access logs last: emptying the zones writes some', () => {
    const { template, nag } = build({ removalPolicy: RemovalPolicy.DESTROY, deleteObjects: true });
    ALL.forEach((zone) => expect(bucketOf(template, zone)).toMatchObject({ DeletionPolicy: 'Delete', UpdateReplacePolicy: 'Delete' }));
    template.resourceCountIs('Custom::S3AutoDeleteObjects', 5);
    const emptying = Object.keys(template.findResources('Custom::S3AutoDeleteObjects')).find((id) => id.startsWith('ZonesAccessLogs'));
    ZONES.forEach((zone) => expect(bucketOf(template, zone).DependsOn).toContain(emptying));
    expect(nag).toEqual([]);
  });

  test('fails on the policy alone, and says what to do', () => {
    expect(() => build({ removalPolicy: RemovalPolicy.DESTROY })).toThrow(
      "InvalidDataZones: 'removalPolicy' DESTROY cannot delete buckets that hold data: set 'deleteObjects: true' as well, or leave both out to keep the data [at Test/Zones]",
    );
  });

  test.each([undefined, RemovalPolicy.RETAIN])('fails on the switch alone, with the policy %s', (removalPolicy) => {
    expect(() => build({ removalPolicy, deleteObjects: true })).toThrow(
      "'deleteObjects' deletes nothing while the buckets are kept: set 'removalPolicy: RemovalPolicy.DESTROY' as well, or leave it out",
    );
  });

  test('keeps everything with neither, or with a plain no', () => {
    build({ removalPolicy: RemovalPolicy.RETAIN, deleteObjects: false }).template.resourceCountIs('Custom::S3AutoDeleteObjects', 0);
  });
});

describe('retention', () => {
  const NAMES = ['rawRetention', 'quarantineRetention', 'captureRetention'] as const;

  test.each(NAMES)('fails on %s below a day, above ten years, and between two days', (name) => {
    const others = { rawRetention: Duration.days(3650), quarantineRetention: Duration.days(1) };
    expect(() => build({ ...others, [name]: Duration.hours(12) })).toThrow(`'${name} (days)' must be between 1 and 3650, got 0.5`);
    expect(() => build({ ...others, [name]: Duration.days(3651) })).toThrow(`'${name} (days)' must be between 1 and 3650, got 3651`);
    expect(() => build({ ...others, [name]: Duration.hours(36) })).toThrow(`'${name} (days)' must be a whole number, got 1.5`);
  });

  test.each([1, 3650])('accepts %d days everywhere', (number) => {
    const all = Object.fromEntries(NAMES.map((name) => [name, Duration.days(number)]));
    expect(rulesOf(build(all).template, 'Capture')[0]).toMatchObject({ ExpirationInDays: number });
  });

  test.each(NAMES)('fails on %s that only the deployment knows', (name) => {
    expect(() => synth((stack) => new DataZones(stack, 'Zones', { [name]: Duration.days(days(stack)) }))).toThrow(
      `InvalidDataZones: '${name}' must be known at synth, got a Token: give a plain value [at Test/Zones]`,
    );
  });

  test('of raw objects covers that of quarantine, whose bytes it holds', () => {
    const [shorter, longer] = [Duration.days(29), Duration.days(30)];
    expect(() => build({ rawRetention: shorter, quarantineRetention: longer })).toThrow(
      "'rawRetention' of 29 days is shorter than 'quarantineRetention' of 30 days: the bytes of quarantined records would be gone first",
    );
    expect(() => build({ rawRetention: Duration.days(364) })).toThrow("shorter than 'quarantineRetention' of 365 days");
    expect(() => build({ quarantineRetention: Duration.days(401) })).toThrow("'rawRetention' of 400 days is shorter");
    build({ rawRetention: longer, quarantineRetention: longer });
  });

  test('fails with every problem at once', () => {
    expect(() => build({ rawRetention: Duration.days(0), deleteObjects: true })).toThrow(
      /'rawRetention \(days\)' must be.*; 'rawRetention' of 0 days is shorter.*; 'deleteObjects' deletes nothing/,
    );
  });
});

test('fails on a notification of the raw bucket, which would switch its events off [row 200]', () => {
  const stack = new Stack(app(), 'Test');
  const zones = new DataZones(stack, 'Zones');
  (zones.raw as Bucket).addEventNotification(EventType.OBJECT_CREATED, new SqsDestination(new Queue(stack, 'Queue')));
  expect(() => Template.fromStack(stack)).toThrow(
    "InvalidDataZones: a notification was added to the raw bucket, which would switch its events to Amazon EventBridge off: make a rule on 'Object Created' events instead [at Test/Zones]",
  );
});
