import { Lazy, Stack } from 'aws-cdk-lib';
import { Alarm, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Match, Annotations as Found } from 'aws-cdk-lib/assertions';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { AlarmBoard, AlertDestination, Layer, Owner, Owners, Severity } from '../../../lib/constructs/ownership';
import { registerAlarm, registerCompositeAlarm } from '../../../lib/constructs/ownership/alarms';
import { app, synth } from '../../support/synth';

const team = (name: string) =>
  new Owner({ team: name, contact: `${name}@example.com`, page: [AlertDestination.email(`${name}@example.com`)] });

function owners(): Owners {
  const [data, platform, product] = [team('flight-data'), team('ml-platform'), team('passenger-apps')];
  return Owners.byLayer({
    data,
    models: platform,
    serving: platform,
    delivery: platform,
    integration: product,
    observability: platform,
    infrastructure: data,
    product,
  });
}

const metric = new Metric({ namespace: 'Mine', metricName: 'Errors', dimensionsMap: { Id: 'x' } });
const spec = (over = {}) => ({
  alarmName: 'an-alarm',
  layer: Layer.DATA,
  severity: Severity.PAGE,
  summary: 'It broke.',
  firstAction: 'look.',
  runbook: 'it-broke',
  metric,
  threshold: 1,
  evaluationPeriods: 1,
  treatMissingData: 'notBreaching' as never,
  ...over,
});
const withBoard = (extra?: (stack: Stack) => void) =>
  synth((stack) => {
    const board = new AlarmBoard(stack, 'Board', { owners: owners(), namePrefix: 'flights-dev' });
    board.attachTo(stack);
    extra?.(stack);
    return board;
  });

