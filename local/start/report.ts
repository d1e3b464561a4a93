import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import Table from 'cli-table3';
import { NO_VERSION } from '../../lib/constructs/models/contract';
import { localApiUrl } from './clients';
import { loadCoverage } from '../coverage';
import type { Figures, ReleaseFigures, ToldFigures, TrainingFigures } from './figures';
import type { Run } from './run';

const number = (value: number) => value.toLocaleString('en-US');

export function reportFile(stateDir: string): string {
  return join(stateDir, 'report.json');
}

/** Keeps what is printed, for `npm run verify:start`. */
export function writeReport({ account, figures, options, outputs }: Run): void {
  const report = { url: account.url, config: options.config, outputs, ...figures };
  writeFileSync(reportFile(account.stateDir), `${JSON.stringify(report, null, 1)}\n`);
}

export function printReport(run: Run): void {
  const { figures, account, outputs } = run;
  console.log(`\n${table(['What happened', ''], whatHappened(figures))}`);
  const total = figures.steps.reduce((sum, { seconds }) => sum + seconds, 0);
  const steps = figures.steps.map(({ title, seconds }) => [title, seconds.toFixed(1)]);
  console.log(table(['Step', 'seconds'], [...steps, ['all', total.toFixed(1)]]));
  const [from, to] = figures.workloadClock!;
  console.log(
    table(
      ['Clock', ''],
      [
        ['platform: alarm periods, schedules, waits', `${figures.clockFactor} times faster than real time`],
        ['workload: what the flights live by', `replayed from ${from} to ${to}`],
      ],
    ),
  );
  const { classes, behaviours } = loadCoverage();
  const rows = figures.coverage!.map((row) => [row.class, classes[row.class], number(row.types), number(row.resources)]);
  console.log(table(['Class', 'meaning', 'types', 'resources'], rows));
  console.log(
    table(
      ['Not a resource', 'class', 'what that leaves out'],
      behaviours.map((row) => [row.name, row.class, row.note]),
    ),
  );
  if (run.options.keep) {
    console.log(`\nAsk the model yourself:\n\n${curl(localApiUrl(account.url, outputs.ApiUrl), run)}`);
    console.log(`\nA request with a wrong signature was answered ${figures.wrongSignature}.`);
  }
}

function whatHappened(figures: Figures): string[][] {
  const { books, dataset, predictions, objective, outage, events, told } = figures;
  const byRule = Object.entries(books!.byRule).map(([rule, count]) => `${rule} ${count}`);
  const silent = Object.entries(events!).map(([type, count]) => `${type} ${number(count)}`);
  return [
    ['records', `read ${number(books!.read)} = valid ${number(books!.valid)} + quarantined ${number(books!.quarantined)}`],
    ['quarantined by rule', byRule.join(', ')],
    ['dataset version', `${dataset!.id.slice(0, 16)}...: ${number(dataset!.rows)} rows of ${dataset!.files} files`],
    [
      'predictions',
      `${predictions!.made} = ${predictions!.labelled} labelled + ${predictions!.expired} expired; beside them ${figures.otherPredictions} of the outage and the slow release`,
    ],
    ...(told === undefined ? [] : [['told of the last hour', toldText(told, figures.departures!)]]),
    ['objective', objectiveText(objective!)],
    ['day zero', `no model yet: the API answered ${figures.dayZeroStatus}`],
    ...figures.training!.map((run, i) => [`training ${i + 1}`, trainingText(run)]),
    ...figures.releases!.map((release, i) => [`release ${i + 1}`, releaseText(release)]),
    ['deployed again', `${figures.redeployment!.changed.length} changes in ${figures.redeployment!.seconds.toFixed(1)} s`],
    ['events on the bus', silent.join(', ')],
    ['outage', outageText(outage!)],
    ['resources read back', number(figures.readBack!)],
  ];
}

const version = (arn: string | undefined) => (arn === undefined || arn === NO_VERSION ? 'none' : `version ${arn.split('/').at(-1)}`);

function trainingText({ state, packageArn, figures, reasons, seconds }: TrainingFigures): string {
  const against = figures.currentAveragePrecision ?? figures.baselineAveragePrecision;
  const rival = figures.currentAveragePrecision === undefined ? 'the baseline' : 'the version that serves';
  const measured = `average precision ${figures.averagePrecision.toFixed(3)} against ${against.toFixed(3)} of ${rival}, AUC ${figures.auc.toFixed(3)}`;
  const verdict = packageArn === undefined ? `${state}: ${reasons.join('; ')}` : `registered as ${version(packageArn)}`;
  return `${measured} on ${number(figures.rows)} flights of ${figures.blocks} days, in ${seconds.toFixed(1)} s\n${verdict}`;
}

