import { Duration } from 'aws-cdk-lib';
import fc from 'fast-check';
import { BacklogScaling, MeasuredCapacity } from '../../lib/constructs/serving';
import { DEFAULT_LIMITS, defaultBacklogPolicy } from '../../capacity/policies/default-policy';
import { drainRate } from '../../capacity/profiles/measured-rate';
import { MetricBus } from '../../capacity/scaling/metric-bus';
import { provisioningOf } from '../../capacity/scaling/provisioning';
import { runScaled } from '../../capacity/scaling/scaled-endpoint';
import { DEFAULT_SEMANTICS } from '../../capacity/scaling/semantics';
import { Fleet } from '../../capacity/simulator/fleet';
import { classicalModel } from '../../capacity/simulator/service-model';
import { ASYNCHRONOUS, Simulation } from '../../capacity/simulator/simulation';
import { PoissonSource } from '../../capacity/traces/generated';
import { CAPACITY, folder } from '../constructs/serving/fixtures';
import { endpointOf, ListSource } from './support';

/** Instances that take so many requests at once, each of which needs its seconds whatever the others do. */
const queued = (instances: number, atOnce: number, expirySeconds = Infinity) =>
  endpointOf({ service: classicalModel(atOnce), instances, admissionBound: atOnce, queue: { expirySeconds } });

test('requests wait outside of the instances and are taken in order, as a queue computed by hand has it', () => {
  const request = fc.record({ gap: fc.integer({ min: 0, max: 5 }), output: fc.integer({ min: 1, max: 9 }) });
  fc.assert(
    fc.property(
      fc.array(request, { minLength: 1, maxLength: 40 }),
      fc.integer({ min: 1, max: 3 }),
      fc.integer({ min: 1, max: 3 }),
      (all, n, m) => {
        let at = 0;
        const requests = all.map(({ gap, output }) => ({ at: (at += gap), prompt: 0, output }));
        const free: number[] = Array(n * m).fill(0);
        const latencies = requests.map((one) => {
          const place = free.indexOf(Math.min(...free));
          free[place] = Math.max(free[place], one.at) + one.output;
          return free[place] - one.at;
        });
        const { outcome } = new Simulation(queued(n, m), { seed: 1 }).run(new ListSource(requests));
        expect(outcome.latency.mean).toBeCloseTo(latencies.reduce((sum, value) => sum + value, 0) / latencies.length, 6);
        expect([outcome.completed, outcome.dropped]).toEqual([requests.length, 0]);
      },
    ),
  );
});

test('an answer of an asynchronous endpoint comes as a whole, so its first token comes with the last', () => {
  const source = () => new ListSource([{ at: 0, prompt: 64, output: 11 }]);
  const endpoint = endpointOf({ queue: ASYNCHRONOUS, objective: { firstTokenSeconds: 0.05 } });
  const { outcome } = new Simulation(endpoint, { seed: 1 }).run(source());
  expect([outcome.firstToken.mean, outcome.missed]).toEqual([outcome.latency.mean, 1]);
  expect(new Simulation({ ...endpoint, queue: undefined }, { seed: 1 }).run(source()).outcome.missed).toBe(0);
});

test('what waits for too long is dropped with its cause, and so is what nobody will ever take', () => {
  const requests = [0, 0, 0, 0].map((at) => ({ at, prompt: 0, output: 30 }));
  const drops = (instances: number) =>
    new Simulation(queued(instances, 1, 45), { seed: 1 }).run(new ListSource(requests)).outcome.drops.expired;
  expect([4, 2, 1, 0].map(drops)).toEqual([0, 0, 2, 4]);
});

test('the simulated default is what the construct deploys', () => {
  const capacity = MeasuredCapacity.fromFile(`${folder({ 'c.json': JSON.stringify(CAPACITY) })}/c.json`);
  const { max } = DEFAULT_LIMITS;
  expect(defaultBacklogPolicy(CAPACITY.requestsPerSecondPerInstance, 600, { min: 0, max })).toEqual(
    BacklogScaling.between(0, max, { capacity })._plan('simulated', Duration.minutes(10)),
  );
});

test('an instance works off what it takes at once by the time that each needs', () => {
  const lengths = { draw: () => undefined, prompt: 0, output: 4 };
  expect(drainRate(queued(1, 8), lengths, 1)).toBeCloseTo(2, 2);
});

