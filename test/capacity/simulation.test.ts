import fc from 'fast-check';
import { Routing } from '../../capacity/simulator/fleet';
import { RandomStream } from '../../capacity/simulator/random';
import { classicalModel } from '../../capacity/simulator/service-model';
import { RunResult, Simulation } from '../../capacity/simulator/simulation';
import { PoissonSource } from '../../capacity/traces/generated';
import { runs } from '../support/property-runs';
import { endpointOf, ListSource, SMALL } from './support';

const steady = (rate: number, seconds: number, seed = 1) => {
  const random = new RandomStream(seed, 9);
  const lengths = {
    draw: () => undefined,
    get prompt() {
      return 1 + random.index(200);
    },
    get output() {
      return 1 + random.index(60);
    },
  };
  return new PoissonSource([[0, rate]], seconds, lengths, seed);
};

const bytes = (result: RunResult) => JSON.stringify(result);

test('laws hold on every run, however it is routed, bounded or overloaded: each request ends once, and requests over time are rate times stay', () => {
  const options = fc.record({
    routing: fc.constantFrom<Routing>('random', 'leastOutstanding'),
    instances: fc.integer({ min: 0, max: 5 }),
    serversPerInstance: fc.integer({ min: 1, max: 3 }),
    admissionBound: fc.constantFrom(1, 4, Infinity),
    timeoutSeconds: fc.constantFrom(0.5, 2, Infinity),
  });
  fc.assert(
    fc.property(options, fc.integer({ min: 1, max: 60 }), fc.integer(), (changes, rate, seed) => {
      const service = { ...SMALL, kvTokens: 250 };
      const { outcome } = new Simulation(endpointOf({ ...changes, service }), { seed }).run(steady(rate, 20, seed));
      expect(outcome.completed + outcome.dropped).toBe(outcome.requests);
      expect(outcome.missed).toBe(outcome.dropped);
    }),
    { numRuns: runs(60) },
  );
});

test('a result that breaks a law is refused: a request that ends nowhere', () => {
  class Forgetful extends Simulation {
    private seen = 0;
    public override completed(slot: number, server: number, now: number): void {
      if (++this.seen !== 5) {
        super.completed(slot, server, now);
      }
    }
  }
  expect(() => new Forgetful(endpointOf(), { seed: 1 }).run(steady(2, 20))).toThrow(/SimulatorDefect: \d+ requests came/);
});

test("a result that breaks a law is refused: an answer that is written down late breaks Little's law", () => {
  class Late extends Simulation {
    public override completed(slot: number, server: number, now: number): void {
      super.completed(slot, server, now + 0.001);
    }
  }
  expect(() => new Late(endpointOf(), { seed: 1 }).run(steady(2, 20))).toThrow("Little's law is broken");
});

test('equal seeds give equal bytes, another seed does not', () => {
  const run = (seed: number) => bytes(new Simulation(endpointOf({ instances: 3, routing: 'random' }), { seed }).run(steady(40, 60, seed)));
  expect(run(5)).toBe(run(5));
  expect(run(5)).not.toBe(run(6));
});

test('the router alone makes a difference when only its seed changes', () => {
  const run = (seed: number, routing: Routing) =>
    bytes(new Simulation(endpointOf({ instances: 3, routing }), { seed }).run(steady(40, 60, 1)));
  expect(run(1, 'random')).not.toBe(run(2, 'random'));
  expect(run(1, 'leastOutstanding')).toBe(run(2, 'leastOutstanding'));
});

test('the least loaded of several instances makes requests wait less than a random one', () => {
  const wait = (routing: Routing) =>
    new Simulation(endpointOf({ instances: 4, routing, service: classicalModel(1) }), { seed: 1 }).run(
      new PoissonSource([[0, 3]], 20_000, { draw: () => undefined, prompt: 0, output: 1 }, 1),
    ).outcome.latency.mean - 1;
  // Random routing makes four queues of their own: M/D/1 at 0.75 waits 0.75 / (2 x 0.25).
  expect(Math.abs(wait('random') / 1.5 - 1)).toBeLessThan(0.05);
  expect(wait('leastOutstanding')).toBeLessThan(0.5);
});

test('an instance with several GPUs serves as many requests at once', () => {
  const requests = [0, 0, 0].map((at) => ({ at, prompt: 0, output: 2 }));
  const last = (serversPerInstance: number) =>
    new Simulation(endpointOf({ service: classicalModel(1), serversPerInstance }), { seed: 1 }).run(new ListSource(requests)).seconds;
  expect([last(1), last(2), last(3)]).toEqual([6, 4, 2]);
});

test('what is promised decides what is missed: first token, time of a token, whole answer', () => {
  const missed = (objective: object) =>
    new Simulation(endpointOf({ objective }), { seed: 1 }).run(new ListSource([{ at: 0, prompt: 64, output: 11 }])).outcome.missed;
  const first = SMALL.iterationSeconds[64];
  expect([first * 1.01, first * 0.99].map((firstTokenSeconds) => missed({ firstTokenSeconds }))).toEqual([0, 1]);
  expect([0.0103, 0.01].map((tokenSeconds) => missed({ tokenSeconds }))).toEqual([0, 1]);
  expect([first + 0.103, first + 0.1].map((latencySeconds) => missed({ latencySeconds }))).toEqual([0, 1]);
});

test('drops have their cause: no instance, too long for any server, more than admitted, too late for the caller', () => {
  const drops = (changes: object, count = 1) =>
    new Simulation(endpointOf(changes), { seed: 1 }).run(new ListSource(Array(count).fill({ at: 0, prompt: 100, output: 60 }))).outcome
      .drops;
  const none = { noInstance: 0, shed: 0, timedOut: 0, tooLong: 0, expired: 0 };
  expect(drops({ instances: 0 })).toEqual({ ...none, noInstance: 1 });
  expect(drops({ service: { ...SMALL, kvTokens: 159 } })).toEqual({ ...none, tooLong: 1 });
  expect(drops({ service: { ...SMALL, kvTokens: 160 } })).toEqual(none);
  expect(drops({ admissionBound: 2 }, 5)).toEqual({ ...none, shed: 3 });
  expect(drops({ timeoutSeconds: 0.5 })).toEqual({ ...none, timedOut: 1 });
});

test('requests of the warming up load the endpoint and are not counted', () => {
  const requests = [0, 5].map((at) => ({ at, prompt: 0, output: 10 }));
  const { outcome } = new Simulation(endpointOf({ service: classicalModel(1) }), { seed: 1, countFrom: 1 }).run(new ListSource(requests));
  expect([outcome.requests, outcome.completed, outcome.latency.mean]).toEqual([1, 1, 15]);
});

test('instances are billed from the begin to the last answer', () => {
  const result = new Simulation(endpointOf({ service: classicalModel(1), instances: 3 }), { seed: 1 }).run(
    new ListSource([{ at: 3500, prompt: 0, output: 100 }]),
  );
  expect(result.instanceHours).toBe(3);
  expect(result.seconds).toBe(3600);
});

test('the first request of a fleet may go to a server far beyond those that had one', () => {
  const requests = Array.from({ length: 40 }, () => ({ at: 0, prompt: 0, output: 2 }));
  const result = new Simulation(endpointOf({ service: classicalModel(1), instances: 500, routing: 'random' }), { seed: 1 }).run(
    new ListSource(requests),
  );
  expect(result.outcome.completed).toBe(40);
});
