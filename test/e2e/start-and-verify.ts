// The main job from end to end: `npm start -- --keep`, its figures, the printed request, the independent verifier, and mutants of the running
// account that the verifier must tell. One of the tasks of `npm test`, which has the first mutant alone; `npm run mutants` has all five, and is
// the only one that shows that the sections on delivery, predictions, features and the outage turn red.
import { currentAccount, DEFAULT_STATE_DIR } from '../../local/account-state';
import { stopAccount } from '../../local/account-process';
import { isAlive } from '../../local/processes';
import { Checks } from './checks';
import { acceptEverything, alwaysOk, answerConstant, Kept, passEverything, prepareMutants, tellConstant } from './mutants';
import { processTree, PYTHON, run, until, Verdict, verify } from './programs';

const FIGURES = [
  'read 80,790 = valid 80,781 + quarantined 9',
  '500 = 489 labelled + 11 expired',
  'not evaluated: 489 of 1,000 labels',
  'no model yet: the API answered 503',
  'by 8,335 departures on the stream',
  'as in the training data to within 1e-9, the largest difference is 0',
  'average precision 0.439 against 0.342 of the baseline, AUC 0.693 on 27,899 flights of 31 days',
  'average precision 0.514 against 0.383 of the baseline, AUC 0.699 on 27,564 flights of 30 days',
  ...[1, 2, 3].map((version) => `registered as version ${version}`),
  'refused: suspected leak: the area under the ROC curve is 0.7525, plausible is 0.67 to 0.74',
  'none to version 2: released',
  'version 2 to version 3: failed',
  'version 2 serves flight-delays-dev-release-failed told ml-platform in flight-delays-dev-ml-platform-alerts',
  'version 2 to version 3: released',
  '0 changes in',
];

const checks = new Checks();

/** A run that fails leaves nothing running by itself: only an account that was kept is ours to stop. */
async function start(): Promise<string> {
  const { code, output } = await run(process.execPath, ['local/start.mjs', '--keep'], 600);
  checks.that('npm start ends with 0 [W1]', code === 0, () => `it ended with ${code}:\n${output.split('\n').slice(-60).join('\n')}`);
  if (code !== 0) {
    throw new Error('without a kept account there is nothing to verify');
  }
  const plain = output.replaceAll(/[│\s]+/g, ' ');
  for (const figure of FIGURES) {
    checks.that(`it prints '${figure}'`, plain.includes(figure), () => output.split('\n').slice(0, 40).join('\n'));
  }
  return output;
}

/** The command that the run prints for its user. */
async function printedRequest(output: string): Promise<void> {
  const [, command] = /Ask the model yourself:\n\n(curl [\s\S]*?)\n\n/.exec(`${output}\n\n`) ?? [];
  checks.that('it prints a request to try', command !== undefined, () => output.split('\n').slice(-20).join('\n'));
  checks.that('a wrong signature was refused', /wrong signature was answered 403/.test(output), () =>
    output.split('\n').slice(-8).join('\n'),
  );
  if (command === undefined || (await run('sh', ['-c', 'curl --help all | grep -q aws-sigv4'], 20)).code !== 0) {
    console.log('     (no curl with --aws-sigv4 here: the printed request was not tried)');
    return;
  }
  const answer = await run('sh', ['-c', command.replace(/^curl /, 'curl --silent --show-error --noproxy 127.0.0.1 ')], 60);
  checks.that('the printed request gets a prediction', /"late_probability".*"data"/.test(answer.output), () => answer.output);
}

async function unmutated(): Promise<Verdict> {
  const verdict = await verify();
  checks.that('verify:start confirms every figure', verdict.code === 0, () => verdict.output);
  return verdict;
}

/** A verifier that only repeats what it is told would not notice another figure. */
async function doctored(): Promise<void> {
  const { code, output } = await run(PYTHON, ['test/e2e/doctored_report.py'], 420);
  checks.that(
    `each figure of the report, altered alone, turns verify:start red: ${output.trim().split('\n').at(-1)}`,
    code === 0,
    () => output,
  );
}

