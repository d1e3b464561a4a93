import { Flight, linesOf, parseFlight, scheduledAt } from './flights';

/** A departure as its airport reports it on a stream. */
export interface Departure {
  /** When it left. */
  at: Date;
  flight: Flight;
}

const MINUTE = 60_000;
const TEXTS = ['carrier', 'tailnum', 'origin', 'dest', 'time_hour'];

/** Scheduled departure plus delay, milliseconds since 1970; undefined for a flight that never left. */
export const departedAt = (flight: Flight): number | undefined =>
  flight.dep_delay === 'NA' ? undefined : scheduledAt(flight) + Number(flight.dep_delay) * MINUTE;

/** Every departure of the given months, 1 to 12, in the order in which they left. */
export async function departures(months: ReadonlySet<number>): Promise<Departure[]> {
  const flights = (await linesOf(months)).map(parseFlight);
  return flights
    .flatMap((flight) => {
      const at = departedAt(flight);
      return at === undefined ? [] : [{ at: new Date(at), flight }];
    })
    .sort((a, b) => a.at.getTime() - b.at.getTime());
}

/** The record as a sender of single records writes it: JSON with numbers as numbers, and null where the data says NA. */
export function recordOf(flight: Flight): string {
  const values = Object.entries(flight).map(([name, text]) => [name, text === 'NA' ? null : TEXTS.includes(name) ? text : Number(text)]);
  return JSON.stringify(Object.fromEntries(values));
}
