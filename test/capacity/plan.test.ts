import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { parse } from 'yaml';
import { replayCommand } from '../../capacity/cli/replay-command';
import { checkHosted, priceOf } from '../../capacity/plan/candidates';
import { steadyDemand, tracedDemand } from '../../capacity/plan/demand';
import { readMeasuredFile } from '../../capacity/plan/measured-file';
import { BOOTSTRAP, daysOf, monthly, quantile, SEEDS } from '../../capacity/plan/month';
import { quotasOf } from '../../capacity/plan/quota';
import { explainTo, pointsOf } from '../../capacity/plan/timeline';
import { endpoint as endpointSchema } from '../../lib/config/endpoint-schema';
import { InstanceType, MeasuredCapacity, Scaling } from '../../lib/constructs/serving';
import { board, CAPACITY, endpoint, folder } from '../constructs/serving/fixtures';
import { CONTEXT } from '../support/synth';
import { command, file, LLAMA, planned, scratch, STEADY } from './plan-support';

/** A trace at a rate, and from one second on at another, each with equal gaps. */
function burst(before: number, after: number, change: number, until: number): string {
  const lines: string[] = [];
  for (let at = 0; at < until; at += 1 / (at < change ? before : after)) {
    lines.push(`${new Date(Math.round(at * 1000)).toISOString().replace('Z', '')},500,60`);
  }
  return file(`burst-${before}-${after}.csv`, ['TIMESTAMP,ContextTokens,GeneratedTokens', ...lines].join('\n'));
}

test('the cheapest fleet that holds the objective comes first, with all that is needed to deploy it', () => {
  const { plans, config } = planned([
    ...STEADY,
    ...LLAMA,
    '--instance',
    'ml.g5.xlarge',
    '--instance',
    'ml.g6e.xlarge',
    '--instance',
    'ml.g5.2xlarge',
  ]);
  expect(plans.map(({ usd }: { usd: { mean: number } }) => usd.mean)).toEqual(
    plans.map(({ usd }: { usd: { mean: number } }) => usd.mean).sort((a: number, b: number) => a - b),
  );
  expect(plans).toHaveLength(3);
  for (const plan of plans) {
    expect(plan.missRatio).toBeLessThanOrEqual(0.01);
    expect(plan.min <= plan.max).toBe(true);
    // A large fleet serves more with each instance than one alone, and is planned for 0.6 of that.
    expect(plan.target).toBeGreaterThan(plan.requestsPerSecond * 0.6);
    expect(plan.usd.p5 <= plan.usd.mean && plan.usd.mean <= plan.usd.p95).toBe(true);
    expect(plan.usd.mean).toBeCloseTo((plan.gpuHours.mean / plan.gpus) * plan.usdPerHour, 6);
    // Never less than the fewest for a month.
    expect(plan.gpuHours.mean).toBeGreaterThanOrEqual(plan.min * plan.gpus * 730 * 0.99);
  }
  // The same GPU at two prices: the same fleet.
  const [small, large] = ['ml.g5.xlarge', 'ml.g5.2xlarge'].map((name) => plans.find(({ type }: { type: string }) => type === name));
  expect(large).toMatchObject({ min: small.min, max: small.max, target: small.target });
  expect(large.usd.mean / small.usd.mean).toBeCloseTo(1.515 / 1.408, 9);
  expect(parse(config).endpoints.chat.instance).toBe(plans[0].type);
});

test('more instances are planned where the fewest miss too much, and one fewer would', () => {
  const trace = burst(0.1, 6, 1200, 2400);
  const args = ['--trace', trace, ...LLAMA, '--instance', 'ml.g5.xlarge', '--boot', '525', '--seeds', '1', '--min', '1'];
  const [plan] = planned(args).plans;
  expect(plan.min).toBeGreaterThan(1);
  const missRatio = (min: number) => {
    const out: string[] = [];
    const replay = [
      '--trace',
      trace,
      '--profile',
      'llama-3-8b@ml.g5.xlarge',
      '--boot',
      '525',
      '--seed',
      '1',
      '--min',
      `${min}`,
      '--max',
      '1000',
      '--json',
    ];
    replayCommand(replay, { write: (text) => out.push(text) }, { write: () => undefined });
    return JSON.parse(out.join('')).missRatio;
  };
  expect(missRatio(plan.min)).toBeCloseTo(plan.missRatio, 9);
  expect(missRatio(plan.min)).toBeLessThanOrEqual(0.01);
  expect(missRatio(plan.min - 1)).toBeGreaterThan(0.01);
});

