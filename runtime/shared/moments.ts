/**
 * Furthest that a `Date` is from 1970, milliseconds (https://tc39.es/ecma262/#sec-time-values-and-time-range). A number of Amazon DynamoDB holds all
 * of them (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/HowItWorks.NamingRulesDataTypes.html), and up to 2^53 its client writes them.
 */
export const FURTHEST_MOMENT = 8_640_000_000_000_000;

/**
 * A moment, milliseconds since 1970, moved by one number of minutes after the other; NaN when it is further than `FURTHEST_MOMENT` after any of them.
 * Whole minutes give the exact millisecond: each product that comes back into the range is below 2^54 and a multiple of 32.
 */
export function movedBy(moment: number, minutes: readonly number[]): number {
  return minutes.reduce((time, more) => withinRange(time + more * 60_000), withinRange(moment));
}

const withinRange = (moment: number) => (Math.abs(moment) <= FURTHEST_MOMENT ? moment : Number.NaN);
