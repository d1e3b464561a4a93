import { COLUMNS, linesOf } from './flights';

/** A file as an airport would send it: one month of one origin. */
export interface FlightFile {
  name: string;
  month: number;
  origin: string;
  /** The whole file, header included. */
  bytes: Buffer;
  /** Records in it, planted ones included. */
  records: number;
}

/** One planted fault: what an intake must find, and where. */
export interface PlantedFault {
  fault: 'truncated record' | 'wrong column count' | 'text in a number' | 'unknown origin' | 'duplicate key' | 'bad UTF-8';
  file: string;
  /** Record number in its file, from 1; the header is not counted. */
  record: number;
}

const ORIGINS = ['EWR', 'JFK', 'LGA'];
const HEADER = COLUMNS.join(',');
const ORIGIN = COLUMNS.indexOf('origin');
const DISTANCE = COLUMNS.indexOf('distance');
const DEST = COLUMNS.indexOf('dest');

/**
 * The files of the given months with the six planted faults, one each: five alter a record, the duplicate adds one. Which records are hit
 * follows from `seed` alone; without it none is planted. No record is hit twice, and none that another planted fault or the duplicate
 * refers to.
 */
export async function monthlyFiles(months: [number, number], seed?: number): Promise<{ files: FlightFile[]; faults: PlantedFault[] }> {
  const wanted = new Set(Array.from({ length: months[1] - months[0] + 1 }, (_, i) => months[0] + i));
  const lines = new Map<string, Buffer[]>();
  for (const line of await linesOf(wanted)) {
    const values = line.split(',');
    const name = fileName(Number(values[1]), values[ORIGIN]);
    (lines.get(name) ?? emptyFile(lines, name)).push(Buffer.from(line));
  }
  const names = [...wanted].flatMap((month) => ORIGINS.map((origin) => fileName(month, origin)));
  const faults = seed === undefined ? [] : plant(names, lines, seed);
  const truncated = new Set(faults.filter(({ fault }) => fault === 'truncated record').map(({ file }) => file));
  const files = names.map((name) => {
    const records = lines.get(name)!;
    const [, month, origin] = /-(\d\d)-(\w{3})\.csv$/.exec(name)!;
    const text = [Buffer.from(HEADER), ...records].flatMap((line) => [line, Buffer.from('\n')]);
    return {
      name,
      month: Number(month),
      origin,
      records: records.length,
      bytes: Buffer.concat(truncated.has(name) ? text.slice(0, -1) : text),
    };
  });
  return { files, faults };
}

function emptyFile(lines: Map<string, Buffer[]>, name: string): Buffer[] {
  lines.set(name, []);
  return lines.get(name)!;
}

function fileName(month: number, origin: string): string {
  return `flights-2013-${String(month).padStart(2, '0')}-${origin}.csv`;
}

function plant(names: string[], lines: Map<string, Buffer[]>, seed: number): PlantedFault[] {
  const random = generator(seed);
  const taken = new Set<string>();
  /** A record that no fault has hit, never the last of its file: that one is kept for the truncation. */
  const pick = (): [string, number] => {
    for (;;) {
      const file = names[Math.floor(random() * names.length)];
      const index = Math.floor(random() * (lines.get(file)!.length - 1));
      if (!taken.has(`${file}#${index}`) && !lines.get(file)![index].includes('D942DN')) {
        taken.add(`${file}#${index}`);
        return [file, index];
      }
    }
  };
  const faults: PlantedFault[] = [];
  const alter = (fault: PlantedFault['fault'], change: (values: string[]) => Buffer | string) => {
    const [file, index] = pick();
    lines.get(file)![index] = Buffer.from(change(lines.get(file)![index].toString().split(',')));
    faults.push({ fault, file, record: index + 1 });
  };
  alter('wrong column count', (values) => [...values, 'extra'].join(','));
  alter('text in a number', (values) => values.with(DISTANCE, 'far').join(','));
  alter('unknown origin', (values) => values.with(ORIGIN, 'XXX').join(','));
  alter('bad UTF-8', (values) => {
    const line = Buffer.from(values.with(DEST, 'D?N').join(','));
    line[line.indexOf('?')] = 0xff;
    return line;
  });
  const [source, index] = pick();
  lines.get(source)!.push(lines.get(source)![index]);
  faults.push({ fault: 'duplicate key', file: source, record: lines.get(source)!.length });
  faults.push(
    truncate(
      names.filter((name) => name !== source),
      lines,
      random,
    ),
  );
  return faults;
}

/** The file ends inside its last record, before its last delimiters, so that columns are missing. */
function truncate(names: string[], lines: Map<string, Buffer[]>, random: () => number): PlantedFault {
  const whole = names.filter((name) => !lines.get(name)!.at(-1)!.includes('D942DN'));
  const file = whole[Math.floor(random() * whole.length)];
  const records = lines.get(file)!;
  const values = records.at(-1)!.toString().split(',');
  records[records.length - 1] = Buffer.from(values.slice(0, values.length - 3).join(','));
  return { fault: 'truncated record', file, record: records.length };
}

/** mulberry32: a small generator whose sequence is the same everywhere. */
function generator(seed: number): () => number {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let t = state;
    t = Math.imul(t ^ (t >>> 15), t | 1);
    t ^= t + Math.imul(t ^ (t >>> 7), t | 61);
    return ((t ^ (t >>> 14)) >>> 0) / 4294967296;
  };
}
