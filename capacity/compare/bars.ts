import { Row } from './cell';
import { Comparison } from './compare';
import { geometricMean } from './summary';

/** The limits that a default must keep, each with what it is a share of. */
export const LIMITS = {
  /** Share of requests that may miss, and that a fleet of the peak's size may miss where the bar is applied at all. */
  missRatio: 0.01,
  eligibleMissRatio: 0.005,
  /** Of the cheapest peer that misses no more, and of the mean of all such peers, as geometric means. */
  overCheapest: 0.75,
  overMean: 0.55,
  /** Of LB-slo, in each cell and as geometric mean. */
  overBound: 1.6,
  overBoundMean: 1.45,
  /** Seconds above the best first token p99 of such peers. */
  firstTokenSeconds: 0.5,
  droppedRatio: 0.0005,
  mismeasuredMissRatio: 0.015,
  mismeasuredOverBound: 2.1,
  detectionSeconds: 120,
} as const;

/** A bar, and what the runs say. */
export interface Bar {
  readonly name: string;
  /** undefined when nothing that was run says so or the opposite. */
  readonly holds: boolean | undefined;
  readonly detail: readonly string[];
}

/** A policy in a cell, with those that it is measured against. */
interface Judged {
  readonly row: Row;
  /** Peers that miss no more than is allowed. */
  readonly peers: readonly Row[];
}

type Semantics = Row['semantics'];

/** Cells that a fleet of the peak's size serves: the others nobody can, and no bar is applied. */
export function judged(rows: readonly Row[], policy: string, semantics: Semantics = 'default'): Judged[] {
  const cells = new Map<string, Row[]>();
  for (const row of rows) {
    const key = cellOf(row);
    cells.set(key, [...(cells.get(key) ?? []), row]);
  }
  return [...cells.values()].flatMap((all) => {
    const peak = all.find((row) => row.policy === 'fixed-peak');
    const row = all.find((one) => one.policy === policy);
    const eligible = row?.semantics === semantics && peak !== undefined && peak.missRatio < LIMITS.eligibleMissRatio;
    return eligible ? [{ row, peers: all.filter(({ kind, missRatio }) => kind === 'peer' && missRatio <= LIMITS.missRatio) }] : [];
  });
}

const cellOf = ({ trace, gpu, bootSeconds, seed, semantics }: Row): string =>
  `${trace} ${gpu} boot ${bootSeconds} s seed ${seed} ${semantics}`;

/** The bars of a policy. `mismeasured` are its names with wrong measurements, `detection` the longest time to a request for more where it has a metric of 10 s. */
export function bars(
  { rows }: Pick<Comparison, 'rows'>,
  policy: string,
  mismeasured: readonly string[],
  detection: number | undefined,
): Bar[] {
  const cells = judged(rows, policy);
  const boots = [...new Set(cells.map(({ row }) => row.bootSeconds))];
  return [
    ...mainBars(cells),
    tail(cells),
    robust(rows, mismeasured),
    sameVerdict(mainBars(judged(rows, policy, 'other')), 'under the other choice of what AWS does not document', cells.length),
    ...boots.map((boot) =>
      sameVerdict(mainBars(cells.filter(({ row }) => row.bootSeconds === boot)), `with a boot of ${boot} s alone`, cells.length),
    ),
    detected(detection),
  ];
}

const mainBars = (cells: readonly Judged[]): Bar[] => [objective(cells), cost(cells), gap(cells)];

function objective(cells: readonly Judged[]): Bar {
  const worst = cells.filter(({ row }) => row.missRatio > LIMITS.missRatio);
  return each('SLO', cells, worst, (row) => `${percent(row.missRatio)} missed`, `${percent(LIMITS.missRatio)} missed`);
}

function cost(cells: readonly Judged[]): Bar {
  const rivalled = cells.filter(({ peers }) => peers.length > 0);
  const over = (of: (hours: readonly number[]) => number) =>
    geometricMean(rivalled.map(({ row, peers }) => row.gpuHours / of(peers.map(({ gpuHours }) => gpuHours))));
  const cheapest = over((hours) => Math.min(...hours));
  const mean = over((hours) => hours.reduce((sum, value) => sum + value, 0) / hours.length);
  const holds = cheapest <= LIMITS.overCheapest && mean <= LIMITS.overMean;
  return {
    name: 'Cost',
    holds: rivalled.length === 0 ? undefined : holds,
    detail: [
      `${rivalled.length} of ${cells.length} cells have a peer that misses no more than ${percent(LIMITS.missRatio)}`,
      `GPU-hours over the cheapest of them: ${beside(cheapest, LIMITS.overCheapest)}; over their mean: ${beside(mean, LIMITS.overMean)}`,
    ],
  };
}

