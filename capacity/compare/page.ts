import { CANDIDATES } from './candidates';
import { Comparison } from './compare';
import { Line, lines, Spread } from './summary';

/** A point of a chart. */
export interface Point {
  readonly gpu: string;
  readonly bootSeconds: number;
  readonly policy: string;
  /** Of the policy in the table of policies. */
  readonly number: number;
  readonly kind: Line['kind'];
  readonly cost: number;
  readonly missRatio: number;
}

/** Draws the points of a trace. */
export type Chart = (points: readonly Point[], costLabel: string) => string;

const STYLE =
  'body{font-family:sans-serif;margin:2em;max-width:1250px}table{border-collapse:collapse;font-size:13px}' +
  'td,th{padding:2px 8px;text-align:right;border-bottom:1px solid #ddd}td:first-child,th:first-child,.texts td,.texts th{text-align:left}' +
  '.ours{color:#d62728}.mismeasured{color:#b55}.peer{color:#1f77b4}.elsewhere{color:#2ca02c}.fixed{color:#777}';

/** The report: every policy that was run, not only those that win. */
export function page(comparison: Comparison, chart: Chart): string {
  const { suite } = comparison;
  const all = lines(comparison);
  const sections = suite.traces.map((trace) =>
    section(
      trace,
      all.filter((line) => line.trace === trace),
      chart,
    ),
  );
  return `<!doctype html><meta charset="utf-8"><title>Scaling policies compared</title><style>${STYLE}</style>
<h1>Scaling policies compared</h1>
<p>Simulated, not run on AWS (capacity/README.md). ${suite.seeds.length} seeds; figures are the mean over them, with the least and the largest in brackets.
Symbols tell boot times: ${suite.boots.map((seconds) => `${seconds} s`).join(', ')}. Numbers are those of the table of policies and stand above the first of them. The dashed line is 1 % missed. <span class="ours">Ours</span>,
<span class="mismeasured">ours with a wrong measurement</span>, <span class="peer">published defaults</span>, <span class="elsewhere">what SageMaker cannot deploy</span>, <span class="fixed">fixed fleets of hindsight</span>.
What a policy costs is meaningful only beside what it misses: left of the bound are fleets that leave requests unserved.</p>
<h2>What was measured first</h2>${measuredTable(comparison)}
<h2>Policies</h2>${policyTable()}
${sections.join('\n')}
`;
}

function section(trace: string, all: readonly Line[], chart: Chart): string {
  // A trace whose bound does not exist on some GPU is drawn over the other bound, which always does.
  const bounded = all.every(({ overLbSlo }) => overLbSlo !== null);
  const points = all.map(({ gpu, bootSeconds, policy, kind, missRatio, overLbSlo, overLbWork }) => ({
    ...{ gpu, bootSeconds, policy, number: numberOf(policy), kind, missRatio: missRatio.mean },
    cost: (bounded ? overLbSlo! : overLbWork).mean,
  }));
  return `<h2>${trace}</h2>${chart(points, `GPU-hours over ${bounded ? 'LB-slo' : 'LB-work'}`)}\n${lineTable(all)}`;
}

function table(head: readonly string[], rows: readonly (readonly string[])[], style = ''): string {
  const row = (cells: readonly string[], tag: string) => `<tr>${cells.map((cell) => `<${tag}>${cell}</${tag}>`).join('')}</tr>`;
  return `<table class="${style}">${row(head, 'th')}${rows.map((cells) => row(cells, 'td')).join('\n')}</table>`;
}

const lineTable = (all: readonly Line[]): string =>
  table(
    ['policy', 'GPU', 'boot, s', 'missed, %', 'dropped, %', 'GPU-hours', 'over LB-slo', 'over LB-work', 'first token p99, s'],
    all.map((line) => [
      `<span class="${line.kind}">${line.policy}</span>`,
      line.gpu,
      String(line.bootSeconds),
      told(line.missRatio, 2, 100),
      (line.droppedRatio * 100).toFixed(3),
      told(line.gpuHours, 2),
      told(line.overLbSlo, 2),
      told(line.overLbWork, 2),
      told(line.firstTokenP99Seconds, 2),
    ]),
  );

const measuredTable = ({ measured }: Comparison): string =>
  table(
    [
      'trace',
      'profile',
      'GPU',
      'requests a second of one instance',
      'of each of four',
      'requests at once in one',
      'one where late requests wait',
      'each of four there',
    ],
    measured.map(({ trace, profile, gpu, requestsPerSecond, fleet, concurrency, prioritized }) => [
      trace,
      profile,
      gpu,
      requestsPerSecond.toFixed(3),
      (fleet!.requestsPerSecond / fleet!.instances).toFixed(3),
      String(concurrency),
      prioritized.requestsPerSecond.toFixed(3),
      (prioritized.fleet!.requestsPerSecond / prioritized.fleet!.instances).toFixed(3),
    ]),
  );

const numberOf = (policy: string): number => CANDIDATES.findIndex(({ name }) => name === policy) + 1;

const policyTable = (): string =>
  table(
    ['number', 'policy', 'kind', 'source'],
    CANDIDATES.map(({ name, kind, source, inert }) => [
      String(numberOf(name)),
      `<span class="${kind}">${name}</span>`,
      kind,
      `${source}${inert === undefined ? '' : ` <b>Inert: ${inert}.</b>`}`,
    ]),
    'texts',
  );

const told = (spread: Spread | null, digits: number, factor = 1): string =>
  spread === null
    ? '-'
    : `${(spread.mean * factor).toFixed(digits)} (${(spread.least * factor).toFixed(digits)}-${(spread.most * factor).toFixed(digits)})`;
