import { createReadStream } from 'node:fs';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { createGunzip } from 'node:zlib';

export const COLUMNS =
  'year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour'.split(
    ',',
  );

/** A row of the data by column name, every value as the text that the file has. */
export type Flight = Record<string, string>;

/** Rows of the given months (1 to 12), in the order of the file, as its unquoted lines. Errors: another header than the documented one. */
export async function* linesOf(months: ReadonlySet<number>, file = join(__dirname, 'data', 'flights.csv.gz')): AsyncGenerator<string> {
  const lines = createInterface({ input: createReadStream(file).pipe(createGunzip()), crlfDelay: Infinity });
  let header = true;
  for await (const line of lines) {
    if (header) {
      if (line !== COLUMNS.join(',')) {
        throw new Error(`UnknownData: ${file} starts with '${line.slice(0, 80)}', not with the columns of the flights data`);
      }
      header = false;
    } else if (months.has(Number(line.split(',', 2)[1]))) {
      yield line;
    }
  }
}

export function parseFlight(line: string): Flight {
  const values = line.split(',');
  return Object.fromEntries(COLUMNS.map((name, i) => [name, values[i]]));
}
