// What queries answer of the versions that test/e2e/stream-intake.ts built: as their manifests counted, as their objects say, and to whom.
import type { ColumnStatistics } from '../../lib/constructs/data/dataset-catalog/contract';
import { Athena } from './athena';
import { Checks } from './checks';

/** A dataset version as its manifest and its objects tell of it. */
export interface Version {
  readonly id: string;
  readonly rows: number;
  readonly superseded: number;
  readonly statistics: ColumnStatistics[];
  /** The records that count, as CSV lines, sorted: read from the objects without the engine. */
  readonly lines: string[];
}

const TABLE = 'readings.readings';
const named = (...versions: Version[]) => `dataset_version IN (${versions.map(({ id }) => `'${id}'`).join(', ')})`;
const refusal = (query: Promise<unknown>): Promise<string> =>
  query.then(
    () => 'answered',
    ({ message }: Error) => message,
  );

/** Count, sum and largest value of each sensor. */
function bySensor(lines: string[]): unknown[] {
  const groups = new Map<string, number[]>();
  lines.forEach((line) => {
    const [sensor, , value] = line.split(',');
    groups.set(sensor, [...(groups.get(sensor) ?? []), Number(value)]);
  });
  const sum = (values: number[]) => values.reduce((total, value) => total + value, 0);
  return [...groups]
    .sort(([a], [b]) => (a < b ? -1 : 1))
    .map(([sensor, values]) => [sensor, values.length, sum(values), Math.max(...values)]);
}

export async function queries(checks: Checks, analyst: Athena, stranger: Athena, versions: Version[]): Promise<void> {
  checks.that('there are two versions that differ', versions.length > 1 && new Set(versions.map(({ id }) => id)).size === versions.length);
  for (const version of versions) {
    const from = `FROM ${TABLE} WHERE ${named(version)}`;
    const { values, nulls, minimum, maximum } = version.statistics.find(({ name }) => name === 'value')!;
    const [counted] = await analyst.query(`SELECT count(*), count(value), min(value), max(value) ${from}`);
    checks.same('a query counts what the manifest counts [D7]', counted.map(Number), [version.rows, values, minimum, maximum]);
    checks.same('and nothing is null', nulls, 0);
    const rows = await analyst.query(`SELECT sensor, at, value ${from} ORDER BY sensor, at`);
    const instant = (text: string) => `${text.replace(' ', 'T').replace('.000', '')}Z`;
    const spelled = rows.map(([sensor, at, value]) => [sensor, instant(at!), Number(value)].join(','));
    checks.same('it answers with the records of the objects that count', spelled, version.lines);
    const groups = await analyst.query(`SELECT sensor, count(*), sum(value), max(value) ${from} GROUP BY sensor ORDER BY sensor`);
    checks.same(
      'and sums them as is done here',
      groups.map(([sensor, ...numbers]) => [sensor, ...numbers.map(Number)]),
      bySensor(version.lines),
    );
  }
  const both = await analyst.query(`SELECT dataset_version, count(*) FROM ${TABLE} WHERE ${named(...versions)} GROUP BY 1 ORDER BY 1`);
  const expected = versions.map(({ id, rows }) => [id, String(rows)]).sort(([a], [b]) => (a < b ? -1 : 1));
  checks.same('versions that are named together stay apart', both, expected);
  checks.same(
    'a version that nobody published has no records',
    await analyst.query(`SELECT count(*) FROM ${TABLE} WHERE dataset_version = 'none'`),
    [['0']],
  );
  checks.that(
    'a query that names no version is refused',
    /CONSTRAINT_VIOLATION/.test(await refusal(analyst.query(`SELECT count(*) FROM ${TABLE}`))),
  );
  const foreign = await refusal(stranger.query(`SELECT count(*) FROM ${TABLE} WHERE ${named(versions[0])}`));
  checks.that('who was not granted it may not query', /AccessDeniedException.*athena:StartQueryExecution/.test(foreign));
}
