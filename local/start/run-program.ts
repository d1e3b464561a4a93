// How a program on the local account starts and ends: help, no foreign target, an error in words.
import { foreignTargets } from '../account-environment';

/** Runs `main` with the options that `parse` returns; where it returns none, `help` is printed. Exit code 130 after an interruption, 1 after any other error. */
export function runProgram<T>(parse: () => T | undefined, help: string, main: (options: T) => Promise<void>): void {
  start(parse, help, main).catch((error: Error) => {
    console.error(`\n${error.message}`);
    process.exitCode = /^Interrupted: /m.test(error.message) ? 130 : 1;
  });
}

async function start<T>(parse: () => T | undefined, help: string, main: (options: T) => Promise<void>): Promise<void> {
  const options = parse();
  if (options === undefined) {
    console.log(help);
    return;
  }
  const foreign = foreignTargets(process.env);
  if (foreign.length > 0) {
    throw new Error(foreign.join('\n'));
  }
  await main(options);
}