test('the first request wakes an instance, the backlog asks for more, and all go when nothing has run for a quarter of an hour; none is lost', () => {
  // One instance works off 1 a second and promises an answer within 300 s: it is held at 180.
  const plan = defaultBacklogPolicy(1, 300, { min: 0, max: 10 });
  const { activities, outcome, instanceHours } = runScaled(
    { endpoint: { ...queued(0, 2), queue: ASYNCHRONOUS }, plan, provisioning: provisioningOf(200, { bootSigma: 0 }) },
    new PoissonSource([[0, 3]], 3600, { draw: () => undefined, prompt: 0, output: 2 }, 1),
    { seed: 1, until: 3600 * 3 },
  );
  const [wake, ...later] = activities;
  expect(wake).toMatchObject({ cause: 'wake-up', from: 0, to: 1 });
  // A minute, its publication two minutes later, and the reaction.
  expect(wake.at).toBe(190);
  expect(later.filter(({ cause }) => cause === 'backlog').length).toBeGreaterThan(0);
  expect(Math.max(...later.map(({ to }) => to))).toBeGreaterThan(2);
  expect(later[later.length - 1]).toMatchObject({ cause: 'idle', to: 0 });
  expect(later[later.length - 1].at).toBeGreaterThan(3600 + 15 * 60);
  expect([outcome.completed, outcome.dropped]).toEqual([outcome.requests, 0]);
  expect(instanceHours).toBeLessThan(10 * 1.5);
});

test('one request wakes one instance, although its metric says for two more minutes that there is none', () => {
  for (let bootSeconds = 300; bootSeconds < 360; bootSeconds += 7) {
    const { activities } = runScaled(
      {
        endpoint: { ...queued(0, 2), queue: ASYNCHRONOUS },
        plan: defaultBacklogPolicy(1, 600, { min: 0, max: 10 }),
        provisioning: provisioningOf(bootSeconds, { bootSigma: 0 }),
      },
      new ListSource([{ at: 5, prompt: 0, output: 2 }]),
      { seed: 1, until: 3600 },
    );
    expect(activities.map(({ cause, from, to }) => [cause, from, to])).toEqual([
      ['wake-up', 0, 1],
      ['idle', 1, 0],
    ]);
  }
});

test('where no policy ever wakes an instance all requests expire, and the run ends', () => {
  const { outcome, instanceHours } = runScaled(
    { endpoint: queued(0, 1, 600), plan: { min: 0, max: 1, policies: [], schedules: [] }, provisioning: provisioningOf(60) },
    new PoissonSource([[0, 0.1]], 1800, { draw: () => undefined, prompt: 0, output: 1 }, 1),
    { seed: 1 },
  );
  expect([outcome.drops.expired, instanceHours]).toEqual([outcome.requests, 0]);
});

test('the backlog is published with what runs, by the instances that there are, and says when there is none', () => {
  const bus = new MetricBus(DEFAULT_SEMANTICS);
  const fleet = (serving: number, backlog: number | undefined) =>
    ({ serving, backlog, beginPeriod: () => undefined, concurrency: () => 0 }) as unknown as Fleet;
  [fleet(2, 6), fleet(0, 6), fleet(0, 0), fleet(2, undefined)].forEach((one, minute) => bus.tick((minute + 1) * 60, one));
  const of = (name: string) => {
    const { series } = bus.metric({ name, statistic: 'Average', dimensions: {} });
    return [1, 2, 3, 4].map((minute) => series.statistic(minute * 60, 60, 'Average'));
  };
  expect(of('ApproximateBacklogSize')).toEqual([6, 6, 0, NaN]);
  expect(of('ApproximateBacklogSizePerInstance')).toEqual([3, NaN, NaN, NaN]);
  expect(of('HasBacklogWithoutCapacity')).toEqual([0, 1, 0, NaN]);
});

test('an asynchronous endpoint publishes no invocations: a policy on them is inert', () => {
  const metric = { name: 'Invocations', statistic: 'Sum', dimensions: {} } as const;
  const step = {
    kind: 'Step',
    name: 'more',
    metric,
    threshold: 1,
    periods: 1,
    periodSeconds: 60,
    steps: [{ from: 0, change: 1 }],
  } as const;
  const run = (queue: object) =>
    runScaled(
      {
        endpoint: { ...queued(1, 2), queue: undefined, ...queue },
        plan: { min: 1, max: 4, policies: [{ ...step, cooldownSeconds: 300 }], schedules: [] },
        provisioning: provisioningOf(60),
      },
      new PoissonSource([[0, 0.5]], 1800, { draw: () => undefined, prompt: 0, output: 1 }, 1),
      { seed: 1 },
    ).scaleOuts;
  expect(run({ queue: ASYNCHRONOUS })).toBe(0);
  expect(run({ admissionBound: Infinity })).toBeGreaterThan(0);
});
