import { isDeepStrictEqual } from 'node:util';
import fc from 'fast-check';
import { PutCommand } from '@aws-sdk/lib-dynamodb';
import type { ObjectVersion } from '../../../runtime/intake/core';
import type { Checkpoint } from '../../../runtime/intake/attempt';
import { makeHandler } from '../../../runtime/ledger-events/handler';
import { withdrawContents } from '../../../runtime/data-recall/contents';
import { runs, seenAtLeast } from '../../support/property-runs';
import { FakeBus, streamOf } from '../../support/stream-records';
import { reopenOrphans } from '../intake/janitor';
import { problemsOf, SIMPLE, simpleFile } from '../intake/simple-files';
import { BUCKETS, TABLE, World } from '../intake/world';
import { Arena } from './machine';

type Item = Record<string, unknown> & { pk: string };
type Step =
  | { act: 'send'; key: string; seed: string; at: 'now' | 'late' | Checkpoint }
  | { act: 'deliver' }
  | { act: 'tidy' }
  | { act: 'orphan'; tidy: boolean }
  | { act: 'withdraw'; nth: number };

const CHECKPOINTS: Checkpoint[] = ['leased', 'mid-stream', 'valid uploaded', 'both uploaded', 'committed'];
const send = fc.record({
  act: fc.constant('send' as const),
  key: fc.constantFrom('a', 'b', 'c'),
  seed: fc.constantFrom('x', 'y', 'z', 'wrong'),
  at: fc.constantFrom('now' as const, 'now' as const, 'now' as const, 'late' as const, ...CHECKPOINTS),
});
const other = fc.constantFrom<Step>({ act: 'deliver' }, { act: 'tidy' });
const withdrawal = fc.record({ act: fc.constant('withdraw' as const), nth: fc.nat(20) });
/** The same bytes under two keys, of which the first one gets others: what the janitor takes up. */
const orphan = fc.record({ act: fc.constant('orphan' as const), tidy: fc.boolean() });
const step = fc.oneof(
  { weight: 1, arbitrary: orphan },
  { weight: 5, arbitrary: send },
  { weight: 2, arbitrary: other },
  { weight: 1, arbitrary: withdrawal },
);

/** A data path with files that come in any order, die on the way, are the same bytes, are read again, or are withdrawn. */
class History {
  readonly objects: ObjectVersion[] = [];
  private waiting: ObjectVersion[] = [];
  private withdrawals = 0;

  constructor(readonly world: World) {}

  async run(steps: Step[]): Promise<void> {
    for (const step of steps) {
      await this.step(step);
      this.world.pass(200);
    }
  }

  private async step(step: Step): Promise<void> {
    const { world } = this;
    switch (step.act) {
      case 'send': {
        const bytes = step.seed === 'wrong' ? `wrong\n${step.key}` : simpleFile(step.seed);
        const object = world.send(`simple/${step.key}.csv`, bytes);
        this.objects.push(object);
        if (step.at === 'now') {
          await world.attempt(object);
        } else {
          this.waiting.push(object);
          const dies = step.at !== 'late' && (step.seed !== 'wrong' || step.at === 'leased' || step.at === 'committed');
          return dies ? world.failAt(object, step.at as Checkpoint) : undefined;
        }
        return;
      }
      case 'deliver': {
        const late = this.waiting.reverse();
        this.waiting = [];
        for (const object of late) {
          await world.attempt(object);
        }
        return;
      }
      case 'tidy':
        return this.tidy();
      case 'orphan':
        return this.orphan(step.tidy);
      case 'withdraw': {
        const rows = world.rows().filter(({ state, contentSha256 }) => state === 'accounted' && contentSha256 !== undefined);
        const row = rows.at(step.nth % Math.max(1, rows.length));
        const by = {
          withdrawal: `w${++this.withdrawals}`,
          withdrawnAt: world.at.toISOString(),
          withdrawnBy: 'anna',
          withdrawnReason: 'why',
        };
        if (row !== undefined) {
          await withdrawContents({ client: world.db.client, table: TABLE }, new Map([[row.contentSha256!, row.pk]]), by);
        }
      }
    }
  }

