// `npm run measure:local`: deploys the blueprint into a local account, releases a version of `delay`, measures its capacity with `npm run measure`
// on flights of April, and deploys the blueprint with autoscaling from the file [A2, M3]. What follows `--` is for the command: on a machine that does
// other things too, `-- --max-rate 30`. Last line: `N passed, N failed`.
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { aprilTraffic } from '../../examples/flight-delays/traffic';
import { startAccount } from '../../local/account';
import { MeasuredCapacity } from '../../lib';
import { run } from './programs';
import { Arena, PREFIX } from './release-faults/arena';

const MINUTES = 30;

async function measured(arena: Arena, folder: string, env: Record<string, string>): Promise<string> {
  const world = await arena.world();
  const version = await world.register();
  await world.approve(version);
  await world.served(version);
  const [requests, output] = [join(folder, 'requests.jsonl'), join(folder, 'delay.json')];
  writeFileSync(requests, (await aprilTraffic()).map(({ request }) => JSON.stringify(request)).join('\n'));
  const args = [
    'run',
    '--silent',
    'measure',
    '--',
    'delay',
    '--request',
    requests,
    '--output',
    output,
    '--max-minutes',
    String(MINUTES),
    ...process.argv.slice(2),
  ];
  const ended = await run('env', [...Object.entries(env).map(([name, value]) => `${name}=${value}`), 'npm', ...args], (MINUTES + 1) * 60);
  console.log(ended.output);
  if (ended.code !== 0) {
    throw new Error(`the command ended with ${ended.code}`);
  }
  return output;
}

async function main(): Promise<void> {
  const abort = new AbortController();
  for (const signal of ['SIGINT', 'SIGTERM'] as const) {
    process.once(signal, () => abort.abort(new Error(`Interrupted: ${signal}`)));
  }
  const stateDir = mkdtempSync(join(tmpdir(), 'measured-capacity-'));
  const account = await startAccount({ stateDir, clockFactor: 240, signal: abort.signal });
  try {
    const arena = new Arena(account, abort.signal);
    await Promise.all([arena.synthesize('config/dev.yaml'), arena.bootstrap()]);
    await arena.deploy();
    await arena.stopClockRules();
    const file = await measured(arena, stateDir, account.env);
    const capacity = MeasuredCapacity.fromFile(file);
    await arena.redeploy(
      arena.config('autoscaled', (document) => document.setIn(['endpoints', 'delay', 'scaling'], { min: 1, max: 2, capacity: file })),
    );
    console.log(`${PREFIX}-delay scales on ${capacity.requestsPerSecondPerInstance} requests per second and instance of ${capacity.model}`);
    console.log('1 passed, 0 failed');
  } finally {
    await account.stop();
    rmSync(stateDir, { recursive: true, force: true });
  }
}

main().catch((error: Error) => {
  console.error(error.message);
  console.log('0 passed, 1 failed');
  process.exitCode = 1;
});
