import { Clock } from '../../../operations/measure/clock';
import { Observer, Send, sendOpenLoop } from '../../../operations/measure/open-loop';
import { VirtualClock } from './queues';

type Generator = typeof sendOpenLoop;

/** Sends a request every 10 ms to an endpoint that answers after 1 ms, except that it stands still from 500 ms to 1,500 ms. */
async function stalled(generator: Generator) {
  const clock = new VirtualClock();
  const [sentAt, latencies] = [[] as number[], [] as number[]];
  const send: Send = async (i) => {
    sentAt[i] = clock.now();
    await clock.until(clock.now() >= 500 && clock.now() < 1500 ? 1500 : clock.now() + 1);
    return undefined;
  };
  const observer: Observer = { sent: () => undefined, answered: (i, latency) => (latencies[i] = latency), enough: () => undefined };
  const schedule = Float64Array.from({ length: 200 }, (_, i) => i * 10);
  await clock.run(generator(schedule, send, clock, observer));
  return { sentAt, latencies, schedule };
}

/** What is wrong with a generator, as a measurement would suffer from it. */
async function problemsOf(generator: Generator): Promise<string[]> {
  const { sentAt, latencies, schedule } = await stalled(generator);
  const late = sentAt.filter((time, i) => time !== schedule[i]).length;
  // Requests 50 to 149 were to be sent while it stood still: they waited until its end.
  const omitted = latencies.filter((latency, i) => i >= 50 && i < 150 && Math.abs(latency - (1500 - i * 10)) > 1e-6).length;
  return [
    ...(late > 0 ? [`${late} requests are sent late`] : []),
    ...(omitted > 0 ? [`the wait of ${omitted} requests is left out`] : []),
    ...(latencies.length === 200 ? [] : [`${latencies.length} answers`]),
  ];
}

/** The usual client: sends the next request when the last one is answered. `from` says since when it counts latency. */
const closedLoop =
  (from: (due: number, sent: number) => number): Generator =>
  async (schedule, send, clock: Clock, observer) => {
    const start = clock.now();
    for (const [i, time] of schedule.entries()) {
      await clock.until(start + time);
      const sent = clock.now();
      const failure = await send(i);
      observer.answered(i, clock.now() - from(start + time, sent), failure);
    }
    return undefined;
  };

/** Open, but counts latency from when it happened to send; and is kept from sending by what else it does. */
const countsFromSending: Generator = async (schedule, send, clock, observer) => {
  const all = [...schedule].map(async (time, i) => {
    await clock.until(time >= 600 && time < 1000 ? 1000 : time);
    const sent = clock.now();
    const failure = await send(i);
    observer.answered(i, clock.now() - sent, failure);
  });
  await Promise.all(all);
  return undefined;
};

describe('the open loop [A2]', () => {
  test('sends each request at its time while the endpoint stands still, and counts the whole wait of each', async () => {
    expect(await problemsOf(sendOpenLoop)).toEqual([]);
  });

  test.each([
    ['waits for answers and counts from sending', closedLoop((_, sent) => sent), [/sent late/, /left out/]],
    ['waits for answers and counts from the time of each request', closedLoop((due) => due), [/sent late/, /left out/]],
    ['counts from sending while it was kept from sending', countsFromSending, [/sent late/, /left out/]],
  ])('fails for a generator that %s', async (_, generator, expected) => {
    const problems = await problemsOf(generator);
    expect(problems).toHaveLength(expected.length);
    expected.forEach((pattern, i) => expect(problems[i]).toMatch(pattern));
  });

  test('says how late it is when the clock jumps over the time of a request, and counts that as latency', async () => {
    const clock = new VirtualClock();
    const jumping: Clock = { now: clock.now, until: (time) => clock.until(time > 20 && time < 100 ? 100 : time) };
    const [lates, latencies] = [[] as number[], [] as number[]];
    const observer: Observer = {
      sent: (i, late) => (lates[i] = late),
      answered: (i, latency) => (latencies[i] = latency),
      enough: () => undefined,
    };
    const send: Send = async () => clock.until(clock.now() + 5).then(() => undefined);
    await clock.run(sendOpenLoop(Float64Array.from([10, 30, 120]), send, jumping, observer));
    expect(lates).toEqual([0, 70, 0]);
    expect(latencies).toEqual([5, 75, 5]);
  });

  test('stops when it is told that it is enough, and waits for what is open', async () => {
    const clock = new VirtualClock();
    let answers = 0;
    const observer: Observer = {
      sent: () => undefined,
      answered: () => answers++,
      enough: (open) => (open >= 3 ? 'three open' : undefined),
    };
    const send: Send = async () => clock.until(clock.now() + 1000).then(() => undefined);
    expect(await clock.run(sendOpenLoop(Float64Array.from([1, 2, 3, 4, 5]), send, clock, observer))).toBe('three open');
    expect([answers, clock.now()]).toEqual([3, 1003]);
  });
});
