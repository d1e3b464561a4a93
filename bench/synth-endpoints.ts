import Table from 'cli-table3';
import { installPeers } from './install-peers';
import { byTurns, median, synth, Taken } from './synth-process';

const LIBRARIES = [
  { name: 'ours', app: 'bench/endpoints/ours.ts' },
  { name: '@aws-cdk/aws-sagemaker-alpha', app: 'bench/peers/alpha.mjs' },
  { name: '@cdklabs/generative-ai-cdk-constructs', app: 'bench/peers/generative-ai.mjs' },
];
const COUNTS = [0, 1, 100, 1000];
/** How much more an endpoint may take in the largest app than in the next smaller one: then the cost is linear. */
const LINEAR = 1.2;
/** Findings of the validator are reported, not failed on, because those of a peer are its own. */
const CONTEXT = { '@aws-cdk/core:validateAgainstDefaultRules': false };

/**
 * The same scaled real-time endpoint with this library and with its peers: none, one, and many, each in a stack of its own. Each app has
 * one stack with a topic besides, so that an app without endpoints has loaded the library, the templates' validator and nothing else, our
 * TypeScript compiled; what an endpoint takes is told from there. The libraries make different things of an endpoint: see the resources.
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
  const of: Of = (library, count, what) =>
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
  tellGrowth(of, counts);
}

type Of = (library: string, count: number, what: keyof Taken) => number;

/** Whether an endpoint takes as much in a large app as in a small one, and what each of those takes that the large one has more. */
function tellGrowth(of: Of, counts: number[]): void {
  const [few, many] = counts.slice(-2);
  const head = ['library', 'each', `of ${few}`, `of ${many}`, 'ratio', `each of the last ${many - few}`, `at most ${LINEAR} x`];
  const table = new Table({ head, style: { head: [], border: [] } });
  const costs = [
    { what: 'cpuSeconds', unit: 'ms of CPU', factor: 1000 },
    { what: 'mebibytes', unit: 'KiB', factor: 1024 },
  ] as const;
  for (const { name } of LIBRARIES) {
    for (const { what, unit, factor } of costs) {
      const each = (count: number, from: number) => ((of(name, count, what) - of(name, from, what)) / (count - from)) * factor;
      const ratio = each(many, 0) / each(few, 0);
      const shown = [each(few, 0), each(many, 0)].map((cost) => cost.toFixed(1));
      table.push([name, unit, ...shown, ratio.toFixed(2), each(many, few).toFixed(1), ratio <= LINEAR ? 'yes' : 'NO']);
      process.exitCode = name === 'ours' && ratio > LINEAR ? 1 : process.exitCode;
    }
  }
  console.log(table.toString());
}
