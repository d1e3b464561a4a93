import { parseArgs, ParseArgsConfig } from 'node:util';

/** What these commands share in `--help`. */
export const ENVIRONMENT = `The command talks to AWS with the credentials, Region and endpoint of its environment, as the AWS CLI does.
For the local account: npm start -- --keep, then in the same shell
  eval "$(npm run --silent account -- env)"`;

/** A command line that cannot be understood: exit code 2. */
export class UsageError extends Error {}

/** Options and positional arguments. Errors: `InvalidOption` for an unknown option and for another number of arguments. */
export function argumentsOf(args: string[], options: NonNullable<ParseArgsConfig['options']>, usage: string, most = 1) {
  try {
    const { values, positionals } = parseArgs({ args, allowPositionals: true, options: { ...options, help: { type: 'boolean' } } });
    if (values.help !== true && (positionals.length < 1 || positionals.length > most)) {
      throw new Error(`give ${most === 1 ? 'one argument' : `1 to ${most} arguments`}, got ${positionals.length}`);
    }
    return { values: values as Record<string, string | boolean | undefined>, argument: positionals[0], more: positionals.slice(1) };
  } catch (error) {
    throw new UsageError(`InvalidOption: ${(error as Error).message.split('. ')[0]}: see the usage below\n\n${usage}`);
  }
}

/** Runs a command: its result is the exit code; what it refuses is printed without a stack trace. */
export function runCommand(main: (args: string[]) => Promise<number>): void {
  main(process.argv.slice(2))
    .then((code) => (process.exitCode = code))
    .catch((error: Error) => {
      console.error(error.message);
      process.exitCode = error instanceof UsageError ? 2 : 1;
    });
}
