// `npm run bench:synth [blueprint|endpoints] [rounds]`: time and memory of a synth, in processes of their own, run by turns; medians of several.
import Table from 'cli-table3';
import { chosenIn, roundsIn } from './arguments';
import { benchEndpoints } from './synth-endpoints';
import { byTurns, median, synth } from './synth-process';

const given = process.argv.slice(2).filter((one) => Number.isNaN(Number(one)));
const ROUNDS = roundsIn(
  process.argv.slice(2).find((one) => !Number.isNaN(Number(one))),
  7,
);

/** The blueprint beside an empty app. */
function benchBlueprint(): void {
  const apps = [
    { name: 'empty app', rounds: ROUNDS, run: () => synth('bench/empty-app.ts') },
    { name: 'blueprint, dev', rounds: ROUNDS, run: () => synth('bin/app.ts', { context: { config: 'config/dev.yaml' } }) },
    { name: 'blueprint, prod', rounds: ROUNDS, run: () => synth('bin/app.ts', { context: { config: 'config/prod.yaml' } }) },
  ];
  const runs = byTurns(apps);
  const base = median(runs[0].map(({ seconds }) => seconds));
  const head = ['synth', 'seconds (median)', 'min', 'max', 'of the empty app', 's of CPU', 'peak MiB'];
  const table = new Table({ head, style: { head: [] } });
  apps.forEach(({ name }, i) => {
    const times = runs[i].map(({ seconds }) => seconds);
    const shown = [median(times), Math.min(...times), Math.max(...times)].map((seconds) => seconds.toFixed(2));
    const cpu = median(runs[i].map((run) => run.cpuSeconds)).toFixed(2);
    table.push([name, ...shown, `${(median(times) / base).toFixed(2)} x`, cpu, median(runs[i].map((run) => run.mebibytes)).toFixed(0)]);
  });
  console.log(table.toString());
}

const ALL: [string, () => void][] = [
  ['blueprint', benchBlueprint],
  ['endpoints', () => benchEndpoints(ROUNDS)],
];
chosenIn(ALL, given[0]).forEach(([, bench]) => bench());
