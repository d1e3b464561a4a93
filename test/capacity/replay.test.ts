import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replayCommand } from '../../capacity/cli/replay-command';
import { defaultBacklogPolicy, fixedPolicy, heldAt, initialAt } from '../../capacity/policies/default-policy';
import { readPolicyFile } from '../../capacity/policies/policy-file';
import { alone } from '../../capacity/profiles/objective';
import { profileNamed } from '../../capacity/profiles/profile';
import { variantPlan } from '../../lib/constructs/serving/scaling/policy';
import { Simulation } from '../../capacity/simulator/simulation';
import { oneInstance } from '../../capacity/validation/queueing';
import { ListSource } from './support';

const folder = mkdtempSync(join(tmpdir(), 'replay-'));
const rates = join(__dirname, '../../capacity/traces/servegen/deepseek-r1-rates.csv');
const PROFILE = 'llama-3-8b@ml.g6e.xlarge';

function file(name: string, content: string): string {
  const path = join(folder, name);
  writeFileSync(path, content);
  return path;
}

/** A recorded trace of a request each half second for so many seconds. */
function recorded(seconds: number, tokens: (place: number) => string = () => '500,60'): string {
  const lines = Array.from(
    { length: seconds * 2 },
    (_, place) => `${new Date(place * 500).toISOString().replace('Z', '')},${tokens(place)}`,
  );
  return file(`${seconds}.csv`, ['TIMESTAMP,ContextTokens,GeneratedTokens', ...lines].join('\n'));
}

function command(args: string[], isTTY = false) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = replayCommand(args, { write: (text) => out.push(text) }, { write: (text) => err.push(text), isTTY });
  return { code, out: out.join(''), err: err.join('') };
}

const replayed = (args: string[]) => JSON.parse(command([...args, '--json']).out);

test('the result for machines has what it promises, and adds up', () => {
  const result = replayed(['--trace', recorded(1800), '--profile', PROFILE, '--policy', 'default', '--boot', '307', '--seed', '3']);
  expect(result).toMatchObject({
    profile: PROFILE,
    policy: 'default',
    bootSeconds: 307,
    seed: 3,
    requests: 3600,
    dropped: 0,
    initialInstances: 2,
  });
  expect(result.missRatio).toBe(result.missed / 3600);
  expect(result.usd).toBeCloseTo(result.gpuHours * 2.61, 9);
  expect(result.gpuHours).toBeGreaterThanOrEqual(0.999);
  expect(result.lowerBoundGpuHours).toBeGreaterThan(0);
  expect(result.lowerBoundGpuHours).toBeLessThan(result.gpuHours);
  for (const { p50, p95, p99 } of [result.timeToFirstTokenSeconds, result.latencySeconds]) {
    expect(p50 <= p95 && p95 <= p99 && p50 > 0).toBe(true);
  }
  expect(Object.keys(result)).toEqual(expect.arrayContaining(['scaleOuts', 'scaleIns', 'plan', 'measuredRequestsPerSecond', 'events']));
});

test('equal seeds give equal bytes, another seed does not', () => {
  const args = (seed: string) => ['--trace', rates, '--mean-rps', '0.3', '--profile', PROFILE, '--seed', seed, '--json'];
  expect(command(args('1')).out).toBe(command(args('1')).out);
  expect(command(args('1')).out).not.toBe(command(args('2')).out);
});

test('a file of rates has the rate that is asked for and the tokens of the trace that is named', () => {
  const result = replayed(['--trace', rates, '--mean-rps', '0.5', '--lengths', recorded(60), '--rounds', '2', '--profile', PROFILE]);
  expect(Math.abs(result.requests / (0.5 * 2 * 86_400) - 1)).toBeLessThan(0.05);
  const single = replayed(['--trace', recorded(60), '--profile', PROFILE, '--policy', 'fixed:1']);
  expect(result.lowerBoundGpuHours / result.requests).toBeCloseTo(single.lowerBoundGpuHours / single.requests, 9);
});

test('a rising load makes the default policy go out, and a plan of one instance misses what that serves', () => {
  const lines = Array.from({ length: 20_000 }, (_, place) => {
    const at = place < 600 ? place * 1000 : 600_000 + (place - 600) * 100;
    return `${new Date(at).toISOString().replace('Z', '')},500,60`;
  });
  const trace = file('rising.csv', ['TIMESTAMP,ContextTokens,GeneratedTokens', ...lines].join('\n'));
  const scaled = replayed(['--trace', trace, '--profile', 'llama-3-8b@ml.g6.xlarge', '--min', '1', '--initial', '1']);
  const fixed = replayed(['--trace', trace, '--profile', 'llama-3-8b@ml.g6.xlarge', '--policy', 'fixed:1']);
  expect(scaled.scaleOuts).toBeGreaterThan(0);
  expect(scaled.mostInstances).toBeGreaterThan(1);
  expect(fixed.scaleOuts).toBe(0);
  expect(scaled.missRatio).toBeLessThan(fixed.missRatio);
});