describe('AlarmBoard [P2]', () => {
  test('makes one encrypted, TLS-only topic per owner and severity and subscribes the owner', () => {
    const { template, nag } = withBoard();
    template.resourceCountIs('AWS::SNS::Topic', 6);
    template.allResourcesProperties('AWS::SNS::Topic', { KmsMasterKeyId: Match.anyValue() });
    template.hasResourceProperties('AWS::SNS::Topic', { TopicName: 'flights-dev-ml-platform-page' });
    template.resourceCountIs('AWS::SNS::Subscription', 6);
    expect(nag).toEqual([]);
  });

  test.each(['cloudwatch.amazonaws.com', 'budgets.amazonaws.com'])(
    'lets %s publish to every topic and use its key, for this account alone [row 145]',
    (service) => {
      const { template } = withBoard();
      const allowed = {
        Effect: 'Allow',
        Principal: { Service: service },
        Condition: { StringEquals: { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } } },
      };
      template.resourceCountIs('AWS::SNS::TopicPolicy', 6);
      template.allResourcesProperties('AWS::SNS::TopicPolicy', {
        PolicyDocument: { Statement: Match.arrayWith([Match.objectLike({ ...allowed, Action: 'sns:Publish' })]) },
      });
      template.hasResourceProperties('AWS::KMS::Key', {
        KeyPolicy: {
          Statement: Match.arrayWith([Match.objectLike({ ...allowed, Action: Match.arrayWith(['kms:Decrypt', 'kms:GenerateDataKey*']) })]),
        },
      });
    },
  );

  test('encrypts with the key of the caller when there is one', () => {
    const { template, nag } = synth((stack) => {
      const encryptionKey = new Key(stack, 'Mine', { enableKeyRotation: true });
      return new AlarmBoard(stack, 'Board', { owners: owners(), encryptionKey });
    });
    template.resourceCountIs('AWS::KMS::Key', 1);
    template.allResourcesProperties('AWS::SNS::Topic', { KmsMasterKeyId: { 'Fn::GetAtt': [Match.stringLikeRegexp('^Mine'), 'Arn'] } });
    expect(nag).toEqual([]);
  });

  test('sends an alarm to the owner of its layer, on ALARM and on OK, whether it came before or after the board', () => {
    const { template } = synth((stack) => {
      registerAlarm(stack, 'Early', spec({ alarmName: 'early' }));
      new AlarmBoard(stack, 'Board', { owners: owners(), namePrefix: 'p' }).attachTo(stack);
      registerAlarm(stack, 'Late', spec({ alarmName: 'late', layer: Layer.PRODUCT, severity: Severity.TICKET }));
    });
    const action = (pattern: string) => [{ Ref: Match.stringLikeRegexp(pattern) }];
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'early',
      AlarmActions: action('Boardflightdatapage'),
      OKActions: action('Boardflightdatapage'),
      AlarmDescription: '[data/page] It broke. First: look. Runbook: docs/runbooks/data.md#it-broke',
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: 'late', AlarmActions: action('Boardpassengerappsticket') });
  });

  test('watches its own undelivered notifications and tells another team than the one that does not hear', () => {
    const { template } = withBoard();
    const alarms = Object.values(template.findResources('AWS::CloudWatch::Alarm'));
    expect(alarms).toHaveLength(6);
    for (const { Properties } of alarms) {
      const [, watched] = /flights-dev-(.+)-(page|ticket)-undelivered/.exec(Properties.AlarmName)!;
      expect(JSON.stringify(Properties.AlarmActions)).not.toContain(watched.replace('-', ''));
      expect(Properties).toMatchObject({
        Namespace: 'AWS/SNS',
        MetricName: 'NumberOfNotificationsFailed',
        Dimensions: [{ Name: 'TopicName', Value: { 'Fn::GetAtt': [expect.stringContaining(watched.replaceAll('-', '')), 'TopicName'] } }],
        TreatMissingData: 'notBreaching',
      });
    }
  });

  test('tells a third team when one team owns observability and infrastructure, and itself only when it is alone', () => {
    const told = (product: string) => {
      const [platform, apps] = [team('ml-platform'), product === 'ml-platform' ? undefined : team(product)];
      const by = Object.fromEntries(Object.values(Layer).map((layer) => [layer, platform])) as never as Record<Layer, Owner>;
      const { template } = synth((stack) => {
        const all = Owners.byLayer({ ...by, product: apps ?? platform });
        return new AlarmBoard(stack, 'Board', { owners: all, namePrefix: 'p' });
      });
      const [alarm] = Object.values(
        template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: 'p-ml-platform-page-undelivered' } }),
      );
      return alarm.Properties.AlarmActions[0].Ref;
    };
    expect(told('passenger-apps')).toMatch(/passengerappsticket/);
    expect(told('ml-platform')).toMatch(/mlplatformticket/);
  });

  test('gives a silent alarm no action and its composite the action: one cause pages one owner once', () => {
    const { template } = withBoard((stack) => {
      const child = registerAlarm(stack, 'Child', spec({ alarmName: 'child', silent: true }));
      registerCompositeAlarm(stack, 'All', { ...spec(), alarmName: 'all', anyOf: [child] });
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', { AlarmName: 'child', AlarmActions: Match.absent() });
    template.hasResourceProperties('AWS::CloudWatch::CompositeAlarm', { AlarmName: 'all', AlarmActions: [Match.anyValue()] });
  });

  test('fails at synth on an alarm in its scope that nobody would hear of', () => {
    const tree = app();
    const stack = new Stack(tree, 'Test');
    new AlarmBoard(stack, 'Board', { owners: owners() }).attachTo(tree);
    new Alarm(stack, 'Mute', { metric, threshold: 1, evaluationPeriods: 1 });
    expect(() => tree.synth()).toThrow(/AlarmWithoutAction: nobody hears of this alarm.*\[at Test\/Mute\]/);
  });

  test('routes an alarm that somebody else made', () => {
    const { template } = synth((stack) => {
      const board = new AlarmBoard(stack, 'Board', { owners: owners(), namePrefix: 'p' });
      board.attachTo(stack);
      board.route(new Alarm(stack, 'Mine', { metric, threshold: 1, evaluationPeriods: 1 }), Layer.SERVING, Severity.PAGE);
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      Namespace: 'Mine',
      AlarmActions: [{ Ref: Match.stringLikeRegexp('mlplatformpage') }],
    });
  });

  test('warns, and still synthesizes, when a construct is used without a board', () => {
    const stack = new Stack(app(), 'Test');
    registerAlarm(stack, 'Alone', spec());
    Found.fromStack(stack).hasWarning('/Test/Alone', Match.stringLikeRegexp('nobody hears of this alarm'));
  });

  const named = (namePrefix: string) => synth((stack) => new AlarmBoard(stack, 'Board', { owners: owners(), namePrefix }));

  test.each(['Flights Dev', '', 'a'.repeat(101)])("fails on the prefix '%s', which no topic name can start with", (namePrefix) => {
    expect(() => named(namePrefix)).toThrow(
      `InvalidAlarmBoard: 'namePrefix' must be 1 to 100 lower-case letters, digits and hyphens, got '${namePrefix}' [at Test/Board]`,
    );
  });

  test.each(['a', 'a'.repeat(100)])("accepts the prefix '%s'", (namePrefix) => {
    named(namePrefix).template.hasResourceProperties('AWS::SNS::Topic', { TopicName: `${namePrefix}-ml-platform-page` });
  });

  test('fails on a prefix that is a Token: rollback lists and composites name alarms literally', () => {
    expect(() => named(Lazy.string({ produce: () => 'a' }))).toThrow("'namePrefix' must be known at synth, got a Token");
  });

  test('takes the nearest board for an alarm below two', () => {
    const { template } = synth((stack) => {
      new AlarmBoard(stack, 'Board', { owners: owners(), namePrefix: 'outer' }).attachTo(stack);
      const inner = new Construct(stack, 'Inner');
      new AlarmBoard(inner, 'Board', { owners: owners(), namePrefix: 'inner' }).attachTo(inner);
      registerAlarm(inner, 'Mine', spec({ alarmName: 'mine' }));
    });
    template.hasResourceProperties('AWS::CloudWatch::Alarm', {
      AlarmName: 'mine',
      AlarmActions: [{ Ref: Match.stringLikeRegexp('^InnerBoardflightdatapage') }],
    });
  });
});

