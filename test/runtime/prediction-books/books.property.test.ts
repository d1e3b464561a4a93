import fc from 'fast-check';
import { eventOf } from '../../../runtime/prediction-events/core';
import type { Prediction } from '../../../runtime/prediction-books/core';
import { HOUR, requestBody, setting } from './setting';
import { runs } from '../../support/property-runs';

type Setting = ReturnType<typeof setting>;

const id = fc.constantFrom('a', 'b', 'c', 'd');
const step = fc.oneof(
  fc.record({ kind: fc.constant('infer' as const), id, risk: fc.constantFrom(0.2, 0.9) }),
  fc.record({ kind: fc.constant('feedback' as const), id, outcome: fc.boolean() }),
  fc.record({ kind: fc.constant('advance' as const), hours: fc.integer({ min: 1, max: 30 }) }),
  fc.record({ kind: fc.constant('expire' as const) }),
  fc.record({ kind: fc.constant('crash' as const), where: fc.constantFrom('before' as const, 'after' as const) }),
);
type Step = typeof step extends fc.Arbitrary<infer T> ? T : never;

function perform(s: Setting, what: Step): Promise<unknown> {
  switch (what.kind) {
    case 'infer':
      return s.infer(requestBody({ id: what.id }, what.risk));
    case 'feedback':
      return s.feedback(what.id, { outcome: what.outcome });
    case 'expire':
      return s.expire().catch(() => undefined);
    case 'advance':
      s.clock.at = new Date(s.clock.at.getTime() + what.hours * HOUR);
      return Promise.resolve();
    case 'crash':
      return Promise.resolve(arm(s, what.where));
  }
}

/** Makes the next write fail, before it took effect or after. */
function arm(s: Setting, where: 'before' | 'after'): void {
  let armed = true;
  const wait = s.db.before;
  const fail = (name: string) => {
    if (armed && name === 'TransactWriteCommand') {
      armed = false;
      throw new Error('crash');
    }
  };
  if (where === 'after') {
    s.db.after = fail;
  } else {
    s.db.before = async (name) => {
      await wait(name);
      fail(name);
    };
  }
}

/** Counts the predictions themselves, without the tally. */
function countedByHand(s: Setting) {
  const states = s.db.items('predictions').map(({ state }) => state);
  const count = (state: string) => states.filter((other) => other === state).length;
  return { model: 'delay', made: states.length, labelled: count('labelled'), expired: count('expired'), open: count('open') };
}

async function addUp(s: Setting): Promise<void> {
  const books = await s.booksOf();
  expect(books).toEqual(countedByHand(s));
  expect(books.made).toBe(books.labelled + books.expired + books.open);
}

/** Exactly one event says that a prediction was made, at most one how it ended. */
function announced(s: Setting): void {
  const events = s.db.changes.map(({ before, after }) => eventOf(before as unknown as Prediction, after as unknown as Prediction)!);
  const ids = events.map(({ detail }) => detail.eventId);
  expect(new Set(ids).size).toBe(ids.length);
  for (const prediction of s.db.items('predictions')) {
    const own = events.filter(({ detail }) => detail.predictionId === prediction.id).map(({ type }) => type);
    const end = { open: [], labelled: ['Prediction Labelled'], expired: ['Prediction Expired'] }[prediction.state as 'open'];
    expect(own).toEqual(['Prediction Made', ...end]);
  }
}

describe('the books always add up [I6]', () => {
  test('whatever is repeated, late, contradicting or crashes between any two steps', async () => {
    await fc.assert(
      fc.asyncProperty(fc.array(step, { maxLength: 40 }), async (steps) => {
        const s = setting();
        for (const what of steps) {
          await perform(s, what);
          await addUp(s);
        }
        announced(s);
      }),
      { numRuns: runs(150) },
    );
  });

  test('whatever runs at once, in any interleaving, and in the end nothing is open', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), fc.array(step, { minLength: 2, maxLength: 25 }), async (scheduler, steps) => {
        const s = setting();
        s.db.before = (name) => scheduler.schedule(Promise.resolve(), name).then(() => undefined);
        const running = steps.map((what) => perform(s, what));
        await scheduler.waitFor(Promise.all(running));
        s.db.before = () => undefined;
        s.db.after = () => undefined;
        await addUp(s);
        s.clock.at = new Date(s.clock.at.getTime() + 1000 * HOUR);
        await s.expire();
        expect((await s.booksOf()).open).toBe(0);
        await addUp(s);
        announced(s);
      }),
      { numRuns: runs(150) },
    );
  });
});
