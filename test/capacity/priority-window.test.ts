import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { ReplayResult } from '../../capacity/cli/replay';
import { replayCommand } from '../../capacity/cli/replay-command';
import { profileNamed } from '../../capacity/profiles/profile';
import { classicalModel } from '../../capacity/simulator/service-model';
import { Simulation } from '../../capacity/simulator/simulation';
import { runs } from '../support/property-runs';
import { NaiveRequest } from './naive-server';
import { endpointOf, ListSource } from './support';

/** When one worker has answered each request, by a queue that is searched through each time it is free. */
function answered(requests: readonly NaiveRequest[], window: number): number[] {
  const waiting = requests.map((request, index) => ({ ...request, index }));
  const ends: number[] = [];
  for (let now = 0; waiting.length > 0;) {
    now = Math.max(now, Math.min(...waiting.map(({ at }) => at)));
    const here = waiting.filter(({ at }) => at <= now);
    const newest = Math.max(...here.map(({ at }) => Math.floor(at / window)));
    const next = here.find(({ at }) => Math.floor(at / window) === newest)!;
    waiting.splice(waiting.indexOf(next), 1);
    ends[next.index] = now += next.output;
  }
  return ends;
}

test('of requests that wait the newest window is served first, and in order within, as a queue computed by hand has it', () => {
  const request = fc.record({ gap: fc.integer({ min: 1, max: 8 }), output: fc.integer({ min: 1, max: 9 }) });
  const limits = { window: fc.integer({ min: 1, max: 30 }), bound: fc.integer({ min: 1, max: 40 }) };
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 60 }), fc.record(limits), (all, { window, bound }) => {
      // None comes just when the worker gets free, and none is answered just at the bound.
      let at = 0;
      const requests = all.map(({ gap, output }) => ({ at: (at += gap + 0.001), prompt: 0, output }));
      const [latencySeconds, missed] = [bound + 0.25, [] as number[]];
      const endpoint = endpointOf({ service: classicalModel(1), priorityWindowSeconds: window, objective: { latencySeconds } });
      const onJudged = (arrivedAt: number, late: boolean) => (late ? missed.push(arrivedAt) : undefined);
      new Simulation(endpoint, { seed: 1, onJudged }).run(new ListSource(requests));
      const ends = answered(requests, window);
      const late = requests.filter((one, index) => ends[index] - one.at > latencySeconds);
      expect(missed.sort((a, b) => a - b)).toEqual(late.map((one) => one.at));
    }),
    { numRuns: runs(200) },
  );
});

test('in an overload the surplus misses, not everybody', () => {
  // 1.25 requests a second for ten minutes where one is served, then quiet until all are.
  const requests = Array.from({ length: 750 }, (_, index) => ({ at: index * 0.8, prompt: 0, output: 1 }));
  const missed = (priorityWindowSeconds?: number) =>
    new Simulation(endpointOf({ service: classicalModel(1), priorityWindowSeconds, objective: { latencySeconds: 5 } }), { seed: 1 }).run(
      new ListSource(requests),
    ).outcome.missed;
  expect(missed()).toBeGreaterThan(700);
  // A fifth is more than is served; of each window the last wait for those before them, too.
  expect(missed(10)).toBeGreaterThan(140);
  expect(missed(10)).toBeLessThan(200);
});

test('a window that none leaves is the order of arrival, to the last bit where no prompts are read', () => {
  const requests = Array.from({ length: 200 }, (_, index) => ({ at: index * 0.7, prompt: 0, output: 1 + (index % 3) }));
  const of = (priorityWindowSeconds?: number) =>
    JSON.stringify(
      new Simulation(endpointOf({ service: classicalModel(2), priorityWindowSeconds }), { seed: 1 }).run(new ListSource(requests)),
    );
  expect(of(1e6)).toBe(of());
});

test.each(['ml.g5.2xlarge', 'ml.g6e.xlarge', 'ml.p5.48xlarge'])('such a window costs a language model on %s no time', (type) => {
  const { service } = profileNamed(`llama-3-8b@${type}`);
  const requests = Array.from({ length: 1500 }, (_, index) => ({
    at: index * 1e-3,
    prompt: 257 + (index % 300),
    output: 1 + (index % 40),
  }));
  const of = (priorityWindowSeconds?: number) =>
    new Simulation(endpointOf({ service, priorityWindowSeconds }), { seed: 1 }).run(new ListSource(requests)).seconds;
  expect(Math.abs(of(1e6) / of() - 1)).toBeLessThan(0.01);
});

