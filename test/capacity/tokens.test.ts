import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { replayCommand } from '../../capacity/cli/replay-command';
import { ReplayResult } from '../../capacity/cli/replay';
import { defaultPolicy } from '../../capacity/policies/default-policy';
import { measuredRates } from '../../capacity/profiles/measured-rate';
import { DEFAULT_OBJECTIVE } from '../../capacity/profiles/objective';
import { profileNamed } from '../../capacity/profiles/profile';
import { MetricBus } from '../../capacity/scaling/metric-bus';
import { provisioningOf } from '../../capacity/scaling/provisioning';
import { runScaled } from '../../capacity/scaling/scaled-endpoint';
import { DEFAULT_SEMANTICS } from '../../capacity/scaling/semantics';
import { Fleet } from '../../capacity/simulator/fleet';
import { Simulation } from '../../capacity/simulator/simulation';
import { LackingInstances } from '../../lib/constructs/serving/scaling/policy';
import { PoissonSource } from '../../capacity/traces/generated';
import { endpointOf, ListSource } from './support';

test('the tokens of a request count when its answer is complete, whatever became of the promise, and those of refused ones never', () => {
  const requests = [
    { at: 0, prompt: 100, output: 21 },
    { at: 0, prompt: 50, output: 500 },
    { at: 0.1, prompt: 1000, output: 1500 },
  ];
  const simulation = new Simulation(endpointOf(), { seed: 1 });
  const seen: number[] = [];
  simulation.attach({
    seconds: 1,
    tick: () => seen.push(simulation.fleet.tokens),
    invoked: () => undefined,
    invokedWithoutInstance: () => undefined,
  });
  const { outcome } = simulation.run(new ListSource(requests));
  // Of 2,000 tokens that there is room for; iterations take about 0.01 s.
  expect(outcome.drops.tooLong).toBe(1);
  expect([seen[0], seen[3], simulation.fleet.tokens, simulation.fleet.answers]).toEqual([121, 121, 671, 2]);
});

const METRIC: LackingInstances = {
  ...{ requestsPerSecond: 1, spare: 0, dimensions: {}, publishedEverySeconds: 60 },
  tokens: { namespace: 'n', name: 't', dimensions: {}, perRequest: 100 },
};

/** Instances that a minute lacked in which so many requests came to so many instances and so many answers had so many tokens. */
function lacking(requests: number, instances: number, answers: number, tokens: number, metric = METRIC): number {
  const bus = new MetricBus(DEFAULT_SEMANTICS);
  for (let one = 0; one < requests; one++) {
    bus.invoked(instances);
  }
  bus.tick(60, { serving: 0, answers, tokens, beginPeriod: () => undefined } as unknown as Fleet);
  return bus.metric(metric, 60).series.statistic(60, 60, 'Maximum');
}

test.each([
  ['requests with twice the tokens are twice as many', 60, 1, 60, 12_000, 1],
  ['requests with half of them are half as many', 240, 4, 240, 12_000, -2],
  ['what is not answered yet is taken for as heavy as what is', 240, 2, 10, 2000, 6],
  ['and so is what nobody counts', 240, 2, 1, 100, 2],
  ['where nobody counts at all each counts once', 240, 2, 0, 0, 2],
  ['without requests there is no count of instances', 0, 2, 60, 12_000, -1],
])('%s', (_, requests, instances, answers, tokens, expected) => {
  expect(lacking(requests, instances, answers, tokens)).toBe(expected);
});

test('the minutes of a run are each their own, and a plan without tokens does not look at them', () => {
  expect(lacking(240, 4, 10, 12_000, { ...METRIC, tokens: undefined })).toBe(0);
  const bus = new MetricBus(DEFAULT_SEMANTICS);
  const fleet = { serving: 2, concurrency: () => 0, answers: 0, tokens: 0, beginPeriod: () => undefined };
  const counted = [50, 400, undefined].map((mean, minute) => {
    Array.from({ length: 60 }, () => bus.invoked(2));
    fleet.answers += mean === undefined ? 0 : 30;
    fleet.tokens += 30 * (mean ?? 0);
    bus.tick(60 * (minute + 1), fleet as unknown as Fleet);
    return bus.metric(METRIC, 60).series.statistic(60 * (minute + 1), 60, 'Maximum');
  });
  expect(counted).toEqual([-1, 2, -1]);
});