function releaseText({ state, from, to, live, told, seconds }: ReleaseFigures): string {
  const notice = told === undefined ? '' : `\n${told.alarm} told ${told.team} in ${told.inbox} ${told.seconds.toFixed(1)} s after it`;
  return `${version(from)} to ${version(to)}: ${state} ${seconds.toFixed(1)} s after it was asked for; ${version(live)} serves${notice}`;
}

function toldText(told: ToldFigures, { records, objects }: NonNullable<Figures['departures']>): string {
  const { values, withoutRecords, unavailable, compared, equal, largestDifference } = told;
  return [
    `by ${number(records)} departures on the stream, landed in ${objects} objects: ${values} predictions a value, ${withoutRecords} without departures, ${unavailable} without an answer in time`,
    `${equal} of ${compared} as in the training data to within 1e-9, the largest difference is ${largestDifference}`,
  ].join('\n');
}

function objectiveText({ evaluated, labels, labelsInAll, minimumLabels, values, from, to }: NonNullable<Figures['objective']>): string {
  const shown = Object.entries(values).map(([name, value]) => `${name} ${value.toFixed(1)} %`);
  const window = `in the window ${from} to ${to}: ${number(labels)} labels, ${shown.join(', ')}`;
  const all =
    labelsInAll < minimumLabels
      ? `${number(labelsInAll)} of ${number(minimumLabels)} labels`
      : `fewer than ${number(minimumLabels)} labels in the window`;
  return evaluated ? window : `not evaluated: ${all} (${window})`;
}

function outageText({ alarm, team, inbox, pid, restartedAs, failed, notices, seconds }: NonNullable<Figures['outage']>): string {
  return [
    `process ${pid} killed, ${failed} requests failed`,
    `${alarm}: ${notices.map(({ state }) => state).join(', ')}; told ${team} in ${inbox} after ${seconds.untilNotice} s of real time`,
    `restarted by the host as process ${restartedAs} after ${seconds.untilRestart} s; OK after ${seconds.untilOk} s`,
  ].join('\n');
}

function curl(url: string, { account }: Run): string {
  const inputs = [
    { name: 'minute_of_day', datatype: 'INT32', shape: [1], data: [1080] },
    { name: 'weekday', datatype: 'INT32', shape: [1], data: [5] },
    { name: 'distance', datatype: 'FP64', shape: [1], data: [733] },
    { name: 'carrier', datatype: 'BYTES', shape: [1], data: ['UA'] },
    { name: 'origin', datatype: 'BYTES', shape: [1], data: ['EWR'] },
    { name: 'dest', datatype: 'BYTES', shape: [1], data: ['ORD'] },
  ];
  return [
    `curl --aws-sigv4 'aws:amz:${account.env.AWS_REGION}:execute-api' \\`,
    `  --user '${account.env.AWS_ACCESS_KEY_ID}:${account.env.AWS_SECRET_ACCESS_KEY}' \\`,
    `  -H 'content-type: application/json' -d '${JSON.stringify({ inputs })}' \\`,
    `  '${url}/v2/models/delay/infer'`,
  ].join('\n');
}

function table(head: string[], rows: string[][]): string {
  const wide = Math.max(60, Math.min(150, process.stdout.columns ?? 150));
  const chars = { mid: '', 'left-mid': '', 'mid-mid': '', 'right-mid': '' };
  const options = { head, chars, style: { head: [], border: [] }, wordWrap: true };
  const fit = head.length > 1 && rows.some((row) => row.join('').length > wide);
  const widths = fit ? columnWidths(head, rows, wide) : undefined;
  const result = new Table(widths === undefined ? options : { ...options, colWidths: widths });
  result.push(...rows);
  return result.toString();
}

/** Every column as wide as it needs to be but the last, which takes what is left. */
function columnWidths(head: string[], rows: string[][], wide: number): number[] {
  const needed = head.map(
    (title, i) => Math.max(title.length, ...rows.map((row) => Math.max(...row[i].split('\n').map((l) => l.length)))) + 2,
  );
  const others = needed.slice(0, -1).map((width) => Math.min(width, 60));
  return [...others, Math.max(20, wide - others.reduce((sum, width) => sum + width + 1, 2))];
}
