import Table from 'cli-table3';
import { installPeers } from './install-peers';
import { byTurns, median, synth, Taken } from './synth-process';

const LIBRARIES = [
  { name: 'ours', app: 'bench/endpoints/ours.ts' },
  { name: '@aws-cdk/aws-sagemaker-alpha', app: 'bench/peers/alpha.mjs' },
  { name: '@cdklabs/generative-ai-cdk-constructs', app: 'bench/peers/generative-ai.mjs' },
];
const COUNTS = [0, 1, 100, 1000];
/** Our loader compiles TypeScript; findings of the validator are reported, not failed on, because those of a peer are its own. */
const CONTEXT = { '@aws-cdk/core:validateAgainstDefaultRules': false };

/**
 * The same scaled real-time endpoint with this library and with its peers: none, one, and many, each in a stack of its own. Each app has
 * one stack with a topic besides, so that an app without endpoints has loaded the library, the templates' validator and nothing else; what
 * an endpoint takes is told from there.
 */
export function benchEndpoints(rounds: number, counts = COUNTS): void {
  installPeers();
  const apps = LIBRARIES.flatMap(({ name, app }) =>
    counts.map((count) => ({
      name: `${name} x ${count}`,
      library: name,
      count,
      rounds: count >= 1000 ? Math.min(rounds, 3) : rounds,
      run: () => synth(app, { context: CONTEXT, env: { ENDPOINTS: String(count) } }),
    })),
  );
  const none = {
    name: 'no library',
    library: 'none',
    count: 0,
    rounds,
    run: () => synth('bench/endpoints/no-library.ts', { context: CONTEXT }),
  };
  apps.unshift(none);
  const runs = byTurns(apps);
  const of = (library: string, count: number, what: keyof Taken) =>
    median(runs[apps.findIndex((app) => app.library === library && app.count === count)].map((run) => run[what]));
  const head = ['library', 'endpoints', 'resources', 'seconds', 's of CPU', 'peak MiB', 'ms of CPU each', 'KiB each'];
  const table = new Table({ head, style: { head: [], border: [] } });
  for (const { library, count } of apps) {
    const more = (what: keyof Taken) => (of(library, count, what) - of(library, 0, what)) / count;
    const each = count === 0 ? ['', ''] : [(more('cpuSeconds') * 1000).toFixed(1), (more('mebibytes') * 1024).toFixed(0)];
    const shown = [
      of(library, count, 'seconds').toFixed(2),
      of(library, count, 'cpuSeconds').toFixed(2),
      of(library, count, 'mebibytes').toFixed(0),
    ];
    table.push([library, count, of(library, count, 'resources'), ...shown, ...each]);
  }
  console.log(table.toString());
}