test('an unknown price is none', () => {
  expect(replayed(['--trace', recorded(60), '--profile', 'llama-3-8b@ml.p4de.24xlarge', '--policy', 'fixed:1']).usd).toBeNull();
});

test('on a terminal the share that is done is told and wiped away again; elsewhere nothing is', () => {
  const args = ['--trace', rates, '--mean-rps', '1', '--profile', PROFILE];
  const shown = command(args, true).err;
  expect(shown).toContain('replay: ');
  expect(shown.endsWith('\r\u001b[K')).toBe(true);
  const quiet = command(args);
  expect([quiet.err, quiet.code]).toEqual(['', 0]);
  expect(quiet.out).toContain('GPU-hours');
});

test('help tells every option', () => {
  const { out, code } = command(['--help']);
  expect(code).toBe(0);
  for (const option of [
    'trace',
    'profile',
    'policy',
    'boot',
    'seed',
    'json',
    'mean-rps',
    'lengths',
    'rounds',
    'min',
    'max',
    'initial',
    'routing',
  ]) {
    expect(out).toContain(`--${option}`);
  }
});

const good = { kind: 'TargetTracking', name: 'a', metric: 'SageMakerVariantInvocationsPerInstance', target: 70 };
const plan = (changes: object) => JSON.stringify({ min: 1, max: 4, policies: [good], ...changes });

test.each([
  ['an unknown key', plan({ polices: [] }), "'the plan' has no key 'polices': did you mean 'policies'?"],
  ['an unknown key of a policy', plan({ policies: [{ ...good, targt: 1 }] }), "'policies.0' has no key 'targt': did you mean 'target'?"],
  ['a target of 0', plan({ policies: [{ ...good, target: 0 }] }), "'policies.0.target'"],
  ['another kind', plan({ policies: [{ ...good, kind: 'Predictive' }] }), "'policies.0.kind'"],
  ['limits that are swapped', plan({ max: 0.5 }), "'max'"],
  ['a minimum above the maximum', plan({ min: 5 }), "'max': must not be below min"],
  ['no JSON', '{', 'the file is not JSON'],
])('fails on a policy file with %s', (_, content, message) => {
  const { code, err } = command(['--trace', recorded(60), '--profile', PROFILE, '--policy', file('policy.json', content)]);
  expect(code).toBe(1);
  expect(err).toContain('InvalidPolicyFile: ');
  expect(err).toContain(message);
});

test('a policy file has the cool-downs of AWS where it gives none, and runs', () => {
  const path = file('policy.json', plan({}));
  expect(readPolicyFile(path).policies[0]).toMatchObject({ scaleOutCooldownSeconds: 300, scaleInCooldownSeconds: 300 });
  expect(replayed(['--trace', recorded(600), '--profile', PROFILE, '--policy', path]).plan).toEqual(readPolicyFile(path));
});

test.each([
  [
    'an unsorted trace',
    ['--trace', file('unsorted.csv', 'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,1\n2023-11-16 18:15:45,1,1')],
    'sort the trace by time',
  ],
  ['an empty trace', ['--trace', file('empty.csv', 'TIMESTAMP,ContextTokens,GeneratedTokens\n')], 'the trace has no request'],
  [
    'no tokens',
    ['--trace', file('zero.csv', 'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,0,1')],
    "'ContextTokens' must be a whole number from 1, got 0",
  ],
  [
    'negative tokens',
    ['--trace', file('less.csv', 'TIMESTAMP,ContextTokens,GeneratedTokens\n2023-11-16 18:15:46,1,-1')],
    "'GeneratedTokens' must be a whole number from 1, got -1",
  ],
  ['no file', ['--trace', join(folder, 'none.csv')], 'InvalidTrace: there is no file'],
  ['a file of another kind', ['--trace', file('other.csv', 'a,b\n1,2')], "InvalidTrace: line 1: the first line must be 'TIMESTAMP"],
  ['an option of rates for a recorded trace', ['--trace', recorded(60), '--mean-rps', '3'], '--mean-rps is for files of rates'],
  [
    'an unknown profile',
    ['--trace', recorded(60), '--profile', 'llama-3-8b@ml.g5.3xlarge'],
    "UnknownProfile: instance type 'ml.g5.3xlarge' is not profiled: did you mean",
  ],
  ['another policy', ['--trace', recorded(60), '--policy', 'best'], "InvalidPolicy: 'best' is none of default, fixed:N"],
  ['no such policy file', ['--trace', recorded(60), '--policy', 'none.json'], 'InvalidPolicyFile: there is no file'],
  [
    'limits for a policy that has its own',
    ['--trace', recorded(60), '--policy', 'fixed:2', '--min', '1'],
    "--min and --max are for the policy 'default'",
  ],
  ['limits that are swapped', ['--trace', recorded(60), '--min', '3', '--max', '2'], '--min 3 is above --max 2'],
])('fails on %s, with exit code 1', (_, args, message) => {
  const { code, err, out } = command([...(args.includes('--profile') ? [] : ['--profile', PROFILE]), ...args]);
  expect([code, out]).toEqual([1, '']);
  expect(err).toContain(message);
});

