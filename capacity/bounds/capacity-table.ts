import { fleetRate } from '../profiles/measured-rate';
import { EndpointModel } from '../simulator/simulation';
import { Lengths } from '../traces/generated';

/** Fleets that are measured; between them the rate is a straight line. */
const MEASURED_FLEETS = [1, 2, 3, 4, 6, 8, 12, 16];

/** Requests a second that fleets of so many instances serve within the objective, ascending in both. */
export type CapacityTable = readonly (readonly [instances: number, requestsPerSecond: number])[];

/**
 * Measures fleets under Poisson arrivals. Requests go to the instance with the fewest, whatever a policy's routing is: a bound takes the better one.
 *
 * @param fleets ascending
 */
export function capacityTable(endpoint: EndpointModel, lengths: () => Lengths, seed: number, fleets = MEASURED_FLEETS): CapacityTable {
  let least = 0;
  return fleets.map((instances) => {
    // A larger fleet serves no less: what a measurement says against it is noise.
    least = Math.max(least, fleetRate({ ...endpoint, routing: 'leastOutstanding', instances }, lengths, seed));
    return [instances, least] as const;
  });
}

/**
 * The least fleet for a rate, at most `most`; Infinity when that is not enough. Beyond the largest fleet of the table each instance serves what it does there.
 */
export function leastInstances(table: CapacityTable, rate: number, most: number): number {
  for (let instances = 0; instances <= most; instances++) {
    if (rateOf(table, instances) >= rate) {
      return instances;
    }
  }
  return Infinity;
}

function rateOf(table: CapacityTable, instances: number): number {
  const [largest, rate] = table[table.length - 1];
  if (instances >= largest) {
    return (rate * instances) / largest;
  }
  let [fewer, slower] = [0, 0];
  for (const [more, faster] of table) {
    if (instances <= more) {
      return slower + ((faster - slower) * (instances - fewer)) / (more - fewer);
    }
    [fewer, slower] = [more, faster];
  }
  return slower;
}
