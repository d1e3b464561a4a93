import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { EventBus } from 'aws-cdk-lib/aws-events';
import {
  DataIntake,
  DataRecall,
  DatasetCatalog,
  DataZones,
  EventTime,
  FeatureStore,
  FeatureWriter,
  OnlineTable,
  RecordsApi,
  StreamIntake,
} from '../../lib';
import { DATA_METRIC } from '../../lib/constructs/data/contract';
import { INTAKE_SECONDS } from '../../lib/constructs/data/data-intake/contract';
import { FEATURE_METRIC } from '../../lib/constructs/data/features/contract';
import { RECORDS_METRIC } from '../../lib/constructs/data/records-api/contract';
import { API_METRIC } from '../../lib/constructs/integration/contract';
import { DELAY, DELAY_PROPS } from '../constructs/data/features';
import { once, synth } from '../support/synth';
import { read, ROOT } from './pages';

const PAGE = 'lib/constructs/data/README.md';
/** What stands in the table for the names that these constructs are given. */
const NAMES: Record<string, string> = { intake: 'in', stream: 'st', online: 'on', writer: 'wr', api: 'ap', dataset: 'flights' };
const [CATALOG, RECALL] = ['ca', 're'];
const CONSUMERS = ['st-landing', 'on', 'wr'];

/** Every construct of the layer that makes alarms; the contract of the example states every limit, and its files can be split. */
const whole = once(() =>
  synth((stack) => {
    const zones = new DataZones(stack, 'Zones');
    const bus = new EventBus(stack, 'Bus');
    const intake = new DataIntake(stack, 'Intake', { zones, bus, contract: DELAY_PROPS.contract, intakeName: NAMES.intake });
    const source = new StreamIntake(stack, 'Stream', { intake, streamName: NAMES.stream });
    new OnlineTable(stack, 'Online', { source, onlineName: NAMES.online, entity: ['origin'], eventTime: EventTime.column('time_hour') });
    const store = new FeatureStore(stack, 'Features', { features: [DELAY] });
    new FeatureWriter(stack, 'Writer', { source, store, writerName: NAMES.writer });
    new RecordsApi(stack, 'Records', { apiName: NAMES.api }).addDataset(source);
    const catalog = new DatasetCatalog(stack, 'Catalog', { zones, bus, catalogName: CATALOG });
    catalog.addDataset(intake);
    new DataRecall(stack, 'Recall', { catalog, recallName: RECALL });
  }),
);

interface AlarmProperties {
  AlarmName: string;
  AlarmDescription: string;
  AlarmRule?: unknown;
}

/** Names of alarms and whom they tell: nobody, when a composite alarm speaks for them. */
function registered(): Map<string, string> {
  const { template } = whole();
  const ids = (type: string) =>
    Object.entries(template.findResources(type)).map(([id, { Properties }]) => ({ id, ...Properties }) as AlarmProperties & { id: string });
  const composites = ids('AWS::CloudWatch::CompositeAlarm');
  const rules = JSON.stringify(composites.map(({ AlarmRule }) => AlarmRule));
  return new Map(
    [...composites, ...ids('AWS::CloudWatch::Alarm')].map(({ id, AlarmName, AlarmDescription }) => [
      AlarmName,
      rules.includes(`"${id}"`) ? '' : /^\[data\/(page|ticket)\] /.exec(AlarmDescription)![1],
    ]),
  );
}

/** Rows of a table of the page, by its first heading: the cells of each. */
function rowsOf(heading: string, text = read(PAGE)): string[][] {
  const table = new RegExp(`^\\| ${heading} \\|.*\\n\\|[-|]+\\|\\n((?:\\|.*\\n)+)`, 'm').exec(text)![1];
  return table
    .trim()
    .split('\n')
    .map((line) =>
      line
        .split('|')
        .slice(1, -1)
        .map((cell) => cell.trim()),
    );
}