test('fails on an objective that no fleet can meet, and says which requests make it impossible', () => {
  const trace = recorded(600, (place) => (place % 50 === 7 ? '12000,50' : '500,50'));
  const { code, err } = command(['--trace', trace, '--profile', 'llama-3-8b@ml.g5.xlarge']);
  expect(code).toBe(1);
  expect(err).toContain(
    'ImpossibleObjective: 24 of 1200 requests miss it on any fleet, more than 1 %: the first, at 3.5 s with a prompt of 12000 tokens',
  );
  const slow = command(['--trace', recorded(60), '--profile', 'llama-3-8b@ml.g5.xlarge', '--token-ms', '20']);
  expect(slow.err).toContain('120 of 120 requests miss it on any fleet');
});

test('what a request takes alone is what the simulator takes for it', () => {
  const { service } = profileNamed(PROFILE);
  for (const [prompt, output] of [
    [100, 1],
    [1155, 211],
    [14_000, 600],
  ]) {
    const { outcome } = new Simulation(oneInstance(service), { seed: 1 }).run(new ListSource([{ at: 0, prompt, output }]));
    const { firstToken, token } = alone(service, prompt, output);
    expect(outcome.firstToken.mean).toBeCloseTo(firstToken, 6);
    expect(outcome.latency.mean).toBeCloseTo(firstToken + token * (output - 1), 4);
  }
});

test.each([
  [[], '--trace is missing; --profile is missing'],
  [['--trace', 'a', '--profile', 'b', '--boot', '0'], "--boot must be a number from 1 to 7200, got '0'"],
  [['--trace', 'a', '--profile', 'b', '--seed', '1.5'], "--seed must be a whole number from 0 to 2147483647, got '1.5'"],
  [['--trace', 'a', '--profile', 'b', '--routing', 'best'], "--routing must be random or leastOutstanding, got 'best'"],
  [['--tarce', 'a'], "Unknown option '--tarce'"],
  [['--trace', 'a', '--profile', 'b', '--within', '60'], '--within is of an asynchronous endpoint: give --asynchronous too'],
  [
    ['--trace', 'a', '--profile', 'b', '--asynchronous', '4', '--token-ms', '50', '--min', '0'],
    '--token-ms is of an endpoint that answers at once: leave it out with --asynchronous; --within is missing: an asynchronous endpoint promises the whole answer',
  ],
  [['--trace', 'a', '--profile', 'b', '--min', '0'], "--min must be a whole number from 1 to 1000, got '0'"],
])('fails on the command line %j with the usage and exit code 2', (args, message) => {
  const { code, err } = command(args);
  expect(code).toBe(2);
  expect(err).toContain(`InvalidOption: `);
  expect(err).toContain(message);
  expect(err).toContain('Usage: npm run capacity -- replay');
});

test('an asynchronous endpoint is replayed with the policies of its construct: nothing is refused, and whole answers are what is promised', () => {
  const result = replayed([
    '--trace',
    recorded(600),
    '--profile',
    PROFILE,
    '--asynchronous',
    '4',
    '--within',
    '120',
    '--initial',
    '0',
    '--boot',
    '60',
  ]);
  expect(result).toMatchObject({ asynchronous: 4, objective: { latencySeconds: 120 }, dropped: 0, initialInstances: 0 });
  expect(result.plan).toEqual(defaultBacklogPolicy(result.measuredRequestsPerSecond, 120, { min: 0, max: 100 }));
  expect(result.timeToFirstTokenSeconds).toEqual(result.latencySeconds);
  // The first waits for its minute, two of publication, a reaction of ten seconds and the boot.
  expect(result.latencySeconds.p99).toBeGreaterThan(240);
  // Four at once on one instance do not serve two a second at this speed, so it had to grow.
  expect(result.mostInstances).toBeGreaterThan(1);
});

