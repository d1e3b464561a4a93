import { Template } from 'aws-cdk-lib/assertions';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Key } from 'aws-cdk-lib/aws-kms';
import { Size } from 'aws-cdk-lib';
import { DataContract, DataIntake, DataIntakeProps, DataZones } from '../../../lib';
import { once, synth } from '../../support/synth';
import { contractOf, FLIGHTS, Loose } from './contracts';
import { statementsOf } from './statements';

const build = (encrypted = false, given: Partial<DataIntakeProps> = {}) =>
  synth((stack) => {
    const zones = new DataZones(stack, 'Zones', encrypted ? { encryptionKey: new Key(stack, 'Key', { enableKeyRotation: true }) } : {});
    const bus = new EventBus(stack, 'Bus');
    return new DataIntake(stack, 'Flights', {
      zones,
      bus,
      contract: DataContract.fromFile(FLIGHTS),
      intakeName: 'air-dev-flights',
      ...given,
    });
  });
const plain = once(() => build());

/** The definition, with references as `<id>`. */
function states(template: Template): { StartAt: string; States: Record<string, Loose> } {
  const machines = template.findResources('AWS::StepFunctions::StateMachine', {
    Properties: { StateMachineName: 'air-dev-flights-operations' },
  });
  const [{ Properties }] = Object.values(machines);
  const parts = Properties.DefinitionString['Fn::Join'][1] as unknown[];
  return JSON.parse(parts.map((part) => (typeof part === 'string' ? part : '<reference>')).join(''));
}

