import { rmSync } from 'node:fs';
import { join } from 'node:path';
import type { Account } from '../account';
import { LOCAL_ACCOUNT } from '../account-environment';
import { assemblyCoverage, CoverageClass } from '../coverage';
import { readBack, readBackProblems } from '../readback';
import { Clients, stackNames } from './clients';
import { CommandOptions, runCommand } from './commands';
import type { Figures } from './figures';

const ROOT = join(__dirname, '../..');
const CDK = join(ROOT, 'node_modules/aws-cdk/bin/cdk');

export interface DeploymentOptions {
  readonly account: Account;
  readonly config: string;
  readonly signal: AbortSignal;
  readonly say: (text: string) => void;
}

const assemblyOf = (account: Account) => join(account.stateDir, 'cdk.out');

const options = ({ account, signal }: DeploymentOptions, log: string): CommandOptions => ({
  cwd: ROOT,
  env: account.env,
  logFile: join(account.stateDir, `${log}.log`),
  signal,
});

/** Bundles the handlers and synthesizes the very assembly that `cdk deploy` would send to AWS; every type must be in coverage.json. */
export async function synthesize(deployment: DeploymentOptions, figures: Figures): Promise<void> {
  const { account, config, say } = deployment;
  rmSync(assemblyOf(account), { recursive: true, force: true });
  say('bundling the handlers');
  await runCommand(process.execPath, [join(ROOT, 'scripts/build-handlers.mjs'), '--if-changed'], options(deployment, 'handlers'));
  say('cdk synth');
  await runCommand(
    process.execPath,
    [CDK, 'synth', '--quiet', '-c', `config=${config}`, '-o', assemblyOf(account)],
    options(deployment, 'synth'),
  );
  const used = assemblyCoverage(assemblyOf(account));
  const classes: CoverageClass[] = ['real', 'bridged', 'modelled', 'stub', 'absent'];
  figures.coverage = classes.map((name) => {
    const types = used.filter((type) => type.class === name);
    return { class: name, types: types.length, resources: types.reduce((sum, { count }) => sum + count, 0) };
  });
}

/** Prepares the account as anybody prepares one for the CDK. */
export async function bootstrap(deployment: DeploymentOptions): Promise<void> {
  deployment.say('cdk bootstrap');
  const target = `aws://${LOCAL_ACCOUNT.account}/${LOCAL_ACCOUNT.region}`;
  await runCommand(process.execPath, [CDK, 'bootstrap', target, '--app', '', '--no-notices'], options(deployment, 'bootstrap'));
}

/** Deploys all stacks with the stock CLI. */
export async function deploy(deployment: DeploymentOptions): Promise<void> {
  const args = [
    'deploy',
    '--all',
    '--app',
    assemblyOf(deployment.account),
    '--concurrency',
    '4',
    '--method',
    'direct',
    '--asset-parallelism',
  ];
  const quiet = ['--require-approval', 'never', '--progress', 'events', '--no-notices'];
  await runCommand(process.execPath, [CDK, ...args, ...quiet], {
    ...options(deployment, 'deploy'),
    line: (text) => {
      const event = /^(\S+) \| .*\| (\S+_(?:COMPLETE|FAILED|IN_PROGRESS)) +\| (\S+) +\| (.+)$/.exec(text);
      if (event !== null) {
        deployment.say(`${event[1]}: ${event[2]} ${event[4].trim()}`);
      }
    },
  });
}

/** Asks each service for what CloudFormation says is there. Errors: a resource that its own service does not have. */
export async function checkDeployment(clients: Clients, { account }: Pick<DeploymentOptions, 'account'>): Promise<number> {
  const report = await readBack(account, await stackNames(clients));
  const problems = readBackProblems(report);
  if (problems.length > 0) {
    throw new Error(problems.join('\n'));
  }
  return report.read;
}
