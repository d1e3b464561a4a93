import { execFileSync } from 'node:child_process';
import { join } from 'node:path';
import { AlarmState, alarmState, Point } from '../../capacity/scaling/alarm-state';
import { adjusted, baseOf, chosen, percent, Request, stepOf, tracked, trackedIn, within } from '../../capacity/scaling/decision';

const root = join(__dirname, '../..');
const PYTHON = join(root, 'local/.venv/bin/python');

/** What the local account's own code says of each case. */
function localAccount(script: string, cases: unknown): unknown[] {
  const code = `import json, sys\nsys.path.insert(0, ${JSON.stringify(join(root, 'local'))})\n${script}`;
  return JSON.parse(execFileSync(PYTHON, ['-c', code], { input: JSON.stringify(cases), encoding: 'utf8' }));
}

const load = (name: string, path: string) =>
  `import importlib.util\nspec = importlib.util.spec_from_file_location('${name}', ${JSON.stringify(join(root, path))})\n` +
  `module = importlib.util.module_from_spec(spec); sys.modules['${name}'] = module; spec.loader.exec_module(module)\n`;

test('an alarm has the state that the local account gives it, for every pattern of three periods and their extra ones', () => {
  const patterns: (0 | 1 | 2)[][] = [[]];
  for (let length = 0; length < 5; length++) {
    patterns.push(...patterns.splice(0).flatMap((pattern) => ([0, 1, 2] as const).map((point) => [...pattern, point])));
  }
  const script =
    load('alarm_decision', 'local/account/alarms/decision.py') +
    "print(json.dumps([module.decide([{0: False, 1: True, 2: None}[p] for p in points], 3, m, 'missing', 'OK') for points in json.load(sys.stdin) for m in (2, 3)]))";
  const ours = patterns.flatMap((points): AlarmState[] => [2, 3].map((toAlarm) => alarmState(points as Point[], 3, toAlarm)));
  expect(patterns).toHaveLength(243);
  expect(ours).toEqual(localAccount(script, patterns));
});

test('policies ask for the capacity that the local account asks for', () => {
  const cases = [0, 1, 2, 3, 7, 10, 48].flatMap((capacity) => [0, 3, 35, 69.9, 70, 70.1, 140, 333].map((metric) => [capacity, metric, 70]));
  const script =
    load('scaling_decision', 'local/account/autoscaling/decision.py') +
    'print(json.dumps([[module.tracked(*c), module.tracked_in(*c)] for c in json.load(sys.stdin)]))';
  expect(cases.map(([capacity, metric, target]) => [tracked(capacity, metric, target), trackedIn(capacity, metric, target)])).toEqual(
    localAccount(script, cases),
  );
  const kinds = { Change: 'ChangeInCapacity', Percent: 'PercentChangeInCapacity', Exact: 'ExactCapacity' } as const;
  const steps = (['Change', 'Percent', 'Exact'] as const).flatMap((kind) =>
    [0, 1, 3, 10].flatMap((capacity) =>
      [-100, -34, -10, 0, 5, 34, 100].flatMap((change) => [0, 1, 2].map((least) => ({ kind, capacity, change, least }))),
    ),
  );
  const stepScript =
    load('scaling_decision', 'local/account/autoscaling/decision.py') +
    'print(json.dumps([module.adjusted(c, k, a, l) for c, k, a, l in json.load(sys.stdin)]))';
  expect(steps.map(({ kind, capacity, change, least }) => adjusted(capacity, kind, change, least))).toEqual(
    localAccount(
      stepScript,
      steps.map(({ kind, capacity, change, least }) => [capacity, kinds[kind], change, least]),
    ),
  );
});

// https://docs.aws.amazon.com/autoscaling/application/userguide/step-scaling-policy-overview.html and target-tracking-scaling-policy-overview.html
test("arithmetic is that of AWS's pages: 1.5 more are 2, 12.7 are 12, -6.67 are -6, 0.4 is 1, -0.4 is -1", () => {
  expect(tracked(1, 1.5, 1)).toBe(2);
  expect([12.7, 0.4].map((amount) => percent(amount, 10, 0))).toEqual([12, 1]);
  expect([-6.67, -0.4].map((amount) => percent(amount, -10, 0))).toEqual([-6, -1]);
  expect(adjusted(10, 'Percent', 10)).toBe(11);
});

test('tracking never comes in when one instance less would bring the metric back above its target', () => {
  for (let capacity = 1; capacity <= 20; capacity++) {
    for (let metric = 0; metric <= 90; metric++) {
      const to = trackedIn(capacity, metric, 70);
      expect(to === 0 || (metric * capacity) / to <= Math.max(70, metric)).toBe(true);
      expect(to === capacity || (metric * capacity) / to <= 70 || to === 0).toBe(true);
    }
  }
});

test('a step begins at its lower bound above the threshold, and ends at its upper bound below it', () => {
  const above = [
    { from: 0, to: 10, change: 1 },
    { from: 10, change: 2 },
  ];
  expect([-1, 0, 9.9, 10].map((breach) => stepOf(above, breach, true))).toEqual([undefined, 1, 1, 2]);
  const below = [
    { from: -10, to: 0, change: -1 },
    { to: -10, change: -2 },
  ];
  expect([1, 0, -9.9, -10].map((breach) => stepOf(below, breach, false))).toEqual([undefined, -1, -1, -2]);
});

const request = (capacity: number): Request => ({ policy: `to ${capacity}`, capacity, cooldown: 0 });

test('any policy scales out, the most wins; tracking policies scale in together, the most that stays wins; a step scales in alone', () => {
  expect(chosen(5, [request(6), request(8)], [request(2)], [])?.capacity).toBe(8);
  expect(chosen(5, [], [request(2), request(3)], [])?.capacity).toBe(3);
  expect(chosen(5, [], [request(2), undefined], [])).toBeUndefined();
  expect(chosen(5, [], [request(2), undefined], [request(4)])?.capacity).toBe(4);
  expect(chosen(5, [request(5)], [], [])).toBeUndefined();
});

test('during the cool-down of a scale-out the next one is counted from where that began', () => {
  const out = { base: 2, until: 100 };
  expect([baseOf(4, 99, out), baseOf(4, 100, out), baseOf(4, 50, undefined), baseOf(1, 50, out)]).toEqual([2, 4, 4, 1]);
  expect([within(0, 2, 8), within(5, 2, 8), within(9, 2, 8)]).toEqual([2, 5, 8]);
});
