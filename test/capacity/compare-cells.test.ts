import { capacityTable, leastInstances } from '../../capacity/bounds/capacity-table';
import { leastInstanceSeconds } from '../../capacity/bounds/least-fleet';
import { CANDIDATES } from '../../capacity/compare/candidates';
import { Cell, Row, runCells } from '../../capacity/compare/cell';
import { Measured, measure, suiteEndpoint } from '../../capacity/compare/measure';
import { FULL, suiteTrace } from '../../capacity/compare/suite';
import { defaultPolicy, initialAt } from '../../capacity/policies/default-policy';
import { measuredRates } from '../../capacity/profiles/measured-rate';
import { DEFAULT_OBJECTIVE } from '../../capacity/profiles/objective';
import { provisioningOf } from '../../capacity/scaling/provisioning';
import { runScaled } from '../../capacity/scaling/scaled-endpoint';
import { EndpointModel } from '../../capacity/simulator/simulation';
import { RecordedLengths } from '../../capacity/traces/lengths';

// Code on an A10G: the one GPU that reads prompts in smaller chunks where late requests wait.
const [profile] = FULL.profiles;
const [SEED, LIMITS] = [1, { min: 1, max: 100 }];
const trace = suiteTrace('code');
const cell = (bootSeconds: number, semantics: Cell['semantics'] = 'default'): Cell => ({
  ...{ trace: 'code', profile, bootSeconds, seed: 11, semantics },
});
const lengths = () => new RecordedLengths(trace.mixes[0], SEED);

/** The servers as the documentation describes them, put together here again. */
const SERVERS: Readonly<Record<'default' | 'tokens' | 'prioritized-tokens', EndpointModel>> = {
  default: suiteEndpoint(profile),
  tokens: suiteEndpoint(profile),
  'prioritized-tokens': {
    ...suiteEndpoint(profile),
    service: { ...suiteEndpoint(profile).service, chunkTokens: 256 },
    priorityWindowSeconds: 6,
  },
};

let measured: Measured;
let rows: Row[];
const rowOf = (policy: string, all = rows) => all.find((row) => row.policy === policy)!;

beforeAll(() => {
  measured = measure('code', profile);
  rows = runCells([cell(307)], measured);
});

function arrivals(): { at: number[]; firstRate: number } {
  const at: number[] = [];
  const source = trace.open(11, profile.meanRate);
  while (source.next()) {
    at.push(source.at);
  }
  return { at, firstRate: at.filter((time) => time < 600).length / 600 };
}

test.each([
  ['default', false],
  ['tokens', true],
  ['prioritized-tokens', true],
] as const)('the row of %s is what its servers do with the plan of what they were measured to serve', (name, tokens) => {
  const servers = SERVERS[name];
  const rates = measuredRates(servers, DEFAULT_OBJECTIVE, lengths, SEED);
  const plan = defaultPolicy(rates, LIMITS, { tokens });
  const { firstRate } = arrivals();
  const instances = initialAt(plan, firstRate, rates.requestsPerSecond);
  const { outcome, instanceHours, scaleOuts, scaleIns } = runScaled(
    { endpoint: { ...servers, routing: 'leastOutstanding', instances }, plan, provisioning: provisioningOf(307) },
    trace.open(11, profile.meanRate),
    { seed: 11 },
  );
  const { requests, missed } = outcome;
  expect(rowOf(name)).toMatchObject({ requests, missed, gpuHours: instanceHours, scaleOuts, scaleIns, kind: 'ours' });
});

test.each(['default', 'prioritized-tokens'] as const)('%s is held to the bound of its own servers, in order of arrival', (name) => {
  const table = capacityTable({ ...SERVERS[name], priorityWindowSeconds: undefined }, lengths, SEED);
  const { at } = arrivals();
  const end = at.at(-1)!;
  const minutes = Array.from({ length: Math.floor(end / 60) + 1 }, (_, minute) => ({
    count: at.filter((time) => Math.floor(time / 60) === minute).length,
    seconds: Math.min(60, end - minute * 60),
  }));
  const needed = minutes.map(({ count, seconds }) => leastInstances(table, count / Math.max(1, seconds), LIMITS.max));
  const hours =
    leastInstanceSeconds(
      needed,
      minutes.map(({ seconds }) => seconds),
      307,
    ) / 3600;
  expect(rowOf(name).lbSloGpuHours).toBeCloseTo(hours, 9);
  expect(rows.filter(({ policy }) => policy.startsWith(name) && policy.includes('measured-')).map((row) => row.lbSloGpuHours)).toEqual(
    Array(2).fill(rowOf(name).lbSloGpuHours),
  );
});

test('cells that are run together are what each is alone, and wrong measurements are run under the default choice only', () => {
  const cells = [cell(307), cell(307, 'other'), cell(572)];
  const together = runCells(cells, measured);
  expect(together).toEqual(cells.flatMap((one) => runCells([one], measured)));
  const scaled = (boot: number) => together.filter(({ policy, bootSeconds }) => policy === 'hf-skill' && bootSeconds === boot);
  expect(scaled(307)[0].missed).toBeLessThan(scaled(572)[0].missed);
  const wrong = CANDIDATES.filter(({ kind }) => kind === 'mismeasured').length;
  expect(together.filter(({ kind }) => kind === 'mismeasured').map(({ semantics }) => semantics)).toEqual(Array(2 * wrong).fill('default'));
});

test('what is of ours counts as its name says, and is published as often', () => {
  const basis = { ...measured, ...measured.prioritized, limits: LIMITS, peak: 1, mean: 1 };
  const counted = CANDIDATES.filter(({ kind }) => kind === 'ours').map(({ name, plan }) => [
    name,
    ...plan(basis).policies.map(
      ({ metric }) => typeof metric === 'object' && 'spare' in metric && [metric.tokens?.perRequest, metric.publishedEverySeconds],
    ),
  ]);
  const each = measured.prioritized.tokensPerRequest;
  expect(counted).toEqual([
    ['default', [undefined, 60], [undefined, 60]],
    ['tokens', [each, 60], [each, 60]],
    ['prioritized-tokens', [each, 60], [each, 60]],
    ['prioritized-tokens-ten-second', [each, 10], [each, 10]],
  ]);
});

test('a wrong measurement is that of one instance and of several alike, of the policy that it is named after', () => {
  const basis = { ...measured, limits: LIMITS, peak: 1, mean: 1 };
  const busiest = (name: string, factor: number) => {
    const plan = CANDIDATES.find((one) => one.name === name)!.plan({
      ...basis,
      ...(name.startsWith('prioritized') ? measured.prioritized : {}),
      requestsPerSecond: 10 * factor,
      fleet: { instances: 4, requestsPerSecond: 60 * factor },
    });
    return plan.policies.map((policy) => policy.kind === 'Step' && 'spare' in policy.metric && policy.metric);
  };
  for (const name of ['default', 'prioritized-tokens-ten-second']) {
    expect(busiest(`${name}-measured-0.7`, 1)).toEqual(busiest(name, 0.7));
    expect(busiest(`${name}-measured-1.3`, 1)).toEqual(busiest(name, 1.3));
    expect(CANDIDATES.filter((one) => one.of === name).map((one) => one.name)).toEqual([`${name}-measured-0.7`, `${name}-measured-1.3`]);
  }
});
