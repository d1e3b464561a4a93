import { readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { promisify } from 'node:util';
import { gunzip } from 'node:zlib';

export const COLUMNS =
  'year,month,day,dep_time,sched_dep_time,dep_delay,arr_time,sched_arr_time,arr_delay,carrier,flight,tailnum,origin,dest,air_time,distance,hour,minute,time_hour'.split(
    ',',
  );

/** A row of the data by column name, every value as the text that the file has. */
export type Flight = Record<string, string>;

/** Rows of the given months (1 to 12), in the order of the file, as its unquoted lines. Errors: another header than the documented one. */
export async function linesOf(months: ReadonlySet<number>, file = join(__dirname, 'data', 'flights.csv.gz')): Promise<string[]> {
  const [header, ...lines] = (await promisify(gunzip)(await readFile(file))).toString().split(/\r?\n/);
  if (header !== COLUMNS.join(',')) {
    throw new Error(`UnknownData: ${file} starts with '${header.slice(0, 80)}', not with the columns of the flights data`);
  }
  return lines.filter((line) => months.has(Number(line.split(',', 2)[1])));
}

export function parseFlight(line: string): Flight {
  const values = line.split(',');
  return Object.fromEntries(COLUMNS.map((name, i) => [name, values[i]]));
}

/** Scheduled departure, milliseconds since 1970. */
export const scheduledAt = ({ time_hour: hour, minute }: Flight): number => Date.parse(hour) + Number(minute) * 60_000;