test('the block is what the config takes, for a model and for a measured capacity', () => {
  const rest = {
    model: { huggingFace: { id: 'a/b', revision: 'a'.repeat(40), downloadAtStart: true } },
    image: { djlLmi: '0.36.0-lmi28.0.0' },
  };
  const size = [
    '--parameters',
    '8.03e9',
    '--precision',
    'fp8',
    '--kv-bytes-per-token',
    '131072',
    '--region',
    'us-east-1',
    '--name',
    'helper',
  ];
  const model = parse(planned([...STEADY, ...size, '--instance', 'ml.g6e.xlarge']).config).endpoints.helper;
  expect(endpointSchema.parse({ ...rest, ...model })).toMatchObject({
    instance: 'ml.g6e.xlarge',
    // 3 s to the first of 60 tokens, 0.1 s for each other.
    slo: { latencyPercentile: 99, latencyBelowMs: 8900 },
    scaling: { min: 2, max: expect.any(Number), capacity: 'capacity/helper.json' },
    modelSize: { parameters: 8.03e9, precision: 'fp8' },
  });
  const path = file('measured.json', JSON.stringify(CAPACITY));
  const measured = parse(
    planned(['--rps', '50', '--hours', '1', '--capacity', path, '--region', 'us-east-1', '--price', 'ml.m5.large=0.115']).config,
  );
  expect(endpointSchema.parse({ ...rest, ...measured.endpoints.chat })).toMatchObject({
    instance: CAPACITY.instance,
    slo: { latencyPercentile: CAPACITY.latencyPercentile, latencyBelowMs: CAPACITY.latencyBelowMs },
    scaling: { capacity: path },
  });
  const long = command([
    '--rps',
    '0.05',
    '--hours',
    '1',
    '--prompt-tokens',
    '10',
    '--output-tokens',
    '900',
    ...LLAMA,
    '--instance',
    'ml.g6e.xlarge',
  ]);
  expect(long.out).toContain('# 99 % of answers are promised within 93 s, more than the 60 s of a real-time endpoint');
  expect(parse(long.out.slice(long.out.indexOf('\n\n') + 2)).endpoints.chat.slo.latencyBelowMs).toBe(60_000);
});

test.each([
  {},
  { version: 2 },
  { model: '' },
  { instance: 'm5.large' },
  { requestsPerSecondPerInstance: 0 },
  { requestsPerSecondPerInstance: 100_001 },
  { priorityWindowSeconds: 1 },
  { priorityWindowSeconds: 600 },
  { priorityWindowSeconds: 0.9 },
  { priorityWindowSeconds: 601 },
  { priorityWindowSeconds: '6' },
  { latencyPercentile: 49 },
  { latencyPercentile: 99.95 },
  { latencyBelowMs: 0.5 },
  { latencyBelowMs: 60_001 },
  { measuredOn: 'today' },
  { tool: undefined },
  { typo: 1 },
])('the planner takes a capacity file exactly when the constructs do: %j', (change) => {
  const content = JSON.stringify({ ...CAPACITY, ...change });
  const verdict = (read: () => unknown) => {
    try {
      read();
      return 'taken';
    } catch (error) {
      return (error as Error).message.split(':')[0];
    }
  };
  const path = `${folder({ 'c.json': content })}/c.json`;
  expect(verdict(() => readMeasuredFile(path))).toBe(verdict(() => MeasuredCapacity.fromFile(path)));
});

test.each([
  [InstanceType.ML_G5_XLARGE, 1, 2, 9],
  [InstanceType.ML_G5_XLARGE, 1, 1, 9],
  [InstanceType.ML_M5_LARGE, 0, 2, 5],
])('the quotas are those that the constructs write beside their template: %s', (instance, gpus, min, max) => {
  const app = new App({ context: CONTEXT });
  const stack = new Stack(app, 'Serving', { env: { account: '111122223333', region: 'us-east-1' } });
  board(stack);
  const capacity = MeasuredCapacity.fromFile(`${folder({ 'c.json': JSON.stringify({ ...CAPACITY, instance: instance.name }) })}/c.json`);
  endpoint(stack, { instance, scaling: Scaling.between(min, max, { capacity }) });
  const { quotas } = JSON.parse(readFileSync(join(app.synth().directory, 'Serving.quotas.json'), 'utf8'));
  expect(quotasOf(instance.name, min, max, gpus)).toEqual(
    quotas.map(({ quota, needed }: { quota: string; needed: number }) => ({ quota, needed })),
  );
});

