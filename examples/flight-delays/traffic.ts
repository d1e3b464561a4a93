import { Flight, linesOf, parseFlight, scheduledAt } from './flights';

/** One flight of the replayed traffic: what is asked before departure and what turned out. Times are workload-clock moments. */
export interface Trip {
  /** Prediction id: the contract's key, so that a repeated run asks for the same predictions. */
  id: string;
  /** 60 minutes before scheduled departure. */
  predictAt: Date;
  scheduledDeparture: Date;
  /** What is known of it in the end. */
  flight: Flight;
  /** Open Inference Protocol v2 request body. */
  request: object;
  /** When ground truth is known, and what it is; undefined when the flight never arrived as planned. */
  feedback?: { at: Date; late: boolean };
}

const MINUTE = 60_000;
export const LATE_MINUTES = 15;

/** 500 of April's flights: sorted by schedule, every 56th. */
export async function aprilTraffic(): Promise<Trip[]> {
  const flights = (await linesOf(new Set([4]))).map(parseFlight);
  flights.sort(bySchedule);
  return flights
    .filter((_, i) => i % 56 === 0)
    .slice(0, 500)
    .map(trip);
}

/** (time_hour, minute, carrier, flight, origin); numbers as numbers. */
function bySchedule(a: Flight, b: Flight): number {
  return (
    compare(a.time_hour, b.time_hour) ||
    Number(a.minute) - Number(b.minute) ||
    compare(a.carrier, b.carrier) ||
    Number(a.flight) - Number(b.flight) ||
    compare(a.origin, b.origin)
  );
}

function compare(a: string, b: string): number {
  return a < b ? -1 : a > b ? 1 : 0;
}

function trip(flight: Flight): Trip {
  const scheduled = scheduledAt(flight);
  const id = [flight.year, flight.month, flight.day, flight.carrier, flight.flight, flight.origin].join('-');
  return {
    id,
    predictAt: new Date(scheduled - 60 * MINUTE),
    scheduledDeparture: new Date(scheduled),
    flight,
    request: requestFor(flight, id, new Date(scheduled)),
    feedback:
      flight.arr_delay === 'NA' ? undefined : { at: feedbackTime(flight, scheduled), late: Number(flight.arr_delay) > LATE_MINUTES },
  };
}

/** Departure event time (scheduled plus delay) + air time + 30 minutes. */
function feedbackTime(flight: Flight, scheduled: number): Date {
  return new Date(scheduled + (Number(flight.dep_delay) + Number(flight.air_time) + 30) * MINUTE);
}

/** Only what is known before departure; `weekday` is ISO, Monday is 1. */
export function requestFor(flight: Flight, id: string, scheduled: Date): object {
  const weekday = new Date(Date.UTC(Number(flight.year), Number(flight.month) - 1, Number(flight.day))).getUTCDay() || 7;
  const tensor = (name: string, datatype: string, value: number | string) => ({ name, datatype, shape: [1], data: [value] });
  return {
    id,
    parameters: { event_time: scheduled.toISOString() },
    inputs: [
      tensor('minute_of_day', 'INT32', Number(flight.hour) * 60 + Number(flight.minute)),
      tensor('weekday', 'INT32', weekday),
      tensor('distance', 'FP64', Number(flight.distance)),
      tensor('carrier', 'BYTES', flight.carrier),
      tensor('origin', 'BYTES', flight.origin),
      tensor('dest', 'BYTES', flight.dest),
    ],
  };
}
