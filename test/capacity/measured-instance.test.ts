import { steadyDemand } from '../../capacity/plan/demand';
import { measuredEndpoint, readMeasuredFile, servedDemand } from '../../capacity/plan/measured-file';
import { Simulation } from '../../capacity/simulator/simulation';
import { CAPACITY } from '../constructs/serving/fixtures';
import { file, planned } from './plan-support';

/** Files of such an instance: it serves 20 requests a second, 99 % of them within 300 ms. */
const measuredAt = (over: object = {}) =>
  readMeasuredFile(file('c.json', JSON.stringify({ ...CAPACITY, requestsPerSecondPerInstance: 20, latencyBelowMs: 300, ...over })));

test.each([undefined, 1, 6])(
  'an instance of a measured capacity is at its bound at the rate that was measured, with a window of %j s',
  (window) => {
    const measured = measuredAt({ priorityWindowSeconds: window });
    const { endpoint: model, serviceSeconds } = measuredEndpoint(measured);
    const load = steadyDemand({ requestsPerSecond: 20, hours: 10, prompt: { median: 1 }, output: { median: 1 } });
    const { outcome } = new Simulation(model, { seed: 1, countFrom: 60 }).run(servedDemand(load, serviceSeconds).open(2).open());
    // 720,000 requests: the share above the bound is 1 % within a few standard errors of a queue.
    expect(measured.latencyPercentile).toBe(99);
    expect(outcome.missed / outcome.requests).toBeGreaterThan(0.0085);
    expect(outcome.missed / outcome.requests).toBeLessThan(0.0115);
    expect(outcome.latency.percentile(99) / 0.3).toBeGreaterThan(0.95);
    expect(outcome.latency.percentile(99) / 0.3).toBeLessThan(1.05);
    expect(model.priorityWindowSeconds).toBe(window);
  },
);

test('an instance that was measured with priorities is the faster the shorter their windows, because those who are overtaken are late', () => {
  const [inOrder, ...windows] = [undefined, 600, 6, 1, 1, 1].map((priorityWindowSeconds) =>
    measuredEndpoint(measuredAt({ priorityWindowSeconds })),
  );
  const [wide, six, one, ...same] = windows.map(({ serviceSeconds }) => serviceSeconds);
  expect(one).toBeLessThan(six);
  expect(six).toBeLessThan(wide);
  expect(wide / inOrder.serviceSeconds).toBeGreaterThan(0.95);
  expect(wide / inOrder.serviceSeconds).toBeLessThan(1.05);
  expect(same).toEqual([one, one]); // equal files give equal instances
});

test.each([
  [1, 3],
  [20, 0.5],
  [2.6, 20],
  [5, 3],
])(
  'to hold %d requests a second within %d s by windows of twice that, an instance has to be 3 to 10 % faster at p99 and may be a little slower at p95',
  (rate, bound) => {
    const seconds = (latencyPercentile: number, priorityWindowSeconds?: number) => {
      const over = { requestsPerSecondPerInstance: rate, latencyBelowMs: bound * 1000, latencyPercentile, priorityWindowSeconds };
      return measuredEndpoint(measuredAt(over)).serviceSeconds;
    };
    const faster = (percentile: number) => seconds(percentile) / seconds(percentile, 2 * bound);
    expect(faster(99)).toBeGreaterThan(1.025);
    expect(faster(99)).toBeLessThan(1.105);
    expect(faster(95)).toBeGreaterThan(0.955);
    expect(faster(95)).toBeLessThan(1.005);
  },
);

test('an instance that was measured with priorities at the median may have room for hardly more than half of the requests', () => {
  const over = { requestsPerSecondPerInstance: 5, latencyPercentile: 50, latencyBelowMs: 1000 };
  const [inOrder, windows] = [undefined, 2].map((priorityWindowSeconds) =>
    measuredEndpoint(measuredAt({ ...over, priorityWindowSeconds })),
  );
  expect(inOrder.serviceSeconds * 5).toBeLessThan(1);
  expect(windows.serviceSeconds * 5).toBeGreaterThan(1);
  expect(windows.serviceSeconds * 5).toBeLessThan(2);
});

test('the block of a plan says what its model needs when the capacity was measured with priorities, and nothing otherwise', () => {
  const blockOf = (over: object) => {
    const path = file('p.json', JSON.stringify({ ...CAPACITY, ...over }));
    return planned(['--rps', '50', '--hours', '1', '--capacity', path, '--region', 'us-east-1', '--price', 'ml.m5.large=0.115'])
      .config as string;
  };
  const said = '# requests state their priority by windows of 6 s, and the container serves by it (docs/capacity-file.md)';
  expect(blockOf({ priorityWindowSeconds: 6 })).toContain(said);
  expect(blockOf({})).not.toContain('priorit');
});
