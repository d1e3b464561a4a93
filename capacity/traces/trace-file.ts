import { closeSync, existsSync, openSync, readSync } from 'node:fs';
import { join } from 'node:path';
import { AZURE_HEADER, AzureTrace } from './azure-trace';
import { LengthTable, readLengths, RecordedLengths } from './lengths';
import { readRateFile, SERVEGEN_HEADER, ServeGenSource } from './servegen';
import { RequestSource } from './source';

/** The lengths that arrivals without any have: the public conversations that come with the project. */
const DEFAULT_LENGTHS = join(__dirname, 'azure-llm-2023', 'AzureLLMInferenceTrace_conv.csv');
/** The begin of a trace from which its first rate is taken, seconds. */
const BEGIN_SECONDS = 600;

export interface TraceOptions {
  /** Requests a second over the whole time; only of a file of rates, whose own is the default. */
  readonly meanRate?: number;
  /** A trace in Azure's format, whose lengths requests of a file of rates have. */
  readonly lengths?: string;
  /** How often a file of rates is gone through. */
  readonly rounds?: number;
  /** When a file of rates begins, milliseconds since 1970; a recorded trace says it itself. */
  readonly startsAt?: number;
  readonly seed: number;
}

/** A trace that can be read more than once. */
export interface TraceFile {
  /** The requests from the begin on: the same each time. */
  open(): RequestSource;
  /** What requests ask for. */
  readonly lengths: LengthTable;
  /** Time of the last request, seconds; of a file of rates the end of its last window. */
  readonly seconds: number;
  /** Requests a second in the first ten minutes. */
  readonly firstRate: number;
  /** When it begins, milliseconds since 1970; undefined when a file of rates was given none. */
  readonly startsAt: number | undefined;
}

/**
 * A recorded trace (`TIMESTAMP,ContextTokens,GeneratedTokens`), or a file of arrival rates in the compact form of ServeGen's. A recorded one is read
 * through once.
 *
 * Errors `InvalidTrace`: no such file, an unknown first line, what the readers refuse, an option that the kind of file has no use for.
 */
export function openTrace(path: string, options: TraceOptions, each: (at: number, prompt: number, output: number) => void): TraceFile {
  const header = existsSync(path) ? firstLine(path) : undefined;
  if (header === AZURE_HEADER) {
    return recorded(path, options, each);
  }
  if (header === SERVEGEN_HEADER) {
    return generated(path, options, each);
  }
  throw new Error(
    header === undefined
      ? `InvalidTrace: there is no file [in ${path}]`
      : `InvalidTrace: line 1: the first line must be '${AZURE_HEADER}' or '${SERVEGEN_HEADER}', got '${header.slice(0, 60)}' [in ${path}]`,
  );
}

function recorded(path: string, options: TraceOptions, each: (at: number, prompt: number, output: number) => void): TraceFile {
  const given = [
    ...(options.meanRate === undefined ? [] : ['--mean-rps']),
    ...(options.lengths === undefined ? [] : ['--lengths']),
    ...(options.rounds === undefined ? [] : ['--rounds']),
    ...(options.startsAt === undefined ? [] : ['--starts']),
  ];
  if (given.length > 0) {
    throw new Error(`InvalidTrace: ${given.join(', ')} is for files of rates: a recorded trace has its own [in ${path}]`);
  }
  let first = 0;
  const trace = new AzureTrace(path);
  while (trace.next()) {
    each(trace.at, trace.prompt, trace.output);
    first += trace.at < BEGIN_SECONDS ? 1 : 0;
  }
  return {
    open: () => new AzureTrace(path),
    lengths: readLengths(path),
    seconds: trace.at,
    firstRate: first / Math.min(BEGIN_SECONDS, Math.max(1, trace.at)),
    startsAt: trace.startsAt,
  };
}

function generated(path: string, options: TraceOptions, each: (at: number, prompt: number, output: number) => void): TraceFile {
  const file = readRateFile(path);
  const { meanRate = file.meanRate, rounds = 1, seed, startsAt } = options;
  const lengths = readLengths(options.lengths ?? DEFAULT_LENGTHS);
  lengths.prompts.forEach((prompt, place) => each(0, prompt, lengths.outputs[place]));
  const first = file.clients.flat().filter(({ from }) => from < BEGIN_SECONDS);
  return {
    open: () => new ServeGenSource(file, meanRate, new RecordedLengths(lengths, seed), seed, rounds),
    lengths,
    seconds: file.seconds * rounds,
    firstRate: (first.reduce((sum, { rate }) => sum + rate, 0) * meanRate) / file.meanRate,
    startsAt,
  };
}

function firstLine(path: string): string {
  const buffer = Buffer.alloc(256);
  const descriptor = openSync(path, 'r');
  const read = readSync(descriptor, buffer, 0, buffer.length, 0);
  closeSync(descriptor);
  return buffer
    .toString('utf8', 0, read)
    .replace(/^\uFEFF/, '')
    .split(/\r?\n/)[0];
}
