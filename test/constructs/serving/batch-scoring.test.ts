import { readFileSync } from 'node:fs';
import { Duration, Lazy, Size, Stack, TimeZone, RemovalPolicy } from 'aws-cdk-lib';
import { Match, Template } from 'aws-cdk-lib/assertions';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import asl from 'asl-validator';
import { ImageAccelerator, InferenceImage, ModelSource } from '../../../lib/constructs/models';
import { PrivateNetwork } from '../../../lib/constructs/network';
import { BatchScoring, BatchScoringProps, BatchSlo, BatchSplit, BatchStrategy, InstanceType } from '../../../lib/constructs/serving';
import { gated } from '../../support/gated';
import { synth } from '../../support/synth';
import { flat } from '../data/statements';
import { board, image, tarball } from './fixtures';

/** A part of a template, whose shape the test knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
type Shape = any;

const NAME = 'flights-dev-nightly';
const SLO = BatchSlo.finished({ within: Duration.hours(2) });
const scoring = (stack: Stack, props: Partial<BatchScoringProps> = {}) =>
  new BatchScoring(stack, 'Nightly', {
    scoringName: NAME,
    model: props.model ?? tarball(stack),
    instance: InstanceType.ML_M5_XLARGE,
    slo: SLO,
    input: { bucket: Bucket.fromBucketName(stack, 'In', 'my-requests'), prefix: 'flights/new' },
    output: { bucket: Bucket.fromBucketName(stack, 'Out', 'my-scores') },
    ...props,
  });
type Given = Partial<BatchScoringProps> | ((stack: Stack) => Partial<BatchScoringProps>);
const build = (props: Given = {}) => synth((stack) => scoring(stack, typeof props === 'function' ? props(stack) : props));
const resources = (template: Template, type: string): Shape[] => Object.values(template.findResources(`AWS::${type}`));
const definitionOf = (template: Template): Shape =>
  JSON.parse(flat(resources(template, 'StepFunctions::StateMachine')[0].Properties.DefinitionString));
const job = (props: Given = {}): Shape => definitionOf(build(props).template).States.Transform.Parameters;
const statements = (template: Template, of: string): Shape[] =>
  resources(template, 'IAM::Policy')
    .filter(({ Properties }) => JSON.stringify(Properties.Roles).includes(of))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement);
const places = (over: { input?: object; output?: object }) => (stack: Stack) => {
  const bucket = Bucket.fromBucketName(stack, 'Both', 'my-bucket');
  return { input: { bucket, prefix: 'in', ...over.input }, output: { bucket, prefix: 'out', ...over.output } };
};
const registry = (stack: Stack) =>
  ModelSource.fromRegistry({
    ...{ namePrefix: 'flights-dev', model: 'delay', image },
    artifacts: Bucket.fromBucketName(stack, 'Artifacts', 'my-models'),
  });
const number = (value: number) => Lazy.number({ produce: () => value });

describe('a run of a BatchScoring [S1]', () => {
  test('is one transform job on the input into a folder of its own, and an event when all of it is scored', () => {
    const { template } = build();
    const definition = definitionOf(template);
    expect(asl(definition, { checkPaths: true, checkArn: false }).errors).toEqual([]);
    expect([definition.StartAt, definition.TimeoutSeconds]).toEqual(['Fixed', 4 * 3600]);
    expect(definition.States.Fixed.Result).toMatchObject({ folder: `s3://my-scores/${NAME}` });
    expect(definition.States.Run.Parameters).toEqual({
      'run.$': '$$.Execution.Name',
      'startedAt.$': '$$.Execution.StartTime',
      'job.$': `States.Format('${NAME}--{}', States.Hash($$.Execution.Id, 'MD5'))`,
      'model.$': '$.model',
      'output.$':
        "States.Format('{}/{}/{}', $.folder, States.ArrayGetItem(States.StringSplit($$.Execution.StartTime, 'T'), 0), $$.Execution.Name)",
    });
    expect(definition.States.Transform.Resource).toMatch(/:states:::sagemaker:createTransformJob\.sync$/);
    expect(definition.States.Transform.Parameters).toEqual({
      'TransformJobName.$': '$.job',
      'ModelName.$': '$.model',
      MaxConcurrentTransforms: 1,
      MaxPayloadInMB: 6,
      BatchStrategy: 'MultiRecord',
      ModelClientConfig: { InvocationsTimeoutInSeconds: 600, InvocationsMaxRetries: 3 },
      TransformInput: {
        DataSource: { S3DataSource: { S3DataType: 'S3Prefix', S3Uri: 's3://my-requests/flights/new/' } },
        ContentType: 'text/csv',
        SplitType: 'Line',
        CompressionType: 'None',
      },
      TransformOutput: { 'S3OutputPath.$': '$.output', Accept: 'text/csv', AssembleWith: 'Line' },
      DataProcessing: { JoinSource: 'None' },
      TransformResources: { InstanceType: 'ml.m5.xlarge', InstanceCount: 1 },
    });
    expect(definition.States.Announce).toMatchObject({
      Parameters: {
        Entries: [
          {
            EventBusName: 'default',
            Source: 'ai-workloads',
            DetailType: 'Batch Scoring Completed',
            Detail: {
              scoring: NAME,
              'run.$': '$.run',
              'startedAt.$': '$.startedAt',
              input: 's3://my-requests/flights/new/',
              'output.$': '$.output',
              'model.$': '$.model',
            },
          },
        ],
      },
      Next: 'Done',
    });
  });

  test('is tried again while it is throttled or a quota is used up, and not when its job has failed', () => {
    const { Retry, Catch } = definitionOf(build().template).States.Transform;
    expect(Retry.flatMap(({ ErrorEquals }: Shape) => ErrorEquals)).toEqual([
      'SageMaker.AmazonSageMakerException',
      'ThrottlingException',
      'SageMaker.ResourceLimitExceededException',
    ]);
    expect(Catch).toBeUndefined();
  });

  test('takes everything that a transform job takes', () => {
    const given = job((stack) => ({
      ...places({
        input: { contentType: 'application/jsonlines', split: BatchSplit.LINE, gzip: true, filter: '$[1:]' },
        output: { accept: 'application/json', joinInput: true, filter: '$[0,-1]' },
      })(stack),
      instanceCount: 4,
      strategy: BatchStrategy.SINGLE_RECORD,
      maxConcurrentTransforms: 10,
      maxPayload: Size.mebibytes(10),
      invocationTimeout: Duration.minutes(1),
      invocationRetries: 0,
      environment: { MODE: 'batch' },
      volumeKey: Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/1234'),
    }));
    expect(given).toMatchObject({
      MaxConcurrentTransforms: 10,
      MaxPayloadInMB: 10,
      BatchStrategy: 'SingleRecord',
      ModelClientConfig: { InvocationsTimeoutInSeconds: 60, InvocationsMaxRetries: 0 },
      Environment: { MODE: 'batch' },
      TransformInput: { ContentType: 'application/jsonlines', SplitType: 'Line', CompressionType: 'Gzip' },
      TransformOutput: { Accept: 'application/json', AssembleWith: 'Line' },
      DataProcessing: { InputFilter: '$[1:]', OutputFilter: '$[0,-1]', JoinSource: 'Input' },
      TransformResources: { InstanceCount: 4, VolumeKmsKeyId: 'arn:aws:kms:eu-central-1:111122223333:key/1234' },
    });
  });

  test('sends whole objects without a split, and writes them as they come', () => {
    const given = job(places({ input: { split: BatchSplit.NONE } }));
    expect(given.BatchStrategy).toBeUndefined();
    expect(given.TransformOutput.AssembleWith).toBe('None');
  });

  test('has a driver for CUDA 12 on GPUs, because the default of transform jobs is older', () => {
    const gpu = InferenceImage.pytorch('2.6.0', ImageAccelerator.GPU);
    const given = job((stack) => ({
      model: ModelSource.fromTarball(Bucket.fromBucketName(stack, 'M', 'my-models'), 'm.tar.gz', { image: gpu }),
      instance: InstanceType.ML_G5_XLARGE,
    }));
    expect(given.TransformResources.TransformAmiVersion).toBe('al2-ami-sagemaker-batch-gpu-535');
  });

  test('names jobs in 63 characters however long the name is', () => {
    const run = definitionOf(build({ scoringName: 'a'.repeat(63) }).template).States.Run.Parameters;
    expect(/'(.*)--\{\}'/.exec(run['job.$'])![1].length + 2 + 32).toBeLessThanOrEqual(63);
  });
});

describe('a run with a model of the registry [R4]', () => {
  const { template, nag } = build((stack) => ({ model: registry(stack) }));
  const { States } = definitionOf(template);

  test('takes the version that is approved when it starts, and fails in words when there is none', () => {
    expect(asl(definitionOf(template), { checkPaths: true, checkArn: false }).errors).toEqual([]);
    template.resourceCountIs('AWS::SageMaker::Model', 0);
    expect(Object.keys(template.toJSON().Parameters)).not.toContainEqual(expect.stringMatching(/^Approved/));
    expect(States.Run.Next).toBe('Approved');
    expect(States.Approved.Parameters).toEqual({ Name: '/flights-dev/models/delay/approved' });
    expect(States.IsApproved.Choices).toEqual([{ Variable: '$.approved.version', StringEquals: 'none', Next: 'NothingApproved' }]);
    expect(States.NothingApproved.Type).toBe('Fail');
    expect(States.Model.Parameters).toMatchObject({
      'ModelName.$': '$.model',
      PrimaryContainer: { 'ModelPackageName.$': '$.approved.version' },
      EnableNetworkIsolation: true,
    });
    expect(States.Announce.Parameters.Entries[0].Detail['model.$']).toBe('$.approved.version');
  });

  test('drops its model however it ends, and has failed when it has', () => {
    expect(States.Announce.Next).toBe('DropModel');
    expect([States.DropModel.Next, States.DropModel.Catch[0].Next]).toEqual(['Done', 'Done']);
    for (const name of ['Transform', 'Announce']) {
      expect(States[name].Catch).toEqual([{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'DropModelOfFailure' }]);
    }
    expect([States.DropModelOfFailure.Next, States.DropModelOfFailure.Catch[0].Next]).toEqual(['Failed', 'Failed']);
    expect(States.Failed).toEqual({ Type: 'Fail', ErrorPath: '$.error.Error', CausePath: '$.error.Cause' });
  });

  test('may read the pointer and the versions, make models of its own name and pass its one role, and no more', () => {
    const found = statements(template, 'MachineRole');
    const bySid = Object.fromEntries(found.map(({ Sid, Action, Resource }) => [Sid, [Action, JSON.stringify(Resource)]]));
    expect(bySid.Models).toEqual([['sagemaker:CreateModel', 'sagemaker:DeleteModel'], expect.stringContaining(`:model/${NAME}--*`)]);
    expect(bySid.Versions).toEqual(['sagemaker:DescribeModelPackage', expect.stringContaining(':model-package/flights-dev-delay/*')]);
    expect(bySid.Approved).toEqual(['ssm:GetParameter', expect.stringContaining(':parameter/flights-dev/models/delay/approved')]);
    expect(bySid.PassContainerRole[0]).toBe('iam:PassRole');
    expect(JSON.stringify(statements(template, 'NightlyRole'))).toContain(':s3:::my-models/versions/delay/*');
    expect(nag).toEqual([]);
  });
});

describe('what a batch scoring may do [M3]', () => {
  test('its containers read model and input, write output and logs; its machine runs its jobs and tells the bus', () => {
    const { template, nag } = build();
    expect(statements(template, 'NightlyRole').map(({ Sid, Action }) => [Sid, Action])).toEqual([
      ['Logs', ['logs:CreateLogStream', 'logs:DescribeLogStreams', 'logs:PutLogEvents']],
      ['Metrics', 'cloudwatch:PutMetricData'],
      [undefined, 'logs:CreateLogGroup'],
      [undefined, ['s3:GetObject', 's3:GetObjectVersion']],
      [undefined, ['s3:PutObject', 's3:AbortMultipartUpload']],
      ['ListInput', 's3:ListBucket'],
      [undefined, 's3:GetObject'],
      ['PullImage', ['ecr:BatchCheckLayerAvailability', 'ecr:BatchGetImage', 'ecr:GetDownloadUrlForLayer']],
      ['LogInToRegistries', 'ecr:GetAuthorizationToken'],
    ]);
    const machine = statements(template, 'MachineRole');
    expect(machine.map(({ Sid, Action }) => [Sid, Action]).slice(0, 4)).toEqual([
      ['TransformJobs', ['sagemaker:CreateTransformJob', 'sagemaker:DescribeTransformJob', 'sagemaker:StopTransformJob']],
      ['Tags', ['sagemaker:AddTags', 'sagemaker:ListTags']],
      ['JobEvents', ['events:PutTargets', 'events:PutRule', 'events:DescribeRule']],
      [undefined, 'events:PutEvents'],
    ]);
    expect(JSON.stringify(machine[0].Resource)).toContain(`:transform-job/${NAME}--*`);
    expect(JSON.stringify(machine)).not.toContain('iam:PassRole');
    expect(nag).toEqual([]);
  });

  test('includes the keys of buckets and volumes, and the network', () => {
    const { template, nag } = build((stack) => {
      const key = (id: string) => new Key(stack, id, { enableKeyRotation: true });
      const bucket = (id: string) =>
        new Bucket(stack, id, { encryptionKey: key(`${id}Key`), enforceSSL: true, serverAccessLogsPrefix: 'log/' });
      const network = new PrivateNetwork(stack, 'Network');
      return {
        input: { bucket: bucket('Asked'), prefix: 'in' },
        output: { bucket: bucket('Answered') },
        volumeKey: key('Volume'),
        ...{ vpc: network.vpc, vpcSubnets: network.subnets },
      };
    });
    const kms = statements(template, 'NightlyRole')
      .filter(({ Action }) => JSON.stringify(Action).includes('kms:'))
      .map(({ Action, Resource }) => [Action, Resource['Fn::GetAtt'][0].replace(/[A-F0-9]{8}$/, '')]);
    expect(kms).toEqual([
      ['kms:DescribeKey', 'Volume'],
      ['kms:CreateGrant', 'Volume'],
      ['kms:Decrypt', 'AskedKey'],
      [['kms:GenerateDataKey', 'kms:Decrypt'], 'AnsweredKey'],
    ]);
    template.hasResourceProperties('AWS::SageMaker::Model', { VpcConfig: Match.objectLike({ SecurityGroupIds: Match.anyValue() }) });
    expect(nag).toEqual([]);
  });

  test('grantStart and grantReadOutput let the grantee do that and no more', () => {
    const { template } = synth((stack) => {
      const built = scoring(stack);
      const caller = new Role(stack, 'Caller', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') });
      built.grantStart(caller).assertSuccess();
      built.grantReadOutput(caller).assertSuccess();
      return built;
    });
    const [machine] = Object.keys(template.findResources('AWS::StepFunctions::StateMachine'));
    const found = statements(template, 'Caller');
    expect(found.map(({ Effect, Action }) => [Effect, Action])).toEqual([
      ['Allow', 'states:StartExecution'],
      ['Allow', ['s3:GetObject', 's3:GetObjectVersion']],
    ]);
    expect(found[0].Resource).toEqual({ Ref: machine });
    expect(JSON.stringify(found[1].Resource)).toContain(`:s3:::my-scores/${NAME}/*`);
  });
});

test('a schedule starts runs in its time zone, and what it cannot start waits in a queue that an alarm watches', async () => {
  const schedule = ScheduleExpression.cron({ hour: '3', minute: '0', timeZone: TimeZone.EUROPE_BERLIN });
  const { template, nag } = build((stack) => {
    board(stack);
    return { schedule, bus: new EventBus(stack, 'Bus') };
  });
  template.hasResourceProperties('AWS::Scheduler::Schedule', {
    ScheduleExpression: 'cron(0 3 * * ? *)',
    ScheduleExpressionTimezone: 'Europe/Berlin',
    Target: Match.objectLike({ DeadLetterConfig: Match.anyValue(), RetryPolicy: Match.objectLike({ MaximumEventAgeInSeconds: 3600 }) }),
  });
  expect(statements(template, 'ScheduleRole').flatMap(({ Action }) => Action)).toContain('states:StartExecution');
  expect(nag).toEqual([]);
  expect(await gated(template)).toEqual([]);
});

describe('alarms of a batch scoring [O1]', () => {
  const schedule = ScheduleExpression.rate(Duration.days(1));
  const { template, built } = build({ schedule });
  const alarm = (name: string): Shape =>
    Object.values(template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: `${NAME}-${name}` } }))[0].Properties;

  test('are one that pages and its causes, each with a section of the runbook', () => {
    const runbook = readFileSync(`${__dirname}/../../../docs/runbooks/serving.md`, 'utf8');
    const alarms = [...resources(template, 'CloudWatch::Alarm'), ...resources(template, 'CloudWatch::CompositeAlarm')];
    expect(alarms.map(({ Properties }) => Properties.AlarmName)).toEqual(
      ['failed', 'late', 'not-started', 'unhealthy'].map((name) => `${NAME}-${name}`),
    );
    for (const { Properties } of alarms) {
      expect(runbook).toContain(`## ${/#([a-z-]+)$/.exec(Properties.AlarmDescription)![1]}\n`);
    }
    expect(resources(build().template, 'CloudWatch::Alarm')).toHaveLength(2);
  });

  test('count every way in which a run ends without scores', () => {
    const [expression] = alarm('failed').Metrics.filter(({ Expression }: Shape) => Expression !== undefined);
    expect(expression.Expression).toBe('FILL(failed, 0) + FILL(late, 0) + FILL(aborted, 0)');
    const metrics = alarm('failed').Metrics.flatMap(({ MetricStat }: Shape) => (MetricStat === undefined ? [] : [MetricStat]));
    expect(
      metrics.map(({ Metric: { MetricName, Dimensions }, Stat, Period }: Shape) => [MetricName, Dimensions[0].Name, Stat, Period]),
    ).toEqual([
      ['ExecutionsFailed', 'StateMachineArn', 'Sum', 300],
      ['ExecutionsTimedOut', 'StateMachineArn', 'Sum', 300],
      ['ExecutionsAborted', 'StateMachineArn', 'Sum', 300],
    ]);
    expect(built.metricFailed().toMetricConfig().mathExpression!.expression).toBe(expression.Expression);
  });

  test('say that a run is late by the promise, in the milliseconds of the metric [row 187]', () => {
    expect(alarm('late')).toMatchObject({ MetricName: 'ExecutionTime', Statistic: 'Maximum', Threshold: 7_200_000, Period: 300 });
    expect(built.metricTime().metricName).toBe('ExecutionTime');
  });

  test('look at the starts that a schedule could not make', () => {
    expect(alarm('not-started')).toMatchObject({ MetricName: 'ApproximateNumberOfMessagesVisible', Threshold: 1 });
  });
});

describe('what is wrong with a batch scoring', () => {
  test('fails on a key for a type with local storage, which jobs refuse [row 49]', () => {
    const volumeKey = (stack: Stack) => Key.fromKeyArn(stack, 'Key', 'arn:aws:kms:eu-central-1:111122223333:key/1234');
    expect(() => build((stack) => ({ instance: InstanceType.ML_G5_XLARGE, volumeKey: volumeKey(stack) }))).toThrow(
      "'volumeKey' cannot be set for ml.g5.xlarge: jobs refuse it",
    );
    expect(() => build((stack) => ({ volumeKey: volumeKey(stack) }))).not.toThrow();
  });

  test('fails on a model that lies uncompressed below a prefix [row 27]', () => {
    const prefix = (stack: Stack) => ({ model: ModelSource.fromPrefix(Bucket.fromBucketName(stack, 'M', 'my-models'), 'm/', { image }) });
    expect(() => build(prefix)).toThrow("'model' lies uncompressed in Amazon S3, which batch transform does not take");
  });

  test('fails on everything at once, with the path', () => {
    expect(() => build({ scoringName: 'Wrong', instanceCount: 101, invocationRetries: 4 })).toThrow(
      /^InvalidBatchScoring: 'scoringName' .*'instanceCount' must be between 1 and 100, got 101; 'invocationRetries' must be between 0 and 3, got 4 \[at Test\/Nightly\]$/,
    );
  });

  test.each<[Partial<BatchScoringProps>, string]>([
    [{ instance: InstanceType.ML_C7G_LARGE }, "'instance' ml.c7g.large does not run transform jobs: use a type of m4, c4,"],
    [{ instanceCount: 0 }, "'instanceCount' must be between 1 and 100, got 0"],
    [{ instanceCount: 1.5 }, "'instanceCount' must be a whole number, got 1.5"],
    [{ slo: BatchSlo.finished({ within: Duration.seconds(299) }) }, "'slo.within, in seconds,' must be between 300 and 432000, got 299"],
    [{ slo: BatchSlo.finished({ within: Duration.days(6) }) }, "'slo.within, in seconds,' must be between 300 and 432000, got 518400"],
    [{ slo: BatchSlo.finished({ within: Duration.millis(300_500) }) }, "'slo.within' must be whole seconds, got 300.5 s"],
    [{ slo: BatchSlo.finished({ within: Duration.seconds(number(600)) }) }, "'slo.within' must be known at synth"],
    [{ timeout: Duration.hours(1) }, "'timeout' of 3600 s is shorter than the 7200 s of 'slo.within'"],
    [{ timeout: Duration.days(11) }, "'timeout, in seconds,' must be between 300 and 864000, got 950400"],
    [{ timeout: Duration.seconds(number(9000)) }, "'timeout' must be known at synth"],
    [{ invocationTimeout: Duration.seconds(0) }, "'invocationTimeout, in seconds,' must be between 1 and 3600, got 0"],
    [{ invocationTimeout: Duration.seconds(3601) }, "'invocationTimeout, in seconds,' must be between 1 and 3600, got 3601"],
    [{ invocationRetries: -1 }, "'invocationRetries' must be between 0 and 3, got -1"],
    [{ maxPayload: Size.mebibytes(0) }, "'maxPayload, in MB,' must be between 1 and 100, got 0"],
    [{ maxPayload: Size.mebibytes(101) }, "'maxPayload, in MB,' must be between 1 and 100, got 101"],
    [{ maxPayload: Size.kibibytes(1500) }, "'maxPayload, in MB,' must be a whole number"],
    [{ maxPayload: Size.mebibytes(number(3)) }, "'maxPayload' must be known at synth"],
    [{ maxConcurrentTransforms: 0 }, "'maxConcurrentTransforms' must be between 1 and 100, got 0"],
    [{ maxConcurrentTransforms: number(2) }, "'maxConcurrentTransforms' must be known at synth"],
    [{ maxConcurrentTransforms: 17 }, "'maxConcurrentTransforms' of 17 times 'maxPayload' of 6 MB is more than 100 MB"],
    [{ environment: { API_KEY: 'x' } }, "'environment' value of 'API_KEY' looks like a secret"],
    [
      { environment: Object.fromEntries(Array.from({ length: 17 }, (_, i) => [`V${i}`, '1'])) },
      "'environment' of a job must have at most 16 entries, got 17",
    ],
    [{ vpcSubnets: {} }, "'vpcSubnets' needs 'vpc'"],
  ])('fails on %#', (props, message) => {
    expect(() => build(props)).toThrow(message);
  });

  test.each([
    [{ output: { prefix: 'in/scores' } }, "'output.prefix' in/scores lies below 'input.prefix' in"],
    [{ output: { prefix: 'in' } }, "'output.prefix' in lies below 'input.prefix' in"],
    [{ input: { prefix: '/in' } }, "'input.prefix' must be a key prefix without '/' at either end, got '/in'"],
    [{ input: { prefix: 'p'.repeat(401) } }, "'input.prefix' must have at most 400 characters, got 401"],
    [{ input: { filter: '[1:]' } }, "'input.filter' must be a JSONPath that begins with '$', of at most 63 characters, got '[1:]'"],
    [{ output: { filter: `$${'x'.repeat(63)}` } }, "'output.filter' must be a JSONPath"],
    [{ input: { contentType: '' } }, "'input.contentType' must be 1 to 256 characters"],
  ])('fails on the places of %j', (over, message) => {
    expect(() => build(places(over))).toThrow(message);
  });

  test('knows a bucket that is imported twice', () => {
    const imported = (stack: Stack, id: string, prefix: string) => ({ bucket: Bucket.fromBucketName(stack, id, 'my-bucket'), prefix });
    expect(() => build((stack) => ({ input: imported(stack, 'A', 'in'), output: imported(stack, 'B', 'in/scores') }))).toThrow(
      "'output.prefix' in/scores lies below 'input.prefix' in",
    );
  });

  test('fails on a strategy for records where there are none', () => {
    expect(() =>
      build((stack) => ({ ...places({ input: { split: BatchSplit.NONE } })(stack), strategy: BatchStrategy.SINGLE_RECORD })),
    ).toThrow("'strategy' SingleRecord needs records");
  });

  test.each([
    [{ instanceCount: 100, invocationRetries: 0, maxPayload: Size.mebibytes(100) }],
    [{ instanceCount: number(2), maxConcurrentTransforms: 100, maxPayload: Size.mebibytes(1), invocationTimeout: Duration.hours(1) }],
    [{ slo: BatchSlo.finished({ within: Duration.days(5) }) }],
    [{ slo: BatchSlo.finished({ within: Duration.minutes(5) }), timeout: Duration.minutes(5) }],
    [{ instance: InstanceType.of('ml.c7g.large'), model: undefined }],
  ])('takes the edges: %#', (props) => {
    const own = (stack: Stack) => ({
      model: ModelSource.fromTarball(Bucket.fromBucketName(stack, 'M', 'my-models'), 'm.tar.gz', {
        image: InferenceImage.fromEcr(new Repository(stack, 'R'), '1.0'),
      }),
    });
    expect(() => build((stack) => ({ ...props, ...('model' in props ? own(stack) : {}) }))).not.toThrow();
  });
});

test('fails when somebody asks for connections, which only a scoring in a VPC has', () => {
  expect(() => build().built.connections).toThrow("InvalidBatchScoring: only a scoring with 'vpc' has connections [at Test/Nightly]");
});

test('a scoring in production downloads no model from outside AWS, whoever acknowledges it [M2, S5]', () => {
  const image = InferenceImage.huggingFacePytorch('2.6.0-transformers4.51.3');
  const model = ModelSource.fromHuggingFace('gpt2', { revision: 'a'.repeat(40), image, downloadAtStart: true });
  const of = (removalPolicy: RemovalPolicy) => () => build({ model, networkIsolation: false, removalPolicy });
  expect(of(RemovalPolicy.RETAIN)).toThrow("'model' gpt2 would be downloaded from outside AWS");
  expect(of(RemovalPolicy.DESTROY)).not.toThrow();
});