function gap(cells: readonly Judged[]): Bar {
  const over = ({ row }: Judged) => row.gpuHours / row.lbSloGpuHours!;
  const bounded = cells.filter(({ row }) => row.lbSloGpuHours !== null);
  const worst = bounded.filter((cell) => over(cell) > LIMITS.overBound).sort((a, b) => over(b) - over(a));
  const mean = geometricMean(bounded.map(over));
  const bar = each(
    'Gap',
    bounded,
    worst,
    (row) => `${(row.gpuHours / row.lbSloGpuHours!).toFixed(2)} of LB-slo`,
    `${LIMITS.overBound} of LB-slo`,
  );
  const holds = bar.holds === undefined ? undefined : bar.holds && mean <= LIMITS.overBoundMean;
  return { ...bar, holds, detail: [...bar.detail, `geometric mean over LB-slo: ${beside(mean, LIMITS.overBoundMean)}`] };
}

function tail(cells: readonly Judged[]): Bar {
  const allowed = (peers: readonly Row[]) =>
    Math.min(...peers.map(({ firstTokenP99Seconds }) => firstTokenP99Seconds!)) + LIMITS.firstTokenSeconds;
  const slow = cells.filter(({ row, peers }) => peers.length > 0 && row.firstTokenP99Seconds! > allowed(peers));
  const dropping = cells.filter(({ row }) => row.dropped > LIMITS.droppedRatio * row.requests);
  const bar = each(
    'Tail',
    cells,
    slow,
    (row) => `first token p99 ${row.firstTokenP99Seconds!.toFixed(2)} s`,
    'the best peer that serves and half a second',
  );
  const holds = bar.holds === undefined ? undefined : bar.holds && dropping.length === 0;
  return {
    ...bar,
    holds,
    detail: [...bar.detail, `${dropping.length} of ${cells.length} cells drop more than ${percent(LIMITS.droppedRatio)}`],
  };
}

function robust(rows: readonly Row[], mismeasured: readonly string[]): Bar {
  const cells = mismeasured.flatMap((policy) => judged(rows, policy));
  const worst = cells.filter(
    ({ row }) =>
      row.missRatio > LIMITS.mismeasuredMissRatio ||
      (row.lbSloGpuHours !== null && row.gpuHours > LIMITS.mismeasuredOverBound * row.lbSloGpuHours),
  );
  return each(
    'Robust: measured wrongly by 30 %',
    cells,
    worst,
    (row) => `${row.policy} ${percent(row.missRatio)} missed, ${(row.gpuHours / row.lbSloGpuHours!).toFixed(2)} of LB-slo`,
    `${percent(LIMITS.mismeasuredMissRatio)} missed and ${LIMITS.mismeasuredOverBound} of LB-slo`,
  );
}

/** The first three bars hold in a part of the runs, too. */
function sameVerdict(part: readonly Bar[], where: string, cells: number): Bar {
  const verdicts = part.map(({ name, holds }) => `${name} ${told(holds)}`);
  const known = cells > 0 && part.every(({ holds }) => holds !== undefined);
  return { name: `Robust: ${where}`, holds: known ? part.every(({ holds }) => holds) : undefined, detail: [verdicts.join(', ')] };
}

function detected(seconds: number | undefined): Bar {
  const detail =
    seconds === undefined
      ? ['the policy has no metric of ten seconds: the bar is for those that have']
      : [`${seconds} s from a step of the load to the request for more at the latest, allowed ${LIMITS.detectionSeconds} s`];
  return { name: 'Detection', holds: seconds === undefined ? undefined : seconds <= LIMITS.detectionSeconds, detail };
}

const SHOWN = 5;

function each(name: string, cells: readonly Judged[], worst: readonly Judged[], figure: (row: Row) => string, allowed: string): Bar {
  return {
    name,
    holds: cells.length === 0 ? undefined : worst.length === 0,
    detail: [
      `${cells.length - worst.length} of ${cells.length} cells keep to at most ${allowed}`,
      ...worst.slice(0, SHOWN).map(({ row }) => `${cellOf(row)}: ${figure(row)}`),
      ...(worst.length > SHOWN ? [`and ${worst.length - SHOWN} more`] : []),
    ],
  };
}

export const told = (holds: boolean | undefined): string => (holds === undefined ? 'not applied' : holds ? 'pass' : 'SHORT');

const percent = (share: number): string => `${Number((share * 100).toFixed(3))} %`;

const beside = (value: number, limit: number): string =>
  `${value.toFixed(3)} (at most ${limit}${value > limit ? `, short by ${(value - limit).toFixed(3)}` : ''})`;