/** The alarms of the table, each under the name that it has here. */
function documented(): [string, string][] {
  const named = (name: string) =>
    name.replaceAll(/<(\w+)>/g, (_, part: string) => ({ ...NAMES, catalog: CATALOG, recall: RECALL })[part] ?? `<${part}>`);
  return rowsOf('alarm').flatMap(([cell, tells]) => {
    const name = /^`([^`]+)`$/.exec(cell)![1];
    const each = name.startsWith('<consumer>') ? CONSUMERS.map((consumer) => name.replace('<consumer>', consumer)) : [name];
    return each.map((one): [string, string] => [named(one), tells]);
  });
}

describe('the tables of the data layer', () => {
  test('have every alarm that its constructs register once, with whom it tells', () => {
    const table = documented();
    expect(table.length).toBeGreaterThan(35);
    expect(new Set(table.map(([name]) => name)).size).toBe(table.length);
    expect(Object.fromEntries(table)).toEqual(Object.fromEntries(registered()));
  });

  test('have every metric under the dimension of an intake, and none that nobody publishes', () => {
    const names = rowsOf('metric').flatMap(([cell]) => [...cell.matchAll(/`(\w+)`/g)].map(([, name]) => name));
    const known = { DATA_METRIC, FEATURE_METRIC, RECORDS_METRIC, API_METRIC: { apiFault: API_METRIC.apiFault } };
    expect([...names].sort()).toEqual(
      Object.values(known)
        .flatMap((metrics) => Object.values(metrics) as string[])
        .sort(),
    );
    const runtime = readdirSync(join(ROOT, 'runtime'), { recursive: true, encoding: 'utf8' })
      .filter((file) => file.endsWith('.ts'))
      .map((file) => readFileSync(join(ROOT, 'runtime', file), 'utf8'))
      .join('\n');
    const silent = Object.entries(known).flatMap(([group, metrics]) =>
      Object.keys(metrics).filter((key) => !new RegExp(`\\b${group}\\.${key}\\b`).test(runtime)),
    );
    expect(silent).toEqual([]);
  });
});

describe('the times of an intake', () => {
  const minutes = (seconds: number) => seconds / 60;

  test('are those of its code wherever they are written: by when a file is final or a dead letter [D3]', () => {
    expect(INTAKE_SECONDS.settled).toBe(Math.max(INTAKE_SECONDS.overdue, INTAKE_SECONDS.overdueAtWork) + INTAKE_SECONDS.round);
    const settled = `${minutes(INTAKE_SECONDS.settled)} minutes`;
    const told = whole().template.findResources('AWS::CloudWatch::Alarm', { Properties: { AlarmName: 'in-dead-letters' } });
    expect(Object.values(told)[0].Properties.AlarmDescription).toContain(`within ${settled}`);
    expect(read(PAGE)).toContain(`${settled} after its arrival each file is final or in the dead-letter queue`);
    expect(read(PAGE)).toContain(`was not final after ${settled}`);
    expect(read('docs/runbooks/data.md')).toContain(`was not final ${settled} after its arrival`);
  });

  test('are those of its code wherever they are written: rounds of the janitor, and when a file is sent again or reported', () => {
    expect(read(PAGE)).toContain(`compares raw zone and ledger every ${minutes(INTAKE_SECONDS.round)} minutes`);
    expect(read(PAGE)).toContain(`what has no final row after ${minutes(INTAKE_SECONDS.resubmit)} minutes`);
    const latency = `contract's latency is over, ${minutes(INTAKE_SECONDS.latency)} minutes without one`;
    expect(read(PAGE).split(latency)).toHaveLength(3);
    const rounds = whole().template.findResources('AWS::Events::Rule', {
      Properties: { ScheduleExpression: `rate(${minutes(INTAKE_SECONDS.round)} minutes)` },
    });
    expect(Object.keys(rounds)).toEqual([expect.stringMatching(/^IntakeJanitor/)]);
  });

  test('are no others in any page or alarm of theirs', () => {
    const others = [`${minutes(INTAKE_SECONDS.overdue)} minutes`, `${minutes(INTAKE_SECONDS.overdueAtWork)} minutes`];
    const texts = [read(PAGE), read('docs/runbooks/data.md'), JSON.stringify(whole().template.findResources('AWS::CloudWatch::Alarm'))];
    expect(others.filter((other) => texts.some((text) => text.includes(` ${other}`)))).toEqual([]);
  });
});
