import type { ColumnStatistics } from '../../lib/constructs/data/dataset-catalog/contract';
import type { Difference } from './compare';
import type { RetentionPlan } from './retention';
import type { Version } from './versions';

const SHORT = 12;
const count = (value: number): string => value.toLocaleString('en-US');

/** Rows of texts in columns; the first row is the head. */
function table(rows: readonly (readonly string[])[]): string[] {
  const widths = rows[0].map((_, i) => Math.max(...rows.map((row) => row[i].length)));
  return rows.map((row) =>
    row
      .map((text, i) => text.padEnd(widths[i]))
      .join('  ')
      .trimEnd(),
  );
}

export function listText(versions: readonly Version[]): string {
  const rows = versions.map(({ row, manifest: { split } }) => [
    ...[row.id.slice(0, SHORT), row.publishedAt, count(row.rows), count(row.superseded), count(row.files)],
    split === undefined ? '' : (split.problem?.split(':')[0] ?? `test ${split.test!.from} until ${split.test!.until}`),
  ]);
  return table([['version', 'published', 'rows', 'superseded', 'files', 'split'], ...rows]).join('\n');
}

/** What a version is, how it is divided, and what its columns hold. `models`: what was trained on it. */
export function showText({ row, manifest }: Version, statistics: readonly ColumnStatistics[], models: readonly string[]): string {
  const facts = [
    ['version', row.id],
    ['published', row.publishedAt],
    ['rows', `${count(row.rows)}, ${count(row.superseded)} superseded, ${count(row.files)} files`],
    ['contract', manifest.contract],
    ['primary key', manifest.primaryKey.join(', ') || 'none'],
    ['manifest', `${row.manifest}, version ${row.manifestVersion}`],
    ...splitFacts(manifest.split),
    ['models', models.join(', ') || 'none'],
  ];
  const columns = statistics.map((column) => [
    ...[column.name, column.type, count(column.values), count(column.nulls), ...rangeOf(column)],
  ]);
  return [...table(facts), '', ...table([['column', 'type', 'values', 'nulls', 'from', 'to', 'different'], ...columns])].join('\n');
}

function splitFacts(split: Version['manifest']['split']): string[][] {
  if (split === undefined) {
    return [['split', 'none']];
  }
  if (split.problem !== undefined) {
    return [['split', split.problem]];
  }
  const periods = (['train', 'validation', 'test'] as const).map((name) => {
    const { from, until, rows } = split[name]!;
    return [name, `${from} until ${until}, ${count(rows)} rows`];
  });
  return [...periods, ['left out', `${count(split.gap!)} rows of ${split.gapDays} gap days, ${count(split.open!)} behind the test`]];
}

function rangeOf({ minimum, maximum, first, last, shortest, longest, categories, true: yes, false: no }: ColumnStatistics): string[] {
  if (yes !== undefined) {
    return [`${count(no!)} false`, `${count(yes)} true`, ''];
  }
  if (shortest !== undefined) {
    return [`${shortest} characters`, `${longest} characters`, categories === undefined ? 'many' : count(categories.length)];
  }
  return [String(minimum ?? first ?? ''), String(maximum ?? last ?? ''), ''];
}

export function diffText(one: Version, other: Version, differences: readonly Difference[]): string {
  const rows = differences.map(({ column, values, nulls, distance }) => [
    ...[column, ...values.map(count), ...nulls.map(count)],
    distance === undefined ? 'unknown' : distance.toFixed(4),
  ]);
  const same = one.manifest.contract === other.manifest.contract ? 'the same contract' : 'another contract';
  return [
    `${one.row.id.slice(0, SHORT)} has ${count(one.row.rows)} rows, ${other.row.id.slice(0, SHORT)} has ${count(other.row.rows)}; ${same}`,
    ...table([['column', 'values', '', 'nulls', '', 'distance'], ...rows]),
  ].join('\n');
}

export function planText({ kept, doomed, records, orphans }: RetentionPlan): string {
  return [
    ...kept.map(({ version, because }) => `stays  ${version.row.id.slice(0, SHORT)}  ${version.row.publishedAt}  ${because.join(', ')}`),
    ...doomed.map(({ version }) => `goes   ${version.row.id.slice(0, SHORT)}  ${version.row.publishedAt}  nothing names it`),
    `goes   ${count(records.length)} objects with records of replaced or withdrawn files that no version pins`,
    `goes   ${count(orphans.length)} objects beside manifests that no version names`,
  ].join('\n');
}