/** A mutant turns the verifier red in one more section, by the check that is about it, and changes nothing elsewhere. */
async function caught(what: string, section: string, reason: RegExp, before: Verdict): Promise<Verdict> {
  const after = await verify();
  const red = (verdict: Verdict) => Object.keys(verdict.failures).filter((name) => verdict.failures[name].length > 0);
  checks.same(`${what}: verify:start ends with`, after.code, 1);
  checks.same(`${what}: sections that fail`, red(after).sort(), [...new Set([...red(before), section])].sort());
  const others = Object.keys(before.failures).filter((name) => name !== section);
  const changed = others.filter((name) => after.failures[name]?.length !== before.failures[name].length);
  checks.same(`${what}: other sections whose checks changed`, changed, []);
  checks.that(
    `${what}: the check that is about it fails`,
    after.failures[section].some((line) => reason.test(line)),
    () => after.output,
  );
  return after;
}

async function mutants(before: Verdict): Promise<void> {
  const kept = new Kept(DEFAULT_STATE_DIR);
  let verdict = before;
  await checks.part('validator by a constant', async () => {
    checks.same('validator by a constant: valid records of a file with a good and a bad one', await acceptEverything(kept), 2);
    verdict = await caught(
      'validator by a constant',
      'books',
      /^each row's counts are what its records say .*valid is 1, booked 2/,
      verdict,
    );
  });
  if (!process.argv.includes('--all')) {
    return;
  }
  await checks.part('gate by a constant', async () => {
    checks.same('gate by a constant: versions that it registers of a candidate that was refused', await passEverything(kept), 1);
    verdict = await caught('gate by a constant', 'delivery', /^registered versions, in the order of the runs that passed: /, verdict);
  });
  await checks.part('model by a constant', async () => {
    checks.same('model by a constant: its answer', await answerConstant(kept), 0.5);
    verdict = await caught('model by a constant', 'predictions', /^each answer is the model's.*late_probability is 0\.5/, verdict);
  });
  await checks.part('last hour by a constant', async () => {
    checks.same('last hour by a constant: status of a prediction that is told it', await tellConstant(kept), 200);
    verdict = await caught(
      'last hour by a constant',
      'features',
      /^any other prediction keeps .*-ZZ-2-EWR was told 7 of 0 departures/,
      verdict,
    );
  });
  await checks.part('alarm evaluator by a constant', async () => {
    checks.same('alarm evaluator by a constant: states while every request fails', await alwaysOk(kept), ['OK', 'OK']);
    const missed = /^no state that they ask for was missed .*-errors was OK at .* asked for ALARM/;
    await caught('alarm evaluator by a constant', 'outage', missed, verdict);
  });
}

/** `npm run account -- down` leaves no process of the account. */
async function down(pid: number): Promise<void> {
  const processes = [...processTree(pid), new Kept(DEFAULT_STATE_DIR).container().pid];
  const { code, output } = await run('npm', ['run', '--silent', 'account', '--', 'down'], 60);
  checks.that('npm run account -- down ends with 0', code === 0, () => output);
  const left = () => processes.filter(isAlive);
  await until('the end of every process', 10, () => Promise.resolve(left().length === 0 ? true : undefined)).catch(() => undefined);
  checks.same(`none of the account's ${processes.length} processes is left`, left(), []);
  checks.same('no account is kept any more', currentAccount(DEFAULT_STATE_DIR), undefined);
}

async function main(): Promise<void> {
  const other = currentAccount(DEFAULT_STATE_DIR);
  if (other !== undefined) {
    throw new Error(
      `AccountAlreadyRunning: process ${other.pid ?? other.owner} has one: stop it with 'npm run account -- down', then run this again`,
    );
  }
  prepareMutants();
  const output = await start();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => void stopAccount().finally(() => process.exit(130)));
  }
  try {
    await printedRequest(output);
    const verdict = await unmutated();
    await checks.part('doctored report', doctored);
    await mutants(verdict);
    await down(currentAccount(DEFAULT_STATE_DIR)!.pid!);
  } finally {
    await stopAccount();
  }
}

checks.conclude(main);