describe('operations of DataIntake [D6]', () => {
  test('are one machine per intake, which is told by its name, keeps its log and traces [row 172]', () => {
    const { template, built } = plain();
    template.hasResourceProperties('AWS::StepFunctions::StateMachine', {
      StateMachineName: 'air-dev-flights-operations',
      TracingConfiguration: { Enabled: true },
      LoggingConfiguration: { Level: 'ALL', IncludeExecutionData: true },
    });
    template.hasResourceProperties('AWS::Logs::LogGroup', { LogGroupName: '/aws/vendedlogs/states/air-dev-flights-operations' });
    expect(built.operations.stateMachineArn).toBeDefined();
  });

  test('have no nag finding that nobody answered for, with and without a key', () => {
    expect(plain().nag).toEqual([]);
    expect(build(true).nag).toEqual([]);
  });

  test('begin with a plan and end there in a dry run; what runs works until it is done, and both end with a report', () => {
    const { StartAt, States } = states(plain().template);
    expect([StartAt, States.Start.Next, States.Begin.Next]).toEqual(['Start', 'Begin', 'Refused?']);
    expect(States['Refused?']).toMatchObject({
      Choices: [{ Variable: '$.begun.refused', IsPresent: true, Next: 'Refused' }],
      Default: 'Dry run?',
    });
    expect(States['Dry run?']).toMatchObject({
      Choices: [{ Variable: '$.begun.run.request.dryRun', BooleanEquals: true, Next: 'Report' }],
      Default: 'Work',
    });
    expect(States.Work.Next).toBe('Done?');
    expect(States['Done?']).toMatchObject({
      Choices: [{ Variable: '$.worked.done', BooleanEquals: true, Next: 'Report' }],
      Default: 'Work',
    });
    expect(States.Report.End).toBe(true);
  });

  test('try a step again unless it was refused; a failure leaves a report and fails the execution', () => {
    const { States } = states(plain().template);
    for (const name of ['Begin', 'Work', 'Report', 'ReportFailure']) {
      expect(States[name].Retry).toEqual([
        { ErrorEquals: ['OperationRefused'], MaxAttempts: 0 },
        { ErrorEquals: ['States.ALL'], IntervalSeconds: 4, BackoffRate: 2, MaxAttempts: 5 },
      ]);
    }
    expect(States.Begin.Catch).toBeUndefined();
    expect(States.Work.Catch).toEqual([{ ErrorEquals: ['States.ALL'], ResultPath: '$.error', Next: 'ReportFailure' }]);
    expect(States.ReportFailure).toMatchObject({ Next: 'Failed', Parameters: { action: 'Report', 'error.$': '$.error' } });
    expect(States.Refused).toEqual({ Type: 'Pass', End: true, Parameters: { 'refused.$': '$.begun.refused' } });
    expect(States.Failed.Type).toBe('Fail');
  });

  test('that fail, run out of time or are stopped raise a ticket; what was refused does not', () => {
    const [{ Properties }] = Object.values(
      plain().template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: 'air-dev-flights-operation-failed' } }),
    );
    const metrics = (Properties.Metrics as Loose[]).flatMap(({ MetricStat }) => (MetricStat === undefined ? [] : [MetricStat]));
    expect(metrics.map(({ Metric, Stat, Period }) => [Metric.Namespace, Metric.MetricName, Stat, Period])).toEqual([
      ['AWS/States', 'ExecutionsFailed', 'Sum', 300],
      ['AWS/States', 'ExecutionsTimedOut', 'Sum', 300],
      ['AWS/States', 'ExecutionsAborted', 'Sum', 300],
    ]);
    expect(metrics.map(({ Metric }) => Metric.Dimensions.map(({ Name }: Loose) => Name))).toEqual(metrics.map(() => ['StateMachineArn']));
    expect(Properties).toMatchObject({ Threshold: 1, EvaluationPeriods: 1, TreatMissingData: 'notBreaching' });
  });

  test('name each execution once: its name is the id of lease and report', () => {
    const { States } = states(plain().template);
    expect(States.Begin.Parameters).toEqual({ action: 'Begin', 'id.$': '$$.Execution.Name', 'input.$': '$.input' });
  });

  test('may read the dataset and its quarantine, write attempts and reports, take dead letters, send to the intake, and nothing else', () => {
    const { template } = plain();
    const contract = 'arn:<AWS::Partition>:s3:::cdk-hnb659fds-assets-${AWS::AccountId}-${AWS::Region}/';
    const granted = statementsOf(template, 'FlightsOperationSteps').filter(({ actions }) => !actions[0].startsWith('xray:'));
    expect(granted).toEqual([
      { actions: ['dynamodb:Scan', 'dynamodb:GetItem', 'dynamodb:PutItem', 'dynamodb:UpdateItem'], resources: ['<FlightsLedger>'] },
      { actions: ['sqs:SendMessage'], resources: ['<FlightsQueue>'] },
      {
        actions: ['sqs:ReceiveMessage', 'sqs:DeleteMessage', 'sqs:ChangeMessageVisibility', 'sqs:GetQueueAttributes'],
        resources: ['<FlightsDeadLetters>'],
      },
      { actions: ['s3:GetObject'], resources: [expect.stringMatching(`^${contract.replaceAll(/[$.]/g, '.')}[0-9a-f]{64}.json$`)] },
      { actions: ['s3:ListBucket', 's3:ListBucketVersions'], resources: ['<ZonesRaw>', '<ZonesQuarantine>'] },
      { actions: ['s3:ListBucket'], resources: ['<ZonesValidated>'], condition: { StringEquals: { 's3:prefix': 'flights/' } } },
      { actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: ['<ZonesRaw>/flights/*'] },
      { actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: ['<ZonesValidated>/flights/*/commit.json'] },
      { actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: ['<ZonesQuarantine>/flights/*/attempt=*'] },
      {
        actions: ['s3:PutObject', 's3:AbortMultipartUpload'],
        resources: ['<ZonesValidated>/flights/*/attempt=*', '<ZonesValidated>/flights/operations/*'],
      },
      { actions: ['s3:PutObject', 's3:AbortMultipartUpload'], resources: ['<ZonesQuarantine>/flights/*/attempt=*'] },
      // What pieces of a file that is judged in ranges leave for each other.
      { actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: ['<ZonesValidated>/_splits/flights/*'] },
      { actions: ['s3:PutObject', 's3:AbortMultipartUpload'], resources: ['<ZonesValidated>/_splits/flights/*'] },
    ]);
  });

  test('judge in ranges what the intake splits, with the same ranges and the scratch space for their keys, and nothing where it splits nothing', () => {
    const functionsOf = (given: Partial<DataIntakeProps>) => {
      const { template } = build(false, given);
      const all = Object.entries(template.findResources('AWS::Lambda::Function'));
      const [steps, splitter] = ['FlightsOperationSteps', 'FlightsSplitter'].map(
        (id) => all.find(([name]) => name.startsWith(id))?.[1].Properties as Loose,
      );
      return { template, steps, splitter };
    };
    const { steps, splitter } = functionsOf({ splitAbove: Size.mebibytes(64) });
    expect(steps.Environment.Variables).toMatchObject({
      SPLIT_ABOVE_BYTES: String(64 * 2 ** 20),
      RANGE_BYTES: splitter.Environment.Variables.RANGE_BYTES,
    });
    expect(steps.EphemeralStorage).toEqual(splitter.EphemeralStorage);
    const whole = functionsOf({ contract: contractOf() });
    expect(whole.splitter).toBeUndefined();
    const { SPLIT_ABOVE_BYTES: above, RANGE_BYTES: rangeBytes } = whole.steps.Environment.Variables;
    expect([above, rangeBytes]).toEqual([undefined, undefined]);
    expect(whole.steps.EphemeralStorage).toEqual({ Size: 2048 });
    expect(JSON.stringify(statementsOf(whole.template, 'FlightsOperationSteps'))).not.toContain('_splits');
  });
});
