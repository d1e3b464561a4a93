import { writeFileSync } from 'node:fs';
import { FleetPlan } from './plans';

/** A moment of the timeline, as it is drawn. */
export interface Point {
  /** Its begin and end. */
  readonly from: number;
  readonly hours: number;
  /** Requests a second. */
  readonly rate: number;
  readonly serving: number;
  /** Instances that would serve this rate, each as much as it was measured to. */
  readonly needed: number;
  /** Percent. */
  readonly missed: number;
}

/** The timeline of a plan's first run. */
export function pointsOf({ timeline, requestsPerSecond }: Pick<FleetPlan, 'timeline' | 'requestsPerSecond'>): Point[] {
  return timeline.map(({ at, requests, missed, serving }, place) => {
    const from = timeline[place - 1]?.at ?? 0;
    const rate = requests / (at - from);
    const percent = requests === 0 ? 0 : (100 * missed) / requests;
    return { from: from / 3600, hours: at / 3600, rate, serving, needed: Math.ceil(rate / requestsPerSecond), missed: percent };
  });
}

/** Writes the timeline as a page that needs nothing else. Errors: the file cannot be written. */
export async function explainTo(file: string, plan: FleetPlan): Promise<void> {
  // @ts-expect-error -- plain JavaScript
  const { timeline } = (await import('./timeline-charts.mjs')) as { timeline: (points: readonly Point[]) => string[] };
  const [demand, capacity, misses] = timeline(pointsOf(plan));
  const { type, min, max, target } = plan;
  writeFileSync(
    file,
    `<!doctype html><meta charset="utf-8"><title>${type}, ${min} to ${max}</title><body style="font-family: sans-serif">
<h1>${type}, ${min} to ${max} instances, ${target} requests a second for each of many</h1>
<p>The run with the first seed, in steps of five minutes.</p>
<h2>Demand</h2>${demand}
<h2>Capacity</h2><p>Instances that serve; dashed: as many as would serve the demand if it came evenly, each what it was measured to.</p>${capacity}
<h2>Misses</h2><p>Share of requests known to have missed the objective, by when that was known: it may exceed 100 % when many that waited end at once.</p>${misses}
`,
  );
}
