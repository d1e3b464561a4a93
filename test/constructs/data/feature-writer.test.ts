import { Lazy, Stack } from 'aws-cdk-lib';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { DataIntake, DataZones, FeatureStore, FeatureWriter, FeatureWriterProps, StreamIntake } from '../../../lib';
import { synth } from '../../support/synth';
import { contractOf } from './contracts';
import { DELAY, DELAY_PROPS } from './features';
import { statementsOf } from './statements';

const build = (given: Partial<FeatureWriterProps> = {}, contract = DELAY_PROPS.contract, replay = false) =>
  synth((stack: Stack) => {
    const intake = new DataIntake(stack, 'Intake', { zones: new DataZones(stack, 'Zones'), contract, intakeName: 'air-dev' });
    const source = new StreamIntake(stack, 'Stream', { intake });
    const store = new FeatureStore(stack, 'Features', { features: [DELAY] });
    const clockParameter = replay ? new StringParameter(stack, 'Clock', { stringValue: 'real' }) : undefined;
    return new FeatureWriter(stack, 'Writer', { source, store, clockParameter, writerName: 'air-dev-features', ...given });
  });

const variablesOf = ({ template }: ReturnType<typeof build>) =>
  Object.entries(template.findResources('AWS::Lambda::Function')).find(([id]) => id.startsWith('Writer'))![1].Properties.Environment
    .Variables;

describe('FeatureWriter [D8]', () => {
  test('reads the whole stream in its order, beside whatever else reads it, and gives no record up', () => {
    const made = build();
    expect(made.nag).toEqual([]);
    const mappings = Object.entries(made.template.findResources('AWS::Lambda::EventSourceMapping')).filter(([id]) =>
      id.startsWith('Writer'),
    );
    expect(mappings.map(([, { Properties }]) => Properties)).toEqual([
      expect.objectContaining({ StartingPosition: 'TRIM_HORIZON', BisectBatchOnFunctionError: true, ParallelizationFactor: 1 }),
    ]);
    expect(variablesOf(made)).toMatchObject({
      FEATURES: JSON.stringify([DELAY._definition]),
      FEATURE_TABLE: { Ref: expect.stringMatching(/^Features/) },
      FEATURE_KEEP_SECONDS: '604800',
      INTAKE_NAME: 'air-dev',
    });
  });

  test('may enter records into the store and do nothing else with it', () => {
    const statements = statementsOf(build().template, 'WriterConsumer');
    const onTables = statements.filter(({ actions }) => actions.some((action) => action.startsWith('dynamodb:')));
    expect(onTables.map(({ actions }) => actions)).toEqual([['dynamodb:PutItem']]);
  });

  test('holds lateness against the clock of a replay, which it may read, and else against real time', () => {
    const made = build({}, DELAY_PROPS.contract, true);
    expect(variablesOf(made)).toHaveProperty('WORKLOAD_CLOCK_PARAMETER');
    expect(JSON.stringify(statementsOf(made.template, 'WriterConsumer'))).toContain('ssm:GetParameter');
    expect(variablesOf(build())).not.toHaveProperty('WORKLOAD_CLOCK_PARAMETER');
  });

  test('pages once when records do not get through, and says where to look', () => {
    const alarms = Object.values(build().template.findResources('AWS::CloudWatch::CompositeAlarm')).map(({ Properties }) => Properties);
    const own = alarms.filter(({ AlarmName }) => String(AlarmName).startsWith('air-dev-features'));
    expect(own).toHaveLength(1);
    expect(own[0].AlarmDescription).toMatch(/\[data\/page\].*#features-behind$/);
  });

  test('has metrics in the dimension of its intake', () => {
    const { built } = build();
    const metrics = [
      built.metricRecordsCounted(),
      built.metricRecordsLate(),
      built.metricRecordsRefused(),
      built.metricMillisecondsToFeature(),
    ];
    expect(metrics.map(({ metricName, statistic }) => [metricName, statistic])).toEqual([
      ['FeatureRecordsCounted', 'Sum'],
      ['FeatureRecordsLate', 'Sum'],
      ['FeatureRecordsRefused', 'Sum'],
      ['MillisecondsToFeature', 'Maximum'],
    ]);
    metrics.forEach(({ dimensions }) => expect(dimensions).toEqual({ Intake: 'air-dev' }));
  });
});

test.each<[Partial<FeatureWriterProps>, string]>([
  [{ writerName: 'Air' }, "'writerName' must be 1 to 100 lower-case letters, digits and hyphens"],
  [{ writerName: 'a'.repeat(101) }, "'writerName' must be 1 to 100"],
  [{ writerName: Lazy.string({ produce: () => 'a' }) }, "'writerName' must be known at synth, got a Token"],
])('fails on %j and says what is allowed', (given, message) => {
  expect(() => build(given)).toThrow(message);
});

test('fails on a store without a feature of what the stream brings, and takes the longest name', () => {
  expect(() => build({}, contractOf())).toThrow("'store' has no feature of 'orders', which 'source' brings");
  expect(() => build({ writerName: 'a'.repeat(100) })).not.toThrow();
});