test('a whole answer that takes longer than promised on an idle instance is impossible, and says how long it takes', () => {
  const long = recorded(60, () => '500,12000');
  const { err } = command(['--trace', long, '--profile', PROFILE, '--asynchronous', '1', '--within', '60']);
  expect(err).toMatch(/ImpossibleObjective: 120 of 120 requests .* for each other, so \d+ ms \(allowed: 60000\), when it is alone/);
  expect(err).not.toContain('Infinity');
});

test('fails on a policy file whose metric is published at another pace', () => {
  const metric = { requestsPerSecond: 1, spare: 0, publishedEverySeconds: 20 };
  const step = { kind: 'Step', name: 'a', metric, threshold: 0.5, periods: 1, periodSeconds: 60, steps: [{ from: 0, change: 1 }] };
  const { err } = command(['--trace', recorded(60), '--profile', PROFILE, '--policy', file('policy.json', plan({ policies: [step] }))]);
  expect(err).toContain("'policies.0.metric.publishedEverySeconds': must be 10, 30 or 60");
});

test('a run begins with the instances that its policy holds at the first rate', () => {
  const tracked = variantPlan({ min: 1, max: 10, measured: { requestsPerSecond: 2 }, dimensions: {} });
  expect([0.1, 3.5, 100].map((rate) => heldAt(tracked, rate))).toEqual([1, 3, 10]);
  expect(heldAt(fixedPolicy(3), 100)).toBe(3);
  const concurrent = variantPlan({ min: 1, max: 10, concurrency: 5, dimensions: {} });
  expect([heldAt(concurrent, 3.7), initialAt(concurrent, 3.7, 2)]).toEqual([undefined, 4]);
});

test('a plan from which a rate does not follow is run without measuring one, and begins where it says', () => {
  const result = replayed(['--trace', recorded(60), '--profile', PROFILE, '--policy', 'fixed:3']);
  expect([result.measuredRequestsPerSecond, result.initialInstances, result.mostInstances]).toEqual([null, 3, 3]);
  expect(result.gpuHours).toBeGreaterThan((3 * 59) / 3600);
});

test('a plan with schedules follows the calendar of a recorded trace, or the begin that is given for rates', () => {
  const policy = (schedule: string) =>
    file('night.json', JSON.stringify({ min: 1, max: 9, policies: [], schedules: [{ name: 'more', schedule, min: 4 }] }));
  // The recorded trace begins with 1970.
  const inTrace = replayed([
    '--trace',
    recorded(1800),
    '--profile',
    PROFILE,
    '--policy',
    policy('at(1970-01-01T00:10:00)'),
    '--initial',
    '1',
  ]);
  expect([inTrace.scaleOuts, inTrace.mostInstances]).toEqual([1, 4]);
  const args = [
    '--trace',
    rates,
    '--mean-rps',
    '0.1',
    '--profile',
    PROFILE,
    '--policy',
    policy('cron(0 12 * * ? *)'),
    '--initial',
    '1',
    '--json',
  ];
  expect(JSON.parse(command([...args, '--starts', '2026-03-02T00:00:00Z']).out).mostInstances).toBe(4);
  expect(command(args)).toMatchObject({
    code: 1,
    err: "NoCalendar: 'more' sets limits at a time of the calendar: say when the trace begins (--starts)\n",
  });
  expect(command([...args, '--starts', 'monday']).err).toContain("--starts must be a time like 2026-03-02T00:00:00Z, got 'monday'");
  expect(command(['--trace', recorded(1800), '--profile', PROFILE, '--starts', '2026-03-02T00:00:00Z']).err).toContain(
    '--starts is for files of rates',
  );
});

test('fails on a schedule in a file that nobody can follow', () => {
  const path = file(
    'bad-schedule.json',
    JSON.stringify({ min: 1, max: 2, policies: [], schedules: [{ name: 'x', schedule: 'cron(0 7 * * ?)' }] }),
  );
  expect(() => readPolicyFile(path)).toThrow("'schedules.0': give min, max or both");
  expect(() => readPolicyFile(path)).toThrow("'schedules.0.schedule': InvalidSchedule: 'cron(0 7 * * ?)' must have six fields");
});
