import { poisson } from '../../../operations/measure/arrivals';
import type { Send } from '../../../operations/measure/open-loop';
import { lateLimit, lengthOf, Objective, openLimit, runStep } from '../../../operations/measure/step';
import { VirtualClock } from './queues';

const OBJECTIVE: Objective = { percentile: 99, belowMs: 100, availabilityPercent: 99.5 };
const RATE = 50;
const { count, runIn } = lengthOf(OBJECTIVE, RATE);

/** A step against an endpoint that takes `latency` for request `i` and then fails with `failure`. */
function step(
  latency: (i: number) => number,
  failure: (i: number) => string | undefined = () => undefined,
  loopLate = 0,
  objective = OBJECTIVE,
) {
  const clock = new VirtualClock();
  const send: Send = async (i) => clock.until(clock.now() + latency(i)).then(() => failure(i));
  return clock.run(runStep({ clock, send, arrivals: poisson, watchLoop: () => () => loopLate }, objective, RATE, 1));
}

describe('the length of a step', () => {
  test.each([
    ['20 answers beyond p99', 99, 100, 10, 2000],
    ['20 answers beyond p99.9', 99.9, 100, 10, 20_000],
    ['500 answers for low percentiles', 50, 100, 10, 500],
    ['10 seconds of fast endpoints', 99, 100, 1000, 10_000],
    ['20 times the bound, so that a queue can grow beyond it', 90, 5000, 10, 1000],
  ])('is enough for %s', (_, percentile, belowMs, rate, counted) => {
    const length = lengthOf({ percentile, belowMs, availabilityPercent: 99.5 }, rate);
    expect(length).toEqual({ count: counted + counted / 10, runIn: counted / 10, seconds: (counted + counted / 10) / rate });
  });
});

describe('the verdict on a step', () => {
  test('is held at 20 slow answers of 2,000, and not held at 21', async () => {
    const slow = (number: number) => step((i) => (i >= count - number ? 100 : 20));
    expect(await slow(20)).toMatchObject({ verdict: 'held', answers: 2000, why: '' });
    expect(await slow(21)).toMatchObject({ verdict: 'not held', why: '21 not below 100 ms' });
  });

  test('is held at 10 failures of 2,000, and not held at 11', async () => {
    const failing = (number: number) =>
      step(
        () => 1,
        (i) => (i >= count - number ? 'ModelError 500' : undefined),
      );
    expect(await failing(10)).toMatchObject({ verdict: 'held', failures: { 'ModelError 500': 10 } });
    expect(await failing(11)).toMatchObject({ verdict: 'not held', why: '11 failed', failures: { 'ModelError 500': 11 } });
  });

  test('takes no latency from failures: fast ones do not make it look better', async () => {
    const objective = { ...OBJECTIVE, availabilityPercent: 50 };
    const result = await step(
      (i) => (i % 3 === 0 ? 1 : 90),
      (i) => (i % 3 === 0 ? 'ThrottlingException 429' : undefined),
      0,
      objective,
    );
    expect(result.p50Ms).toBeCloseTo(90, 0);
    expect(result.verdict).toBe('held');
  });

  test('does not count the run-in, in which the queue is still empty', async () => {
    const result = await step(
      (i) => (i < runIn ? 5000 : 20),
      (i) => (i < runIn / 2 ? 'ModelError 500' : undefined),
      0,
      { ...OBJECTIVE, belowMs: 6000 },
    );
    expect(result).toMatchObject({ verdict: 'held', failures: {} });
    expect(result.percentileMs).toBeLessThan(21);
  });

  test('tells what was offered and what was served', async () => {
    const result = await step(() => 20);
    expect(result.offered / RATE).toBeCloseTo(1, 1);
    expect(result.achieved / RATE).toBeCloseTo(1, 1);
    expect(result.seconds).toBeCloseTo(count / RATE, -1);
  });

  test('is not held with too many open requests, and ends then', async () => {
    const result = await step(() => 20_000);
    expect(openLimit(OBJECTIVE, RATE)).toBe(64);
    expect(result).toMatchObject({ verdict: 'not held', why: '64 requests open' });
    expect(result.seconds).toBeLessThan(30);
  });

  test('allows as many open requests as a held objective can have, and more', () => {
    expect(openLimit({ ...OBJECTIVE, belowMs: 10_000 }, 20)).toBe(800);
  });

  test('ends as soon as the rest could not make it good', async () => {
    const result = await step(() => 150);
    expect(result).toMatchObject({ verdict: 'not held', why: expect.stringMatching(/^2\d not below 100 ms$/) });
    expect(result.seconds).toBeLessThan(8);
  });

  test('is void when it is not held and the generator was late itself, and the generator may be late while it is held', async () => {
    expect(lateLimit(OBJECTIVE)).toBe(10);
    const slow = (loopLate: number) => step(() => 150, undefined, loopLate);
    expect(await slow(10)).toMatchObject({ verdict: 'not held' });
    expect(await slow(11)).toMatchObject({ verdict: 'generator', why: 'the load generator was the limit: it was 11 ms late itself' });
    expect(await step(() => 20, undefined, 11)).toMatchObject({ verdict: 'held' });
  });

  test('is void when this machine has no sockets left', async () => {
    const result = await step(
      () => 1,
      () => 'EMFILE',
    );
    expect(result).toMatchObject({ verdict: 'generator', why: 'the load generator was the limit: EMFILE' });
  });
});
