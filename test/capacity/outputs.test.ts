import fc from 'fast-check';
import { Breaches } from '../../capacity/simulator/breaches';
import { PeakRate } from '../../capacity/simulator/peak-rate';
import { classicalModel } from '../../capacity/simulator/service-model';
import { Simulation } from '../../capacity/simulator/simulation';
import { replayCommand } from '../../capacity/cli/replay-command';
import { runs } from '../support/property-runs';
import { file } from './plan-support';
import { endpointOf, ListSource } from './support';

function replayed(trace: string, args: readonly string[]) {
  const out: string[] = [];
  const line = ['--trace', trace, '--profile', 'llama-3-8b@ml.g5.xlarge', '--boot', '307', '--json', ...args];
  const code = replayCommand(line, { write: (text) => out.push(text) }, { write: (text) => out.push(text) });
  return code === 0 ? JSON.parse(out.join('')) : out.join('');
}

/** A recorded trace at so many requests a second from each moment on, until the last. */
function trace(name: string, steps: readonly (readonly [at: number, rate: number])[], output = 60): string {
  const lines: string[] = [];
  steps.forEach(([from, rate], place) => {
    const until = steps[place + 1]?.[0] ?? from;
    for (let at = from; at < until; at += 1 / rate) {
      lines.push(`${new Date(Math.round(at * 1000)).toISOString().replace('Z', '')},500,${output}`);
    }
  });
  return file(`${name}.csv`, ['TIMESTAMP,ContextTokens,GeneratedTokens', ...lines].join('\n'));
}

test('a server is busy from when a request comes to an empty one until it is empty again', () => {
  const request = fc.record({ gap: fc.double({ min: 0, max: 5, noNaN: true }), output: fc.double({ min: 0.01, max: 4, noNaN: true }) });
  fc.assert(
    fc.property(fc.array(request, { minLength: 1, maxLength: 40 }), (requests) => {
      let [at, free, busy] = [0, 0, 0];
      const list = requests.map(({ gap, output }) => {
        at += gap;
        const end = Math.max(at, free) + output;
        busy += end - Math.max(at, free);
        free = end;
        return { at, prompt: 0, output };
      });
      const { busyServerHours } = new Simulation(endpointOf({ service: classicalModel(1) }), { seed: 1 }).run(new ListSource(list));
      expect(busyServerHours * 3600).toBeCloseTo(busy, 6);
    }),
    { numRuns: runs(60) },
  );
});

test('servers that wait together are each idle on their own', () => {
  const list = [0, 0, 10].map((at) => ({ at, prompt: 0, output: 2 }));
  const { busyServerHours, instanceHours } = new Simulation(endpointOf({ service: classicalModel(1), instances: 2 }), { seed: 1 }).run(
    new ListSource(list),
  );
  expect(busyServerHours * 3600).toBeCloseTo(6, 9);
  expect(instanceHours * 3600).toBeCloseTo(24, 9);
});

test('a breach begins with its first bad minute and ends with its last; five good minutes part two', () => {
  const breaches = (minutes: readonly (readonly [minute: number, missed: number])[]) => {
    const all = new Breaches();
    const bad = new Map(minutes);
    for (let minute = 0; minute < 30; minute++) {
      for (let request = 0; request < 200; request++) {
        all.judged(minute * 60 + request * 0.3, request < (bad.get(minute) ?? 0));
      }
    }
    return all.all;
  };
  // Two of 200 are the one percent that is allowed.
  expect(breaches([[4, 2]])).toEqual([]);
  expect(breaches([[4, 3]])).toEqual([{ from: 240, until: 300 }]);
  expect(
    breaches([
      [4, 3],
      [9, 200],
    ]),
  ).toEqual([{ from: 240, until: 600 }]);
  expect(
    breaches([
      [4, 3],
      [10, 3],
    ]),
  ).toEqual([
    { from: 240, until: 300 },
    { from: 600, until: 660 },
  ]);
});

test('a request counts in the minute in which it came, however late that is known', () => {
  const all = new Breaches();
  all.judged(200, false);
  all.judged(70, true);
  expect(all.all).toEqual([{ from: 60, until: 120 }]);
});

test('the peak is that of five minutes', () => {
  const peak = new PeakRate();
  [0, 10, 299.9, 300, 301, 600].forEach((at) => peak.arrived(at));
  expect(peak.perSecond).toBe(3 / 300);
});

test('after a load step the objective holds again when more instances have come, and not before', () => {
  const step = trace('step', [
    [0, 0.5],
    [1800, 16],
    [7200, 0],
  ]);
  const scaled = replayed(step, []);
  // Three minutes of a metric and what follows of them, then a boot; each further step takes as long.
  expect(scaled.scaleOuts).toBeGreaterThanOrEqual(1);
  expect(scaled.breaches).toBe(1);
  expect(scaled.longestBreachSeconds).toBeGreaterThanOrEqual(300 + 200);
  expect(scaled.longestBreachSeconds).toBeLessThanOrEqual(3600);
  const faster = replayed(step, ['--boot', '60']);
  expect(faster.longestBreachSeconds).toBeLessThan(scaled.longestBreachSeconds);
  expect(replayed(step, ['--policy', 'fixed:40'])).toMatchObject({ breaches: 0, longestBreachSeconds: 0, overshoot: null });
  // Too few for ever: from the step on until the end of the load.
  expect(replayed(step, ['--policy', 'fixed:2']).longestBreachSeconds).toBeGreaterThan(5400 - 120);
  const peak = Math.ceil(16 / scaled.measuredRequestsPerSecond);
  expect(scaled.overshoot).toBeCloseTo(scaled.mostInstances / peak, 9);
});

test('tokens cost what the fleet costs, and a fleet that does little is idle', () => {
  const steady = trace('steady', [
    [0, 0.2],
    [3600, 0],
  ]);
  const one = replayed(steady, ['--policy', 'fixed:1']);
  expect(one.usdPerMillionTokens).toBeCloseTo((one.usd / (720 * 60)) * 1e6, 9);
  const four = replayed(steady, ['--policy', 'fixed:4']);
  // Four share the work of one: each is busy for less than half of the time that the one is.
  expect(1 - four.idleShare).toBeLessThan((1 - one.idleShare) / 2);
  expect(one.idleShare > 0 && four.idleShare < 1).toBe(true);
});
