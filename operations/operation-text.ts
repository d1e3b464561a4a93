import type { OperationReport } from './operation-machine';

type Row = Readonly<Record<string, unknown>>;

/** Columns of equal rows, as wide as what is in them. */
function table(rows: readonly Row[]): string[] {
  const names = [...new Set(rows.flatMap((row) => Object.keys(row)))];
  const cells = [names, ...rows.map((row) => names.map((name) => String(row[name] ?? '')))];
  const widths = names.map((_, column) => Math.max(...cells.map((row) => row[column].length)));
  return cells.map((row) => `  ${row.map((cell, column) => cell.padEnd(widths[column])).join('  ')}`.trimEnd());
}

/** Figures, one a line. */
export const figures = (values: Row): string[] =>
  table(Object.entries(values).flatMap(([name, value]) => (typeof value === 'object' ? [] : [{ what: name, number: value }]))).slice(1);

/** How many things an operation would deal with. */
const dueOf = ({ plan: { totals } }: OperationReport): number => totals.files ?? totals.messages ?? totals.items ?? 0;

/** Whether an operation would deal with anything. */
export const wouldDo = (report: OperationReport): boolean => dueOf(report) > 0;

/** What an operation would do. */
export function planText(report: OperationReport): string {
  const { operation, dataset, plan, contract, interrupted } = report;
  const count = dueOf(report);
  return [
    ...(interrupted === undefined ? [] : [`The execution before, ${interrupted}, ended without a report: aborted or timed out.`]),
    `${operation} of ${dataset}${contract === undefined ? '' : `, contract ${contract.slice(0, 12)},`} would deal with`,
    ...figures(plan.totals),
    ...(plan.first.length === 0
      ? []
      : [`${plan.first.length < count ? `the first ${plan.first.length}` : 'which are'}:`, ...table(plan.first)]),
    ...(count === 0 ? ['There is nothing to do.'] : []),
  ].join('\n');
}

/** What an operation did. */
export function reportText(report: OperationReport): string {
  const { operation, dataset, totals, failed, before, after = {}, report: stored } = report;
  const left = Number(after.deadLetters ?? 0);
  const books = Object.keys(before).flatMap((name) =>
    typeof before[name] === 'object' ? [] : [{ 'in the books': name, before: before[name], after: after[name] }],
  );
  return [
    `${operation} of ${dataset} did`,
    ...figures(totals),
    ...table(books),
    ...(failed.length === 0 ? [] : ['failed:', ...table(failed.map(({ outcome: _, ...rest }) => rest))]),
    ...(left === 0
      ? []
      : [`${left} messages are in the dead-letter queue still: they came since, or a step that died held them for 16 minutes`]),
    `report: s3://${stored.bucket}/${stored.key}`,
  ].join('\n');
}