  private async orphan(tidy: boolean): Promise<void> {
    const fresh = `x${this.objects.length}`;
    for (const [key, seed] of [
      ['a', fresh],
      ['b', fresh],
      ['a', `${fresh}y`],
    ]) {
      await this.step({ act: 'send', key, seed, at: 'now' });
    }
    return tidy ? this.tidy() : undefined;
  }

  /** The janitor takes up duplicates whose original was superseded; one of them is read again at once, the others later. */
  private async tidy(): Promise<void> {
    const rows = await reopenOrphans(this.world);
    const objects = rows.map((row) => this.objects.find(({ versionId }) => versionId === row.versionId)!);
    this.waiting.push(...objects.slice(1));
    await Promise.all(objects.slice(0, 1).map((object) => this.world.attempt(object)));
  }

  /** Reads everything that is not final. */
  async settle(): Promise<void> {
    for (let round = 0; round < 6; round++) {
      this.world.pass(200);
      for (const object of this.objects) {
        await this.world.attempt(object);
      }
      await reopenOrphans(this.world);
    }
  }
}

/** Lets the recorder follow the ledger's stream, some changes twice. */
async function record(world: World): Promise<void> {
  const follow = makeHandler({
    dataset: 'simple',
    validatedBucket: BUCKETS.validated,
    events: new FakeBus().client,
    s3: world.s3.client,
    logger: { error: () => undefined },
  });
  const Records = streamOf(world.db, TABLE);
  await follow({ Records: Records.slice(-3) });
  await follow({ Records });
}

/** The same storage with another table. */
function withNewTable(world: World): Arena {
  const made = Object.assign(new Arena(), { s3: world.s3, at: world.at });
  made.s3.now = () => made.at;
  made.db.pageSize = 3;
  return made;
}

const rebuild = (world: Arena, dryRun = false) => world.operate({ operation: 'rebuild', dryRun });

async function rebuilt(world: World): Promise<Arena> {
  const made = withNewTable(world);
  expect((await rebuild(made)).failed).toEqual([]);
  return made;
}

const put = (world: World, Item: object) =>
  world.db.client.send(new PutCommand({ TableName: TABLE, Item: Item as Record<string, unknown> }));

/** All items but the one by which operations keep each other out. */
const itemsOf = (world: World) =>
  new Map(world.db.items<Item>(TABLE).flatMap((item): [string, Item][] => (item.pk === 'operation' ? [] : [[item.pk, item]])));
const isFinal = (item: Item | undefined) => item?.state === 'accounted' || item?.state === 'rejected';

/** What a rebuilt table must be, said by the old table alone: every final row and every pointer, and nothing else but rows that are read again. */
function differences(old: World, made: World): string[] {
  const [before, after] = [itemsOf(old), itemsOf(made)];
  const lost = [...before.values()]
    .filter((item) => !item.pk.startsWith('object#') || isFinal(item))
    .filter((item) => !isDeepStrictEqual(item, after.get(item.pk)))
    .map((item) => `${JSON.stringify(item)} became ${JSON.stringify(after.get(item.pk))}`);
  const made_up = [...after.values()]
    .filter((item) => !isFinal(before.get(item.pk)) && !(item.duplicateOf !== undefined && before.get(item.pk)?.reopened !== undefined))
    .filter((item) => item.pk.startsWith('object#') || !before.has(item.pk))
    .map((item) => `${item.pk} was not there`);
  return [...lost, ...made_up];
}