test('requests that become twice as heavy get twice the fleet by tokens, and none more by requests', () => {
  const profile = profileNamed('llama-3-8b@ml.g6e.xlarge');
  const endpoint = endpointOf({ service: profile.service, routing: 'leastOutstanding', objective: DEFAULT_OBJECTIVE });
  const light = () => ({ prompt: 500, output: 100, draw: () => undefined });
  const rates = measuredRates(endpoint, DEFAULT_OBJECTIVE, light, 1);
  expect(rates.tokensPerRequest).toBe(600);
  const most = (tokens: boolean, scale: number) => {
    const plan = defaultPolicy(rates, { min: 2, max: 40 }, { tokens });
    const lengths = { prompt: 500 * scale, output: 100 * scale, draw: () => undefined };
    const source = new PoissonSource([[0, 3 * rates.requestsPerSecond]], 2 * 3600, lengths, 1);
    const { activities, outcome } = runScaled(
      { endpoint: { ...endpoint, instances: 5 }, plan, provisioning: provisioningOf(300) },
      source,
      { seed: 1, countFrom: 3000 },
    );
    return { last: activities.at(-1)?.to ?? 5, missed: outcome.missed / outcome.requests };
  };
  const [asMeasured, byTokens, byRequests] = [most(true, 1), most(true, 2), most(false, 2)];
  expect(asMeasured.missed).toBeLessThan(0.01);
  expect(byTokens.last).toBeGreaterThan(1.7 * asMeasured.last);
  expect(byTokens.missed).toBeLessThan(0.01);
  expect(byRequests.last).toBeLessThan(1.3 * asMeasured.last);
  expect(byRequests.missed).toBeGreaterThan(0.1);
});

const CONVERSATIONS = join(__dirname, '../../capacity/traces/azure-llm-2023/AzureLLMInferenceTrace_conv.csv');

function replayed(...more: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const args = ['--trace', CONVERSATIONS, '--profile', 'llama-3-8b@ml.g6e.xlarge', ...more];
  const code = replayCommand(args, { write: (text) => out.push(text) }, { write: (text) => err.push(text) });
  return { code, out: out.join(''), err: err.join('') };
}

test('a replay whose policy counts tokens says so, and what a request has of them in the trace', () => {
  const { plan, tokens } = JSON.parse(replayed('--tokens', '--json').out) as ReplayResult;
  const [out] = plan.policies;
  expect(tokens).toBe(true);
  // Of the recorded conversations: 1,155 and 211 (capacity/traces/README.md).
  const { perRequest } = (out.kind === 'Step' && 'spare' in out.metric && out.metric.tokens) as { perRequest: number };
  expect(Math.abs(perRequest / (1155 + 211) - 1)).toBeLessThan(0.02);
  expect(replayed('--tokens').out).toContain('counted      each request as much as its tokens');
  expect(replayed().out).not.toContain('counted');
  // The same plan from a file does the same.
  const file = join(mkdtempSync(join(tmpdir(), 'tokens-')), 'plan.json');
  writeFileSync(file, JSON.stringify(plan));
  const [given, own] = [
    JSON.parse(replayed('--policy', file, '--json').out),
    JSON.parse(replayed('--tokens', '--json').out),
  ] as ReplayResult[];
  const same = ({ tokens: counts, plan: run, missed, gpuHours, scaleOuts }: ReplayResult) => ({ counts, run, missed, gpuHours, scaleOuts });
  expect(same(given)).toEqual(same(own));
});

test.each([
  [['--tokens', '--policy', 'fixed:3'], 1, "InvalidPolicy: --tokens is for the policy 'default': 'fixed:3' says itself what it counts"],
  [['--tokens', '--asynchronous', '4', '--within', '60'], 2, '--tokens is of an endpoint that answers at once'],
])('%j is refused', (more, code, problem) => {
  const refused = replayed(...more);
  expect([refused.code, refused.err]).toEqual([code, expect.stringContaining(problem)]);
});
