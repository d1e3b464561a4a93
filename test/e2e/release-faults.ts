// `npm run faults`: does to releases and training what may happen to them, in a local account, and asserts that it does no harm [R3, R7].
// `npm run faults -- killed` runs the scenarios whose names contain the text, `--short` those of `npm test`. Last line: `N passed, N failed`.
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import Table from 'cli-table3';
import { startAccount } from '../../local/account';
import { Arena, Scenario, Stage } from './release-faults/arena';
import { Book } from './release-faults/book';
import { UNHARMED } from './release-faults/first';
import { ADOPTION, DEPLOYMENTS } from './release-faults/deployments';
import { EVENTS } from './release-faults/events';
import { KILLS } from './release-faults/kills';
import { DELETED, ROLLBACKS, SLOW } from './release-faults/rollbacks';
import { OPERATIONS } from './release-faults/operations';
import { SCALING } from './release-faults/scaling';
import { STUCK_STACKS } from './release-faults/stuck';
import { TRAINING, trainingConfig } from './release-faults/training';
import { SLOW_VARIANT, VARIANTS } from './release-faults/variants';
import { VERSIONS } from './release-faults/versions';

const STAGES: Stage[] = [
  {
    clockFactor: 240, // a fleet is watched for 7 minutes, which are 1.75 seconds
    config: () => 'config/dev.yaml',
    scenarios: [
      ...UNHARMED,
      ...OPERATIONS,
      ...KILLS,
      ...EVENTS,
      ...VERSIONS,
      ...DEPLOYMENTS,
      ...ROLLBACKS,
      ...STUCK_STACKS,
      ...SCALING,
      ...VARIANTS,
      ...ADOPTION,
    ],
  },
  {
    clockFactor: 20,
    config: trainingConfig,
    scenarios: [...TRAINING, ...SLOW, ...SLOW_VARIANT, ...DELETED],
  },
];

async function carriedOut(scenario: Scenario, arena: Arena, signal: AbortSignal): Promise<Book> {
  const book = new Book(scenario.name, signal);
  const start = Date.now();
  try {
    await scenario.run(arena, book);
  } catch (error) {
    book.problems.push(`it could not be carried out: ${(error as Error).stack}`);
  } finally {
    await arena.faults({});
  }
  book.expect(book.times > 0, 'nothing was done');
  const seconds = ((Date.now() - start) / 1000).toFixed(0);
  console.log(`${book.problems.length === 0 ? 'ok  ' : 'FAIL'} ${scenario.name}: ${book.times} times, ${seconds} s`);
  book.problems.forEach((problem) => console.log(`     ${problem}`));
  return book;
}

function report(books: Book[]): void {
  const table = new Table({
    head: ['scenario', 'times', 'killed in', 'result'],
    style: { head: [], border: [] },
    wordWrap: true,
    colWidths: [60, 7, 48, 12],
  });
  for (const { scenario, times, killedIn, problems } of books) {
    const killed = Object.entries(killedIn).map(([state, count]) => `${state} ${count}`);
    table.push([scenario, times, killed.join(', '), problems.length === 0 ? 'no harm' : `${problems.length} problems`]);
  }
  const failed = books.filter(({ problems }) => problems.length > 0).length;
  console.log(table.toString());
  console.log(`${books.length - failed} passed, ${failed} failed`);
  process.exitCode = failed === 0 && books.length > 0 ? 0 : 1;
}

/** Carries out some scenarios of a stage in an account of their own. */
async function staged(stage: Stage, chosen: Scenario[], signal: AbortSignal): Promise<Book[]> {
  const stateDir = mkdtempSync(join(tmpdir(), 'release-faults-'));
  const account = await startAccount({ stateDir, clockFactor: stage.clockFactor, signal });
  const books: Book[] = [];
  try {
    const arena = new Arena(account, signal);
    await Promise.all([arena.synthesize(stage.config(arena)), arena.bootstrap()]);
    await arena.deploy();
    await arena.stopClockRules();
    for (const [index, scenario] of chosen.entries()) {
      signal.throwIfAborted();
      console.log(`${index + 1} of ${chosen.length} in this account: ${scenario.name}`);
      books.push(await carriedOut(scenario, arena, signal));
    }
  } finally {
    await account.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
  return books;
}

async function main(): Promise<void> {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => abort.abort(new Error(`Interrupted: ${signal}`)));
  }
  const wanted = process.argv.slice(2).filter((argument) => argument !== '--short');
  const all = !process.argv.includes('--short');
  const books: Book[] = [];
  for (const stage of STAGES) {
    const chosen = stage.scenarios.filter(
      ({ name, short }) => (all || short === true) && (wanted.length === 0 || wanted.some((text) => name.includes(text))),
    );
    if (chosen.length > 0) {
      books.push(...(await staged(stage, chosen, abort.signal)));
    }
  }
  report(books);
}

main().catch((error: Error) => {
  console.error(error.message);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
});