describe('a ledger that is rebuilt from its commit records [D4]', () => {
  test('is the old one, item for item, after any history', async () => {
    const seen = { superseded: 0, duplicates: 0, reopened: 0, withdrawn: 0, rejected: 0, unfinished: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 4, maxLength: 22 }), async (steps) => {
        const history = new History(new World(SIMPLE));
        await history.run(steps);
        await record(history.world);
        expect(differences(history.world, await rebuilt(history.world))).toEqual([]);
        const rows = history.world.rows();
        seen.superseded += rows.filter(({ supersededBy }) => supersededBy !== undefined).length;
        seen.duplicates += rows.filter(({ duplicateOf }) => duplicateOf !== undefined).length;
        seen.reopened += rows.filter(({ reopened }) => reopened !== undefined).length;
        seen.withdrawn += rows.filter((row) => row.withdrawal !== undefined).length;
        seen.rejected += rows.filter(({ state }) => state === 'rejected').length;
        seen.unfinished += rows.filter(({ state }) => state === 'validating' || state === 'received').length;
      }),
      { numRuns: runs(25), includeErrorInReport: true },
    );
    Object.values(seen).forEach((times) => expect(times).toBeGreaterThanOrEqual(seenAtLeast(1, 25)));
  });

  test('goes on as the old one would have: every record exactly once, whatever was on its way', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(fc.oneof({ weight: 6, arbitrary: send }, other), { minLength: 2, maxLength: 10 }),
        fc.array(fc.oneof({ weight: 6, arbitrary: send }, other), { minLength: 1, maxLength: 8 }),
        async (before, after) => {
          const history = new History(new World(SIMPLE));
          await history.run(before);
          await record(history.world);
          const next = new History(await rebuilt(history.world));
          next.objects.push(...history.objects);
          await next.run(after);
          await next.settle();
          expect(problemsOf(next.world)).toEqual([]);
        },
      ),
      { numRuns: runs(10), includeErrorInReport: true },
    );
  });

  test('changes nothing when it is whole, and makes an older state of it the newer one', async () => {
    await fc.assert(
      fc.asyncProperty(
        fc.array(send, { minLength: 3, maxLength: 10 }),
        fc.array(step, { minLength: 3, maxLength: 10 }),
        async (before, after) => {
          const history = new History(new World(SIMPLE));
          await history.run(before);
          const restored = withNewTable(history.world);
          for (const item of itemsOf(history.world).values()) {
            await put(restored, item);
          }
          await history.run(after);
          await record(history.world);
          const whole = Object.assign(withNewTable(history.world), { db: history.world.db });
          expect((await rebuild(whole, true)).plan).toMatchObject({ first: [], totals: { items: 0, missing: 0, older: 0, conflicts: 0 } });
          expect((await rebuild(restored)).failed).toEqual([]);
          const lacking = differences(history.world, restored).filter((text) => !/^object#\S+ was not there$/.test(text));
          expect(lacking).toEqual([]);
        },
      ),
      { numRuns: runs(10), includeErrorInReport: true },
    );
  });
});