describe('Owner and Owners [P1]', () => {
  test('fails on a layer without an owner and names every one that is missing', () => {
    expect(() => Owners.byLayer({ data: team('a1') } as never)).toThrow(/'models' has no owner.*'product' has no owner/);
  });

  test.each(['Upper', 'x', '9lives', 'a'.repeat(41), 'under_score'])("fails on the team name '%s'", (name) => {
    expect(() => team(name)).toThrow(
      `'team' must be 2 to 40 lower-case letters, digits and hyphens, starting with a letter, got '${name}'`,
    );
  });

  test.each(['ab', 'a'.repeat(40), 'a-9'])("accepts the team name '%s'", (name) => {
    expect(team(name).team).toBe(name);
  });

  test('fails on a team name that is a Token: topics are named after it', () => {
    const page = [AlertDestination.email('a@example.com')];
    expect(() => new Owner({ team: Lazy.string({ produce: () => 'a' }), contact: 'x', page })).toThrow(
      "InvalidOwner: 'team' must be known at synth, got a Token: give a plain value",
    );
    expect(new Owner({ team: 'ab', contact: Lazy.string({ produce: () => '' }), page }).team).toBe('ab');
  });

  test('fails on an owner that no alarm can reach, and on one without contact', () => {
    expect(() => new Owner({ team: 'mute', contact: ' ', page: [] })).toThrow(
      /'page' of team 'mute' is empty.*'contact' of team 'mute' is empty/,
    );
  });

  test('fails on two owners with one team name', () => {
    const one = owners();
    const by = Object.fromEntries(Object.values(Layer).map((layer) => [layer, one.of(layer)])) as never as Record<Layer, Owner>;
    expect(() => Owners.byLayer({ ...by, data: team('ml-platform') })).toThrow(
      "team 'ml-platform' is given by two different Owner objects",
    );
  });

  test('fails on a text that is no e-mail address', () => {
    expect(() => AlertDestination.email('somebody')).toThrow("'address' must be an e-mail address, got 'somebody'");
    expect(() => AlertDestination.email(Lazy.string({ produce: () => 'a@example.com' }))).not.toThrow();
  });

  test('tickets go where pages go unless the owner says otherwise', () => {
    const { template } = synth((stack) => {
      const queue = new Queue(stack, 'Tickets', { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true });
      const both = new Owner({
        team: 'split',
        contact: 'x',
        page: [AlertDestination.email('a@example.com')],
        ticket: [AlertDestination.queue(queue)],
      });
      const all = Object.fromEntries(Object.values(Layer).map((layer) => [layer, both])) as never as Record<Layer, Owner>;
      return new AlarmBoard(stack, 'Board', { owners: Owners.byLayer(all) });
    });
    template.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'email', TopicArn: { Ref: Match.stringLikeRegexp('page') } });
    template.hasResourceProperties('AWS::SNS::Subscription', { Protocol: 'sqs', TopicArn: { Ref: Match.stringLikeRegexp('ticket') } });
  });
});
