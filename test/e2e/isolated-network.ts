// A blueprint with an isolated network in a local account of its own: every stack deploys, every resource is read back, and the default
// security group is closed. One of the tasks of `npm test`, on the dev config with an endpoint that
// scales; the full prod assembly: `npm run network -- config/prod.yaml`
import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeSecurityGroupsCommand, DescribeVpcsCommand, EC2Client } from '@aws-sdk/client-ec2';
import { Account, startAccount } from '../../local/account';
import { clientsFor, CREDENTIALS } from '../../local/start/clients';
import { bootstrap, checkDeployment, deploy, DeploymentOptions, synthesize } from '../../local/start/deployment';
import { isolatedConfig } from '../support/isolated-config';
import { Checks } from './checks';

const checks = new Checks();

/** The default security groups of the networks that were deployed, by the account's own API. */
async function defaultGroups(url: string) {
  const ec2 = new EC2Client({ endpoint: url, region: 'us-east-1', credentials: CREDENTIALS });
  const { Vpcs = [] } = await ec2.send(new DescribeVpcsCommand({}));
  const ours = Vpcs.filter(({ IsDefault }) => IsDefault !== true).map(({ VpcId }) => VpcId);
  const { SecurityGroups = [] } = await ec2.send(new DescribeSecurityGroupsCommand({}));
  return SecurityGroups.filter(({ GroupName, VpcId }) => GroupName === 'default' && ours.includes(VpcId));
}

async function deployed(account: Account, config: string, signal: AbortSignal): Promise<void> {
  const options: DeploymentOptions = { account, config, signal, say: () => undefined };
  await synthesize(options, { months: [1, 1], seed: 0, clockFactor: account.clockFactor, steps: [] });
  await bootstrap(options);
  await deploy(options);
  const read = await checkDeployment(clientsFor(account.url), options);
  checks.that(`all of its ${read} resources are read back from their own services [L2]`, read > 200);
  const groups = await defaultGroups(account.url);
  checks.same('networks with a default security group', groups.length, 1);
  const rules = groups.flatMap(({ IpPermissions = [], IpPermissionsEgress = [] }) => [...IpPermissions, ...IpPermissionsEgress]);
  checks.same('rules of the default security group, which the CDK has taken away', rules, []);
}

async function main(): Promise<void> {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => abort.abort(new Error(`Interrupted: ${signal}`)));
  }
  const folder = mkdtempSync(join(tmpdir(), 'isolated-network-'));
  try {
    const config = process.argv[2] ?? isolatedConfig(folder);
    const account = await startAccount({ stateDir: join(folder, 'state'), signal: abort.signal });
    await checks.part(`${process.argv[2] ?? 'dev with an isolated network'} deploys [N1]`, () => deployed(account, config, abort.signal));
    await account.stop();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
}

checks.conclude(main);
