import fc from 'fast-check';
import { CallPlan } from '../../support/fake-kinesis';
import { runs, seenAtLeast } from '../../support/property-runs';
import { reading, RecordsWorld } from './world';

/** A record of one of few keys; its value says which one of the request it is. */
const sent = fc
  .array(fc.tuple(fc.constantFrom('a', 'b', 'c', 'd'), fc.boolean()), { minLength: 1, maxLength: 30, size: 'max' })
  .map((all) => all.map(([sensor, good], i) => ({ sensor, text: JSON.stringify(reading(sensor, 0, good ? i : 1000 + i)), good })));
const code = fc.constantFrom(undefined, undefined, undefined, 'ProvisionedThroughputExceededException', 'InternalFailure');
const call = fc.record({
  codes: fc.array(code, { minLength: 4, maxLength: 4 }),
  error: fc.option(
    fc.record({
      when: fc.constantFrom('before', 'after'),
      name: fc.constantFrom('TimeoutError', 'ProvisionedThroughputExceededException', 'AccessDeniedException'),
    }),
    { freq: 4 },
  ),
  milliseconds: fc.integer({ min: 1, max: 2500 }),
});
const calls = fc.array(call, { minLength: 1, maxLength: 12 });

interface Seen {
  lostAnswers: number;
  partial: number;
  refusedAfterTaken: number;
}

/** The request with those calls, over and over. Answers which records it may have taken twice. */
function rehearse(world: RecordsWorld, plans: typeof calls extends fc.Arbitrary<infer T> ? T : never): Set<string> {
  const doubtful = new Set<string>();
  world.kinesis.plan = (n): CallPlan => {
    const { codes, error, milliseconds } = plans[n % plans.length];
    world.clock += milliseconds;
    if (error?.when === 'after') {
      world.kinesis.calls[n].forEach(({ text }) => doubtful.add(text));
    }
    const fault = error?.name === 'TimeoutError' ? undefined : 'client';
    return { refuse: (_, at) => codes[at % 4], error: error === null ? undefined : { ...error, fault } };
  };
  return doubtful;
}

describe('records of a request, whatever the stream does with them [D8]', () => {
  const usual = 400;
  test('are taken or named as not taken, each once, in the order of their key', async () => {
    const seen: Seen = { lostAnswers: 0, partial: 0, refusedAfterTaken: 0 };
    await fc.assert(
      fc.asyncProperty(sent, calls, async (records, plans) => {
        const world = new RecordsWorld();
        const doubtful = rehearse(world, plans);
        const { status, body } = await world.post(`[${records.map(({ text }) => text).join()}]`);
        const onStream = world.texts;
        const told = (i: number) => body.results[i].status;

        expect(body.results.map(({ index }) => index)).toEqual(records.map((_, i) => i));
        const missing = records.flatMap((_, i) => (told(i) === 'not-taken' ? [i] : []));
        expect(missing.length === 0 ? [200] : [429, 503]).toContain(status);
        expect(body.resend ?? []).toEqual(missing);
        records.forEach(({ text, good }, i) => {
          const times = onStream.filter((other) => other === text).length;
          if (told(i) !== 'not-taken') {
            expect(told(i)).toBe(good ? 'accepted' : 'quarantined');
          }
          // Only a call whose answer was lost may leave a record that is taken, or taken twice, without its sender knowing.
          const wanted = told(i) === 'not-taken' ? 0 : 1;
          expect(doubtful.has(text) ? times >= wanted : times === wanted).toBe(true);
        });
        for (const key of ['a', 'b', 'c', 'd']) {
          const own = records.filter(({ sensor }) => sensor === key).map(({ text }) => text);
          const firstTimes = [...new Set(onStream)].filter((text) => own.includes(text));
          expect(firstTimes).toEqual(own.slice(0, firstTimes.length));
          // Once a record is on the stream, the ones before it never come again: a repetition is of the newest.
          const positions = onStream.filter((text) => own.includes(text)).map((text) => own.indexOf(text));
          expect(positions).toEqual([...positions].sort((a, b) => a - b));
        }
        seen.lostAnswers += onStream.length > new Set(onStream).size ? 1 : 0;
        seen.partial += missing.length > 0 && missing.length < records.length ? 1 : 0;
        seen.refusedAfterTaken += missing.some((i) =>
          records.slice(0, i).some((r, j) => r.sensor === records[i].sensor && told(j) !== 'not-taken'),
        )
          ? 1
          : 0;
      }),
      { numRuns: runs(usual) },
    );
    expect(seen.lostAnswers).toBeGreaterThanOrEqual(seenAtLeast(10, usual));
    expect(seen.partial).toBeGreaterThanOrEqual(seenAtLeast(10, usual));
    expect(seen.refusedAfterTaken).toBeGreaterThanOrEqual(seenAtLeast(5, usual));
  });

  test('are all on the stream in order once their sender has sent the rest until there is none', async () => {
    let resent = 0;
    await fc.assert(
      fc.asyncProperty(sent, calls, async (records, plans) => {
        const world = new RecordsWorld();
        const noLoss = plans.map((plan) => ({ ...plan, error: plan.error === null ? null : { ...plan.error, when: 'before' as const } }));
        // Each fourth call succeeds, so that it ends.
        const healthy = { codes: Array<undefined>(4).fill(undefined), error: null, milliseconds: 1 };
        rehearse(
          world,
          noLoss.flatMap((plan) => [plan, healthy]),
        );
        let rest = records.map(({ text }) => text);
        for (let i = 0; rest.length > 0; i++) {
          expect(i).toBeLessThan(100);
          const { body } = await world.post(`[${rest.join()}]`);
          rest = (body.resend ?? []).map((index) => rest[index]);
          resent += rest.length > 0 ? 1 : 0;
        }
        expect([...world.texts].sort()).toEqual(records.map(({ text }) => text).sort());
        for (const key of ['a', 'b', 'c', 'd']) {
          const own = records.filter(({ sensor }) => sensor === key).map(({ text }) => text);
          expect(world.texts.filter((text) => own.includes(text))).toEqual(own);
        }
      }),
      { numRuns: runs(usual) },
    );
    expect(resent).toBeGreaterThanOrEqual(seenAtLeast(10, usual));
  });
});
