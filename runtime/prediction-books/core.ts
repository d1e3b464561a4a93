import { createHash } from 'node:crypto';
import { BOOKS, STATE } from '../../lib/constructs/integration/contract';

export type State = (typeof STATE)[keyof typeof STATE];

/** One prediction as the books hold it. Times are ISO 8601 of the workload clock. */
export interface Prediction {
  /** `<model>/<id>`. */
  key: string;
  model: string;
  id: string;
  state: State;
  /** Present while open; the index of open predictions lists those that have it. */
  openShard?: string;
  madeAt: string;
  eventTime: string;
  expiresAt: string;
  endpoint: string;
  variant: string;
  /** SHA-256 of the request in canonical form: the same id with other content is a conflict. */
  requestSha256: string;
  /** The answer as it was given. */
  answer: string;
  /** What the API filled in for the model, by input, as JSON: see `ServedFeature`. Absent when the model takes no features. */
  features?: string;
  /** The yes or no that the answer gave; absent when the model gives none. */
  decision?: boolean;
  /** Whether the decision came early enough to act on. */
  inTime: boolean;
  correlationId: string;
  outcome?: boolean;
  observedAt?: string;
  labelledAt?: string;
  expiredAt?: string;
}

/** What happened in one day of event time; open = made - labelled - expired. */
export interface Tally {
  made: number;
  labelled: number;
  expired: number;
  /** Labelled predictions that carry a decision. */
  judged: number;
  /** ... whose outcome was positive. */
  positives: number;
  /** ... whose decision was positive. */
  warnings: number;
  /** ... whose outcome and decision were positive, decided in time. */
  hits: number;
}

export interface TallyRow extends Tally {
  day: string;
  model: string;
}

export const COUNTERS = ['made', 'labelled', 'expired', 'judged', 'positives', 'warnings', 'hits'] as const;

/** State in which every prediction starts. */
export const STATE_OPEN = STATE.open;

export const keyOf = (model: string, id: string): string => `${model}/${id}`;

/** Spreads predictions evenly; the same one always lands in the same place. */
export function shardOf(key: string): string {
  return String(createHash('sha256').update(key).digest().readUInt16BE(0) % BOOKS.shards);
}

/** Day of event time (UTC) that a prediction is counted in, from making to its end. */
export const dayOf = (time: string): string => time.slice(0, 10);

/** Counters that move when a prediction is made. */
export const onMade = (): Partial<Tally> => ({ made: 1 });

export const onExpired = (): Partial<Tally> => ({ expired: 1 });

/** Counters that move when ground truth arrives. A late warning is a warning, but it does not count as a hit. */
export function onLabelled(prediction: Prediction, outcome: boolean): Partial<Tally> {
  if (prediction.decision === undefined) {
    return { labelled: 1 };
  }
  const warned = prediction.decision;
  return {
    labelled: 1,
    judged: 1,
    ...(outcome ? { positives: 1 } : {}),
    ...(warned ? { warnings: 1 } : {}),
    ...(outcome && warned && prediction.inTime ? { hits: 1 } : {}),
  };
}

export function sum(rows: Tally[]): Tally & { open: number } {
  const total = Object.fromEntries(COUNTERS.map((name) => [name, rows.reduce((n, row) => n + row[name], 0)])) as unknown as Tally;
  return { ...total, open: total.made - total.labelled - total.expired };
}

/** JSON with sorted keys, so that the same content has the same hash whatever the order of its fields. */
export function canonical(value: unknown): string {
  if (Array.isArray(value)) {
    return `[${value.map(canonical).join(',')}]`;
  }
  if (value !== null && typeof value === 'object') {
    const fields = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
    return `{${fields.map(([name, field]) => `${JSON.stringify(name)}:${canonical(field)}`).join(',')}}`;
  }
  return JSON.stringify(value) ?? 'null';
}

export const sha256 = (text: string): string => createHash('sha256').update(text).digest('hex');

/** What becomes of ground truth that arrives for a prediction, decided by the clock and not by when the expiry job happens to run. */
export type Verdict = 'label' | 'same' | 'conflict' | 'late';

export function judge(prediction: Prediction, outcome: boolean, now: Date): Verdict {
  if (prediction.state === STATE.labelled) {
    return prediction.outcome === outcome ? 'same' : 'conflict';
  }
  return prediction.state === STATE.expired || now.toISOString() >= prediction.expiresAt ? 'late' : 'label';
}
