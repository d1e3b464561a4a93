import { parseArgs, ParseArgsConfig } from 'node:util';

/** Where a command writes. */
export interface Output {
  write(text: string): unknown;
  readonly isTTY?: boolean;
}

/** A command line that cannot be understood. */
export class UsageError extends Error {}

/** What the command line says. Errors `UsageError`: an unknown option, one without its value. */
export function parsed<T extends NonNullable<ParseArgsConfig['options']>>(args: string[], options: T) {
  try {
    return parseArgs({ args, options }).values;
  } catch (error) {
    throw new UsageError(`InvalidOption: ${(error as Error).message.split('. ')[0]}`);
  }
}

/** Reads values of options and collects what is wrong with them. */
export class OptionReader {
  public readonly problems: string[] = [];

  public constructor(private readonly values: Readonly<Record<string, unknown>>) {}

  /** undefined when the option is not given. */
  public number(name: string, least: number, most: number, whole: boolean): number | undefined {
    const text = this.values[name] as string | undefined;
    const value = Number(text);
    if (text !== undefined && !(text.trim() !== '' && value >= least && value <= most && (!whole || Number.isInteger(value)))) {
      this.problems.push(`--${name} must be a ${whole ? 'whole ' : ''}number from ${least} to ${most}, got '${text}'`);
    }
    return text === undefined ? undefined : value;
  }

  /** A time of UTC, milliseconds since 1970; undefined when it is not given. */
  public time(name: string): number | undefined {
    const text = this.values[name] as string | undefined;
    const value = text !== undefined && /^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\dZ$/.test(text) ? Date.parse(text) : NaN;
    if (text !== undefined && Number.isNaN(value)) {
      this.problems.push(`--${name} must be a time like 2026-03-02T00:00:00Z, got '${text}'`);
    }
    return text === undefined ? undefined : value;
  }

  /** Errors `UsageError` with every problem. */
  public check(): void {
    if (this.problems.length > 0) {
      throw new UsageError(`InvalidOption: ${this.problems.join('; ')}`);
    }
  }
}

/** Runs a command: 0 when it did what it should, 1 for what it refuses, 2 for a command line that cannot be understood. */
export function exitCode(err: Output, usage: string, run: () => void): number {
  try {
    run();
    return 0;
  } catch (error) {
    clear(err);
    err.write(`${(error as Error).message}${error instanceof UsageError ? `\n\n${usage}` : ''}\n`);
    return error instanceof UsageError ? 2 : 1;
  }
}

/** One line on a terminal, nothing elsewhere. */
export function progress(err: Output, text: string): void {
  if (err.isTTY === true) {
    err.write(`\r\u001b[K${text}`);
  }
}

export const clear = (err: Output): void => progress(err, '');
