// `npm run bench:capacity`: events a second of the capacity simulator on one core, the time of a trace of 14 days, and the memory by its length.
import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { replay } from '../capacity/cli/replay';
import { DEFAULT_OBJECTIVE } from '../capacity/profiles/objective';

const TRACE = join(__dirname, '..', 'capacity/traces/servegen/deepseek-r1-rates.csv');
/** Of a file of rates for one day; 14 rounds of it are 5 million requests. */
const RATE = 4.134;
const DAYS = [1, 2, 14];
const RUNS = 3;

interface Run {
  readonly requests: number;
  readonly events: number;
  /** By the clock on the wall, and of the processor. */
  readonly seconds: number;
  readonly cpuSeconds: number;
  readonly peakMib: number;
}

/** Each run in a process of its own: the peak of its memory is that of the whole process. */
function measured(days: number): Run {
  return JSON.parse(execFileSync(process.execPath, ['--import', 'tsx', __filename, String(days)], { encoding: 'utf8' }));
}

function one(days: number): Run {
  const started = performance.now();
  const before = process.cpuUsage();
  const { requests, events } = replay({
    trace: TRACE,
    meanRate: RATE,
    rounds: days,
    profile: 'llama-3-8b@ml.g6e.xlarge',
    policy: 'default',
    bootSeconds: 307,
    routing: 'leastOutstanding',
    objective: DEFAULT_OBJECTIVE,
    seed: 1,
  });
  const { user, system } = process.cpuUsage(before);
  const seconds = (performance.now() - started) / 1000;
  return { requests, events, seconds, cpuSeconds: (user + system) / 1e6, peakMib: process.resourceUsage().maxRSS / 1024 };
}

function main(): void {
  for (const days of DAYS) {
    const runs = Array.from({ length: RUNS }, () => measured(days)).sort((a, b) => a.cpuSeconds - b.cpuSeconds);
    const { requests, events, seconds, cpuSeconds, peakMib } = runs[(RUNS - 1) / 2];
    console.log(
      `${days} day${days > 1 ? 's' : ''}: ${requests} requests, ${events} events; ${seconds.toFixed(1)} s, of the processor ${cpuSeconds.toFixed(1)} s: ` +
        `${(events / cpuSeconds / 1e6).toFixed(2)} M events a second; peak memory ${peakMib.toFixed(0)} MiB`,
    );
  }
}

const [days] = process.argv.slice(2);
if (days === undefined) {
  main();
} else {
  console.log(JSON.stringify(one(Number(days))));
}