test('a month is as many hours as AWS counts, and its range says what it is of', () => {
  const used = (hours: number, byDay: readonly number[] = []) => ({ instanceHours: hours, seconds: 36_000, byDay });
  expect(monthly([used(10), used(20), used(30)])).toEqual({ hours: { mean: 1460, p5: 803, p95: 2117 }, basis: SEEDS });
  const { hours, basis } = monthly([used(0, [24, 48]), used(0, [24, 48])]);
  expect([basis, hours.mean]).toEqual([BOOTSTRAP, 36 * (730 / 24)]);
  // The mean of 30 days that are 24 or 48 has a standard deviation of 12 / sqrt(30): 1.645 of them on each side.
  const half = 1.645 * (12 / Math.sqrt(30)) * (730 / 24);
  expect(Math.abs(hours.p95 - hours.mean - half) / half).toBeLessThan(0.25);
  expect(Math.abs(hours.mean - hours.p5 - half) / half).toBeLessThan(0.25);
  expect(daysOf([3600, 86_400, 90_000, 172_800].map((at, place) => ({ at, hours: place + 1 })))).toEqual([2, 2]);
  expect([quantile([3, 1, 2], 0.5), quantile([1, 2], 0.75), quantile([5], 0.99)]).toEqual([2, 1.75, 5]);
});

test('tokens are lognormal with the median and the percentile that are given', () => {
  const { outputs, prompts } = steadyDemand({
    requestsPerSecond: 1,
    hours: 1,
    prompt: { median: 700 },
    output: { median: 200, p95: 800 },
  }).open(1).lengths;
  expect(new Set(prompts)).toEqual(new Set([700]));
  expect(Math.abs(quantile(outputs, 0.5) / 200 - 1)).toBeLessThan(0.05);
  expect(Math.abs(quantile(outputs, 0.95) / 800 - 1)).toBeLessThan(0.08);
});

test('the timeline adds up to the run', () => {
  const moments = [300, 600].map((at, place) => ({ at, requests: 600 * (place + 1), missed: 3 * place, serving: 2, hours: 1 }));
  expect(pointsOf({ timeline: moments, requestsPerSecond: 1.5 })).toEqual([
    { from: 0, hours: 300 / 3600, rate: 2, serving: 2, needed: 2, missed: 0 },
    { from: 300 / 3600, hours: 600 / 3600, rate: 4, serving: 2, needed: 3, missed: 0.25 },
  ]);
  expect(command([...STEADY, ...LLAMA, '--instance', 'ml.g6e.xlarge', '--explain', 'x.html']).drawn).toEqual(['x.html']);
});

test('the page of the timeline has demand, capacity and misses, each drawn', async () => {
  const args = [...STEADY, ...LLAMA, '--instance', 'ml.g6e.xlarge'];
  const path = join(scratch, 'timeline.html');
  const timeline = [300, 600].map((at, place) => ({ at, requests: 600, missed: 60 * place, serving: 2 + place, hours: 1 }));
  await explainTo(path, { ...planned(args).plans[0], timeline });
  const page = readFileSync(path, 'utf8');
  expect(page.match(/<svg /g)).toHaveLength(3);
  expect(page.match(/<path [^>]*d="M/g)!.length).toBeGreaterThanOrEqual(3);
  // Of two moments the second alone has misses.
  expect(page.match(/<rect /g)!.length).toBeGreaterThanOrEqual(1);
  expect(page).toContain('<h1>ml.g6e.xlarge, 2 to 3 instances');
  expect(page).not.toMatch(/https?:\/\/(?!www\.w3\.org)/);
});

test('prices are those of the Region, or given', () => {
  expect(priceOf('ml.g6e.xlarge', 'us-east-1', {})).toEqual({ usdPerHour: 2.61, source: 'AWS Price List API 2026-08-17, us-east-1' });
  expect(priceOf('ml.g6e.xlarge', 'eu-central-1', { 'ml.g6e.xlarge': 3 })).toEqual({ usdPerHour: 3, source: '--price' });
  expect(() => priceOf('ml.g6e.xlarge', 'eu-central-1', {})).toThrow(
    'UnknownPrice: no price of ml.g6e.xlarge in eu-central-1 is in the catalogue, only in us-east-1: give it with --price ml.g6e.xlarge=USD',
  );
  expect(() => checkHosted('ml.g6e.xlarge', 'mars-north-1')).toThrow("UnknownRegion: 'mars-north-1' is none of");
  expect(() => checkHosted('ml.g9.xlarge', 'us-east-1')).toThrow("UnknownInstance: the catalogue has no 'ml.g9.xlarge'");
  expect(() => checkHosted('ml.p5.4xlarge', 'us-east-1')).toThrow('NotInRegion: SageMaker hosts on no ml.p5.4xlarge in us-east-1');
});

test('a trace of rates comes anew with each seed, a recorded one is the same', () => {
  const rates = tracedDemand(join(__dirname, '../../capacity/traces/servegen/deepseek-r1-rates.csv'), { meanRate: 0.01 });
  const first = (seed: number, demand = rates) => {
    const source = demand.open(seed).open();
    source.next();
    return source.at;
  };
  expect(first(1)).not.toBe(first(2));
  const recorded = tracedDemand(burst(0.1, 6, 1200, 2400), {});
  expect(first(1, recorded)).toBe(first(2, recorded));
});
