import type { StepResult } from './step';

export type StepKind = 'search' | 'confirmation';

export interface SearchOptions {
  /** Where to begin, requests per second. */
  readonly start: number;
  /** Never above. */
  readonly maxRate: number;
  readonly run: (rate: number, kind: StepKind) => Promise<StepResult>;
}

export interface Found {
  /** The highest rate that held, and held again in the confirmation. */
  readonly rate: number;
  /** The confirmation. */
  readonly step: StepResult;
  /** No rate above was tried. */
  readonly atMaxRate: boolean;
}

/** How much longer the confirmation is: a search of ten steps is held by luck somewhere, so it needs more than they. */
export const CONFIRMATION = 3;
/** Between a rate that held and one that did not: close enough. */
const RESOLUTION = 1.05;
/** Halvings of the first rate before it is given up. */
const HALVINGS = 8;
/** Rates that are confirmed before the endpoint is called unsteady: down to little more than half of what was held once. */
const CONFIRMATIONS = 12;

/**
 * The highest rate at which a step is held: doubles until one is not, halves the interval (of the logarithm) to 5 %, then offers the rate found
 * again, longer and with another seed, and goes 5 % lower as long as that is not held. Errors: `ObjectiveNotHeld`, `LoadGeneratorLimit`, `Unsteady`.
 */
export async function findRate({ start, maxRate, run }: SearchOptions): Promise<Found> {
  let low: number | undefined;
  let high: number | undefined;
  let rate = rounded(Math.min(start, maxRate));
  while (low === undefined || high === undefined || high / low > RESOLUTION) {
    const step = await tried(run, rate, 'search', low);
    if (step.verdict === 'held') {
      low = rate;
      if (rate >= maxRate) {
        break;
      }
    } else {
      high = rate;
    }
    if (low === undefined && rate < start / 2 ** HALVINGS) {
      throw new Error(`ObjectiveNotHeld: not even ${rate}/s holds it (${step.why}): it is out of reach of this endpoint at any rate`);
    }
    const next = low === undefined ? rate / 2 : high === undefined ? low * 2 : Math.sqrt(low * high);
    rate = rounded(Math.min(next, maxRate));
  }
  return confirmed(run, low, maxRate);
}

async function confirmed(run: SearchOptions['run'], found: number, maxRate: number): Promise<Found> {
  let rate = found;
  for (let i = 0; i < CONFIRMATIONS; i++) {
    const step = await tried(run, rate, 'confirmation', undefined);
    if (step.verdict === 'held') {
      return { rate, step, atMaxRate: rate >= maxRate };
    }
    rate = rounded(rate / RESOLUTION);
  }
  throw new Error(
    `Unsteady: ${found}/s held once, but neither it nor the ${CONFIRMATIONS - 1} rates below it held again: measure when nothing else uses the endpoint`,
  );
}

/** A step that the generator spoilt is repeated once. */
async function tried(run: SearchOptions['run'], rate: number, kind: StepKind, held: number | undefined): Promise<StepResult> {
  let step = await run(rate, kind);
  if (step.verdict === 'generator') {
    step = await run(rate, kind);
  }
  if (step.verdict === 'generator') {
    const known = held === undefined ? '' : `; ${held}/s was held: --max-rate ${held} measures up to there`;
    throw new Error(`LoadGeneratorLimit: at ${rate}/s ${step.why}: run it on a machine that is idle, larger or closer${known}`);
  }
  return step;
}

/** Three digits: more is noise. */
export const rounded = (rate: number): number => Number(rate.toPrecision(3));
