import { Duration, Lazy, RemovalPolicy } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { ModelRelease, ModelReleaseProps } from '../../../lib/constructs/delivery/model-release';
import { once, synth } from '../../support/synth';
import { Statement, statementsOf } from '../data/statements';

const build = (given: Partial<ModelReleaseProps> = {}) =>
  synth(
    (stack) =>
      new ModelRelease(stack, 'Release', {
        namePrefix: 'air-dev',
        bus: new EventBus(stack, 'Bus'),
        artifacts: Bucket.fromBucketName(stack, 'Artifacts', 'artifacts'),
        imageRepositories: ['1.dkr.ecr.eu-central-1.amazonaws.com/sklearn'],
        ...given,
      }),
  );
const plain = once(() => build());
const HERE = (service: string) => `arn:<AWS::Partition>:${service}:<AWS::Region>:<AWS::AccountId>`;
/** Actions with their resources, as `action resource`. */
const pairs = (statements: Statement[]) =>
  statements.flatMap(({ actions, resources }) => actions.flatMap((a) => resources.map((r) => `${a} ${r}`)));

describe('ModelRelease [R3, R7]', () => {
  test('keeps its rows, encrypted and restorable, beyond its stack, and has no finding that nobody explained', () => {
    const { template, nag } = plain();
    template.hasResource('AWS::DynamoDB::Table', {
      DeletionPolicy: 'Retain',
      Properties: {
        DeletionProtectionEnabled: true,
        PointInTimeRecoverySpecification: { PointInTimeRecoveryEnabled: true },
        StreamSpecification: { StreamViewType: 'NEW_AND_OLD_IMAGES' },
      },
    });
    expect(nag).toEqual([]);
    build({ removalPolicy: RemovalPolicy.DESTROY }).template.hasResource('AWS::DynamoDB::Table', { DeletionPolicy: 'Delete' });
  });

  test('wakes on the approval of its own groups, on its own failures and by the clock', () => {
    const { template } = plain();
    template.hasResourceProperties('AWS::Events::Rule', {
      EventPattern: {
        source: ['aws.sagemaker'],
        'detail-type': ['SageMaker Model Package State Change'],
        detail: { ModelPackageGroupName: [{ prefix: 'air-dev-' }] },
      },
      Targets: [
        Match.objectLike({
          DeadLetterConfig: Match.anyValue(),
          InputTransformer: { InputTemplate: '{"group":<detail-ModelPackageGroupName>}', InputPathsMap: Match.anyValue() },
        }),
      ],
    });
    template.hasResourceProperties('AWS::Events::Rule', { EventPattern: { detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'] } } });
    template.hasResourceProperties('AWS::Events::Rule', { ScheduleExpression: 'rate(1 hour)' });
  });

  test('cleans up once a day, and hears of a day that was missed', () => {
    plain().template.hasResourceProperties('AWS::Events::Rule', {
      ScheduleExpression: 'rate(1 day)',
      Targets: [
        Match.objectLike({ Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^ReleaseJanitor'), 'Arn'] }, DeadLetterConfig: Match.anyValue() }),
      ],
    });
  });

  test('registers an alarm for each way in which nobody would notice', () => {
    const names = Object.values(plain().template.findResources('AWS::CloudWatch::Alarm')).map(({ Properties }) => Properties.AlarmName);
    expect(names.sort()).toEqual([
      'air-dev-release-failed',
      'air-dev-release-janitor-failing',
      'air-dev-release-machine-failing',
      'air-dev-release-stuck',
      'air-dev-release-wakes-lost',
      'air-dev-release-wakes-undelivered',
      'air-dev-releases-unannounced',
    ]);
  });

  test('alarms on wakes that not even the dead-letter queue took: of each rule that has one [row 165]', () => {
    const { template } = plain();
    const withQueue = Object.entries(template.findResources('AWS::Events::Rule'))
      .filter(([, { Properties }]) => Properties.Targets[0].DeadLetterConfig !== undefined)
      .map(([id]) => id);
    const [{ Properties }] = Object.values(
      template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: 'air-dev-release-wakes-lost' } }),
    );
    const watched = (Properties.Metrics as { Expression?: string; MetricStat?: { Metric: { MetricName: string; Dimensions: object[] } } }[])
      .filter(({ MetricStat }) => MetricStat?.Metric.MetricName === 'InvocationsFailedToBeSentToDlq')
      .map(({ MetricStat }) => MetricStat!.Metric.Dimensions);
    expect(withQueue).toHaveLength(4);
    expect(watched).toEqual(expect.arrayContaining(withQueue.map((id) => [{ Name: 'RuleName', Value: { Ref: id } }])));
    expect(Properties.Metrics[0].Expression).toBe('FILL(rule0, 0) + FILL(rule1, 0) + FILL(rule2, 0) + FILL(rule3, 0)');
  });

  test.each([
    ['Air', "'namePrefix'"],
    ['a'.repeat(40), "'namePrefix'"],
    ['air--dev', "'namePrefix'"],
    [Lazy.string({ produce: () => 'air' }), "'namePrefix' must be known at synth"],
  ])('fails on the prefix %s', (namePrefix, message) => {
    expect(() => build({ namePrefix })).toThrow(message);
  });

  test('fails on times out of range and on no image at all, all at once', () => {
    const wrong = { maxDuration: Duration.minutes(481), reconcileEvery: Duration.minutes(9), imageRepositories: [] };
    expect(() => build(wrong)).toThrow(/imageRepositories.*reconcileEvery.*maxDuration/);
    expect(() =>
      build({ namePrefix: 'a'.repeat(39), maxDuration: Duration.minutes(480), reconcileEvery: Duration.minutes(10) }),
    ).not.toThrow();
  });
});

describe('least privilege [R7]', () => {
  test('the release role changes nothing but the workload: names with its prefix, or its tag', () => {
    const free = statementsOf(plain().template, 'ReleaseReleaseRole').filter(
      ({ resources, condition }) => condition === undefined && resources.some((resource) => !resource.includes('air-dev')),
    );
    expect(pairs(free).filter((pair) => !pair.includes('air-dev'))).toEqual([
      `application-autoscaling:ListTagsForResource ${HERE('application-autoscaling')}:scalable-target/*`,
      'application-autoscaling:DescribeScalableTargets *',
      'application-autoscaling:DescribeScalingPolicies *',
      'application-autoscaling:DescribeScheduledActions *',
      'cloudwatch:GetMetricData *',
      ...['ssm:GetParameter', 'ssm:GetParameters'].map((action) => `${action} ${HERE('ssm')}:parameter/cdk-bootstrap/*/version`),
    ]);
  });

  test('the release role passes only execution roles of serving stacks, to Amazon SageMaker, and writes no parameter', () => {
    const statements = statementsOf(plain().template, 'ReleaseReleaseRole');
    const passing = statements.filter(({ actions }) => actions.includes('iam:PassRole'));
    expect(passing).toEqual([
      expect.objectContaining({
        resources: [expect.stringMatching(/:role\/air-dev\/serving\/\*$/)],
        condition: { StringEquals: { 'iam:PassedToService': 'sagemaker.amazonaws.com' } },
      }),
    ]);
    expect(pairs(statements).filter((pair) => /^(ssm:(Put|Delete)|iam:(Attach|Put|CreateRole)|\*|s3:)/.test(pair))).toEqual([]);
    expect(pairs(statements).filter((pair) => pair.startsWith('cloudformation:'))).toEqual([
      `cloudformation:DescribeStacks ${HERE('cloudformation')}:stack/air-dev-*`,
    ]);
  });

  test('the steps update serving stacks only with the release role, and write only pointers', () => {
    const statements = statementsOf(plain().template, 'ReleaseStepsServiceRole');
    const of = (action: string) => statements.filter(({ actions }) => actions.includes(action));
    expect(of('cloudformation:UpdateStack')).toEqual([
      expect.objectContaining({
        resources: [expect.stringMatching(/:stack\/air-dev-serving-\*$/)],
        condition: { StringEquals: { 'cloudformation:RoleArn': { 'Fn::GetAtt': [expect.stringMatching(/^ReleaseReleaseRole/), 'Arn'] } } },
      }),
    ]);
    expect(of('iam:PassRole').map(({ resources }) => resources)).toEqual([['<ReleaseReleaseRole>']]);
    expect(of('ssm:PutParameter').map(({ resources }) => resources)).toEqual([
      [expect.stringMatching(/:parameter\/air-dev\/models\/\*\/approved$/)],
    ]);
    expect(pairs(statements).filter((pair) => /^sagemaker:(Create|Update|Delete|Add)|^\*/.test(pair))).toEqual([]);
  });

  test('the janitor reads tags and whatever serves, and changes only models and configurations with the tag of the workload', () => {
    const statements = statementsOf(plain().template, 'ReleaseJanitorServiceRole');
    const changing = statements.filter(({ actions }) => actions.some((action) => !/:(List|Describe)|^xray:/.test(action)));
    expect(changing).toEqual([
      {
        actions: ['sagemaker:DescribeModel', 'sagemaker:DeleteModel', 'sagemaker:DescribeEndpointConfig', 'sagemaker:DeleteEndpointConfig'],
        resources: [`${HERE('sagemaker')}:model/*`, `${HERE('sagemaker')}:endpoint-config/*`],
        condition: { StringEquals: { 'aws:ResourceTag/workload': 'air-dev' } },
      },
    ]);
  });
});
