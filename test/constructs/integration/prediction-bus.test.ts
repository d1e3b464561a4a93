import { Duration, Lazy, Stack } from 'aws-cdk-lib';
import { Match } from 'aws-cdk-lib/assertions';
import { SqsQueue } from 'aws-cdk-lib/aws-events-targets';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { EventType, PredictionBus, PredictionBusProps } from '../../../lib/constructs/integration';
import { synth } from '../../support/synth';

const build = (
  props: PredictionBusProps = { busName: 'flights-dev' },
  more: (bus: PredictionBus, stack: Stack) => void = () => undefined,
) =>
  synth((stack) => {
    const bus = new PredictionBus(stack, 'Bus', props);
    more(bus, stack);
    return bus;
  });
const queue = (stack: Stack, id = 'Receiver') => new Queue(stack, id, { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true });

describe('PredictionBus [I4]', () => {
  test('is a bus of a literal name that archives every event of the workload for 90 days', () => {
    const { template, built, nag } = build();
    expect(built.busName).toBe('flights-dev');
    template.hasResourceProperties('AWS::Events::EventBus', { Name: 'flights-dev' });
    template.hasResourceProperties('AWS::Events::Archive', { RetentionDays: 90, EventPattern: { source: ['ai-workloads'] } });
    expect(nag).toEqual([]);
  });

  test('lets a publisher put events on this bus and no other', () => {
    const { template } = build(undefined, (bus, stack) =>
      bus.grantPutEvents(new Role(stack, 'Role', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') })),
    );
    template.hasResourceProperties('AWS::IAM::Policy', {
      PolicyDocument: {
        Statement: [{ Effect: 'Allow', Action: 'events:PutEvents', Resource: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Bus'), 'Arn'] } }],
      },
    });
  });

  test('delivers chosen types with a dead-letter queue that Amazon EventBridge may use for this rule only', () => {
    const { template, nag } = build(undefined, (bus, stack) =>
      bus.onEvents('Expired', { types: [EventType.PREDICTION_EXPIRED], target: new SqsQueue(queue(stack)) }),
    );
    expect(nag.filter((rule) => !rule.includes('SQS3'))).toEqual([]); // the receiver of this test has no dead-letter queue of its own
    template.hasResourceProperties('AWS::Events::Rule', {
      Name: 'flights-dev-expired',
      EventPattern: { source: ['ai-workloads'], 'detail-type': ['Prediction Expired'] },
      Targets: [Match.objectLike({ DeadLetterConfig: { Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^BusUndelivered'), 'Arn'] } } })],
    });
    template.hasResourceProperties('AWS::SQS::QueuePolicy', {
      PolicyDocument: {
        Statement: Match.arrayWith([
          Match.objectLike({
            Principal: { Service: 'events.amazonaws.com' },
            Condition: { ArnEquals: { 'aws:SourceArn': { 'Fn::GetAtt': [Match.stringLikeRegexp('Expired'), 'Arn'] } } },
          }),
        ]),
      },
    });
  });

  test('names a rule within the 64 characters of Amazon EventBridge, also of a long bus and id, and by one target each [row 167]', () => {
    const { template } = build({ busName: 'b'.repeat(48) }, (bus, stack) =>
      ['Reports', 'Returns'].forEach((end) =>
        bus.onEvents(`${'Expired'.repeat(4)}${end}`, { types: [EventType.PREDICTION_EXPIRED], target: new SqsQueue(queue(stack, end)) }),
      ),
    );
    const rules = Object.values(template.findResources('AWS::Events::Rule')).map(({ Properties }) => Properties);
    const names = new Set(rules.map(({ Name }) => Name as string));
    expect(names.size).toBe(2);
    names.forEach((name) => expect(name).toMatch(/^[a-z0-9-]{1,64}$/));
    rules.forEach(({ Targets }) => expect(Targets).toHaveLength(1));
  });

  test('has one dead-letter queue for all subscribers, and none before the first', () => {
    build().template.resourceCountIs('AWS::SQS::Queue', 0);
    const { template, built } = build(undefined, (bus, stack) => {
      const target = new SqsQueue(queue(stack));
      bus.onEvents('Made', { types: [EventType.PREDICTION_MADE], target });
      bus.onEvents('Expired', { types: [EventType.PREDICTION_EXPIRED], target });
    });
    template.resourceCountIs('AWS::SQS::Queue', 2); // the receiver and the one of the bus
    template.resourcePropertiesCountIs('AWS::CloudWatch::Alarm', { AlarmName: 'flights-dev-events-undelivered' }, 1);
    expect(built.deadLetterQueue).toBe(built.deadLetterQueue);
  });

  test('respects the dead-letter queue that a target brings', () => {
    const { template } = build(undefined, (bus, stack) => {
      const own = queue(stack);
      bus.onEvents('Made', { types: [EventType.PREDICTION_MADE], target: new SqsQueue(own, { deadLetterQueue: own }) });
    });
    template.hasResourceProperties('AWS::Events::Rule', {
      Targets: [Match.objectLike({ DeadLetterConfig: { Arn: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Receiver'), 'Arn'] } } })],
    });
  });

  test('alarms on events that wait in the dead-letter queue and on those that it could not take', () => {
    const { template } = build(undefined, (bus, stack) =>
      bus.onEvents('Expired', { types: [EventType.PREDICTION_EXPIRED], target: new SqsQueue(queue(stack)) }),
    );
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'flights-dev-events-undelivered',
      MetricName: 'ApproximateNumberOfMessagesVisible',
      Statistic: 'Maximum',
      Threshold: 1,
      TreatMissingData: 'notBreaching',
      AlarmDescription: Match.stringLikeRegexp('docs/runbooks/integration.md#events-undelivered$'),
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'flights-dev-expired-events-lost',
      Namespace: 'AWS/Events',
      MetricName: 'InvocationsFailedToBeSentToDlq',
      Dimensions: [
        { Name: 'EventBusName', Value: 'flights-dev' },
        { Name: 'RuleName', Value: 'flights-dev-expired' },
      ],
    });
  });

  test('has a name of its own when it is given none', () => {
    expect(build({}).built.busName).toMatch(/^[a-z0-9-]{1,48}$/);
  });

  test.each([0, 3651])('fails on an archive of %d days', (days) => {
    expect(() => build({ archiveRetention: Duration.days(days) })).toThrow(
      `InvalidPredictionBus: 'archiveRetention (days)' must be between 1 and 3650, got ${days} [at Test/Bus]`,
    );
  });

  test.each([1, 3650])('accepts an archive of %d days', (days) => {
    build({ archiveRetention: Duration.days(days) }).template.hasResourceProperties('AWS::Events::Archive', { RetentionDays: days });
  });

  test('accepts an archive whose length is a Token', () => {
    const archiveRetention = Duration.days(Lazy.number({ produce: () => 30 }));
    build({ archiveRetention }).template.hasResourceProperties('AWS::Events::Archive', { RetentionDays: 30 });
  });

  test.each(['x', 'x'.repeat(48), 'A.b-c_d'])("accepts the name '%s'", (busName) => {
    expect(build({ busName }).built.busName).toBe(busName);
  });

  test('fails on an archive that is no whole number of days', () => {
    expect(() => build({ archiveRetention: Duration.hours(36) })).toThrow("'archiveRetention (days)' must be a whole number, got 1.5");
  });

  test.each(['', 'a b', 'aws.partner', 'x'.repeat(49)])("fails on the name '%s'", (busName) => {
    expect(() => build({ busName })).toThrow("'busName' must be 1 to 48 letters, digits");
  });

  test('fails on a name that is not known at synth: other stacks name it literally', () => {
    expect(() => build({ busName: Lazy.string({ produce: () => 'x' }) })).toThrow("'busName' must be known at synth, got a Token");
  });

  test('fails on a subscription to nothing', () => {
    expect(() => build(undefined, (bus, stack) => bus.onEvents('None', { types: [], target: new SqsQueue(queue(stack)) }))).toThrow(
      "InvalidEventSubscription: 'types' of 'None' is empty: name at least one [at Test/Bus]",
    );
  });
});