test('a request that comes just when a window begins is of that window', () => {
  // The worker is busy until 5; of those that wait the two of the window from 2 on come first, in order.
  const requests = [0, 1, 2, 3].map((at) => ({ at, prompt: 0, output: at === 0 ? 5 : 1 }));
  const late: number[] = [];
  const objective = { latencySeconds: 5.5 };
  const endpoint = endpointOf({ service: classicalModel(1), priorityWindowSeconds: 2, objective });
  new Simulation(endpoint, { seed: 1, onJudged: (at, missed) => (missed ? late.push(at) : 0) }).run(new ListSource(requests));
  // Answers come at 5, 6 (of 2), 7 (of 3) and 8 (of 1).
  expect(late).toEqual([1]);
});

test('a request joins its window at once, however many wait there', () => {
  const requests = (count: number) => Array.from({ length: count }, (_, index) => ({ at: index * 1e-4, prompt: 0, output: 1e-5 }));
  let looked = 0;
  const floor = jest.spyOn(Math, 'floor');
  for (const count of [1000, 4000]) {
    floor.mockClear();
    new Simulation(endpointOf({ service: classicalModel(1), priorityWindowSeconds: 600 }), { seed: 1 }).run(
      new ListSource([{ at: 0, prompt: 0, output: 1 }, ...requests(count)]),
    );
    looked = Math.max(looked, floor.mock.calls.length / count);
  }
  floor.mockRestore();
  expect(looked).toBeLessThan(10);
});

/** One instance of a small GPU that gets more for a while than it serves. */
const OVERLOADED = [
  '--trace',
  rising(),
  '--profile',
  'llama-3-8b@ml.g5.2xlarge',
  '--policy',
  'fixed:1',
  '--initial',
  '1',
  '--token-ms',
  '1000',
  '--json',
];

function rising(): string {
  const times = Array.from({ length: 900 }, (_, place) => (place < 300 ? place * 3 : 900 + (place - 300) * 0.6));
  const lines = times.map((at) => `${new Date(at * 1000).toISOString().replace('Z', '')},2000,40`);
  const path = join(mkdtempSync(join(tmpdir(), 'window-')), 'rising.csv');
  writeFileSync(path, ['TIMESTAMP,ContextTokens,GeneratedTokens', ...lines].join('\n'));
  return path;
}

function replayed(...more: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = replayCommand([...OVERLOADED, ...more], { write: (text) => out.push(text) }, { write: (text) => err.push(text) });
  return { code, err: err.join(''), result: out.length === 0 ? undefined : (JSON.parse(out.join('')) as ReplayResult) };
}

test('a replay by windows misses less of an overload, and says what it was', () => {
  const [plain, windows, small] = [[], ['--priority-window', '6'], ['--chunk-tokens', '256']].map((more) => replayed(...more).result!);
  expect(plain).toMatchObject({ priorityWindowSeconds: null, chunkTokens: 512 });
  expect(windows).toMatchObject({ priorityWindowSeconds: 6, chunkTokens: 512, requests: 900, dropped: 0 });
  expect(small).toMatchObject({ priorityWindowSeconds: null, chunkTokens: 256 });
  expect(windows.missed).toBeLessThan(0.7 * plain.missed);
  expect(small.latencySeconds.p50).not.toBe(plain.latencySeconds.p50);
});

test.each([
  [['--priority-window', '0'], "--priority-window must be a number from 1 to 600, got '0'"],
  [['--chunk-tokens', '1000'], "--chunk-tokens must be a whole number from 16 to 512, got '1000'"],
  [['--asynchronous', '4', '--within', '60', '--priority-window', '6'], '--priority-window is of an endpoint that answers at once'],
])('%j is refused', (more, problem) => {
  const { code, err } = replayed(...more);
  expect([code, err]).toEqual([2, expect.stringContaining(problem)]);
});

test('the result for people says how the servers work, where that is not as usual', () => {
  const told = (...more: string[]) => {
    const out: string[] = [];
    replayCommand([...OVERLOADED.filter((one) => one !== '--json'), ...more], { write: (text) => out.push(text) }, { write: () => 0 });
    return out.join('');
  };
  const lines = ['served       by windows of 6 s, the newest first', 'prompts      in chunks of 256 tokens at most'];
  expect(lines.map((line) => told('--priority-window', '6', '--chunk-tokens', '256').includes(line))).toEqual([true, true]);
  expect(lines.map((line) => told().includes(line.slice(0, 12)))).toEqual([false, false]);
});

test('the default leaves a fleet whose late requests wait nearer to what it serves', () => {
  const { plan } = replayed('--policy', 'default', '--priority-window', '6').result!;
  expect(plan.policies[0].kind === 'Step' && plan.policies[0].metric).toMatchObject({ tolerance: 1.25 });
});