describe('what is written [D4]', () => {
  test('takes no head back while the row that it names is read again', async () => {
    const history = new History(new World(SIMPLE));
    await history.run(['bx', 'ay', 'by', 'az'].map(([key, seed]) => ({ act: 'send', key, seed, at: 'now' })));
    await record(history.world);
    const [reopened] = await reopenOrphans(history.world);
    expect([reopened.key, history.world.row(reopened).state]).toEqual(['simple/b.csv', 'received']);
    const whole = Object.assign(withNewTable(history.world), { db: history.world.db });
    expect((await rebuild(whole, true)).plan.totals).toMatchObject({ items: 0, conflicts: 0 });
  });

  async function lost() {
    const history = new History(new World(SIMPLE));
    await history.run([...'xyz'].map((seed, i) => ({ act: 'send', key: 'abc'[i], seed, at: 'now' })));
    await record(history.world);
    return { history, made: withNewTable(history.world) };
  }

  test('is told before, and a dry run writes nothing of it', async () => {
    const { history, made } = await lost();
    const seen = await rebuild(made, true);
    expect(seen.plan.totals).toEqual({ items: 9, missing: 9, older: 0, conflicts: 0, same: 0, newer: 0, records: 3 });
    expect(seen.plan.first).toContainEqual({ item: history.world.rows()[0].pk, what: 'missing' });
    expect([...itemsOf(made).keys()]).toEqual([]);
    const done = await rebuild(made);
    expect([done.totals, done.before, done.after]).toMatchObject([{ written: 9 }, { files: 0, read: 0 }, { files: 3, read: 18 }]);
    expect(made.entries(done).map(({ item }) => item)).toEqual(expect.arrayContaining([...itemsOf(history.world).keys()]));
    expect((await rebuild(made, true)).plan.totals).toMatchObject({ items: 0, same: 9, newer: 0 });
    expect(differences(history.world, made)).toEqual([]);
  });

  test('is written during a freeze as well, which is when a lost ledger is rebuilt', async () => {
    const { history, made } = await lost();
    const freeze = { pk: 'freeze', freeze: 'f', since: '', until: '2026-04-01T00:00:00.000Z', by: 'ben', reason: 'lost' };
    await put(made, freeze);
    expect((await rebuild(made)).totals).toMatchObject({ written: 9 });
    expect(itemsOf(made).get('freeze')).toEqual(freeze);
    await put(history.world, freeze);
    expect(differences(history.world, made)).toEqual([]);
  });

  test('is left out where somebody was faster, and named; the next one completes it', async () => {
    const { history, made } = await lost();
    const taken = history.world.rows()[1];
    made.db.before = (name, input) => {
      if (name === 'PutItem' && JSON.stringify(input.Item).includes(JSON.stringify({ S: taken.pk }))) {
        made.db.before = () => undefined;
        return put(made, { ...taken, state: 'validating' }).then(() => undefined);
      }
      return undefined;
    };
    const first = await rebuild(made);
    expect(first.failed).toEqual([{ outcome: 'failed', item: taken.pk, why: 'changed meanwhile: run the same operation again' }]);
    expect(itemsOf(made).get(taken.pk)).toMatchObject({ state: 'validating' });
    expect((await rebuild(made)).totals).toMatchObject({ written: 1 });
    expect(differences(history.world, made)).toEqual([]);
  });

  test('is completed by the next execution wherever the first one was cut off, and is the same then', async () => {
    let cut = 0;
    for (let nth = 0; nth < 40; nth += 2) {
      const { history, made } = await lost();
      let calls = 0;
      made.db.before = () => {
        if (calls++ >= nth) {
          throw new Error('cut off');
        }
      };
      cut += await rebuild(made).then(
        () => 0,
        () => 1,
      );
      made.db.before = () => undefined;
      made.pass(1201);
      expect((await rebuild(made)).failed).toEqual([]);
      expect(differences(history.world, made)).toEqual([]);
    }
    expect(cut).toBeGreaterThanOrEqual(8);
  });

  test('goes on in the next step when the time of one is over', async () => {
    const { history, made } = await lost();
    const done = await made.operate({ operation: 'rebuild' }, {}, () => 0);
    expect(done.totals).toMatchObject({ written: 9 });
    expect(differences(history.world, made)).toEqual([]);
  });

  test('is never a row that the table has in another form of the same age: that is a conflict, which is named', async () => {
    const { history, made } = await lost();
    const row = history.world.rows()[0];
    await put(made, { ...row, contentBytes: 1 });
    const why = { item: row.pk, what: 'differs and is neither older nor newer: it is left as it is' };
    expect((await rebuild(made, true)).plan).toMatchObject({ totals: { conflicts: 1 }, first: expect.arrayContaining([why]) });
    const done = await rebuild(made);
    expect(done.failed).toEqual([{ outcome: 'failed', item: row.pk, why: why.what }]);
    expect(itemsOf(made).get(row.pk)).toMatchObject({ contentBytes: 1 });
  });

  test('is nothing when an object is no commit record: that is refused', async () => {
    const { history, made } = await lost();
    history.world.s3.put(BUCKETS.validated, 'simple/x/version=1/attempt=2/commit.json', '{"pk": "object#other#1"}');
    const refused = rebuild(made);
    await expect(refused).rejects.toThrow(/^DamagedRecord: s3:\/\/validated\/simple\/x\/.*: restore an earlier version/);
    await expect(refused).rejects.toMatchObject({ name: 'OperationRefused' });
    expect([...itemsOf(made).keys()]).toEqual([]);
  });
});
