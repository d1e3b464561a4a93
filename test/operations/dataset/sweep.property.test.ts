import { createHash } from 'node:crypto';
import fc from 'fast-check';
import { FileItem, fileItems } from '../../../operations/dataset/ledger-rows';
import { planRetention, SETTLED_HOURS } from '../../../operations/dataset/retention';
import { sweep } from '../../../operations/dataset/sweep';
import { statisticsOf, Store, storedOf, versionsOf } from '../../../operations/dataset/versions';
import { Manifest, queryKey } from '../../../runtime/dataset-builder/core';
import { counts } from '../../../runtime/shared/ledger-rows';
import { withdrawContents } from '../../../runtime/data-recall/contents';
import { runs, seenAtLeast } from '../../support/property-runs';
import { builderOf, CATALOGUE } from '../../runtime/dataset-builder/setting';
import { janitorOf } from '../../runtime/intake/janitor';
import { SIMPLE } from '../../runtime/intake/simple-files';
import { BUCKETS, TABLE, World } from '../../runtime/intake/world';

const BY = { withdrawal: 'w', withdrawnAt: '2026-03-01T00:00:00.000Z', withdrawnBy: 'me', withdrawnReason: 'wrong' };

type Step =
  | { act: 'send'; key: string; seed: number }
  | { act: 'publish'; named: boolean }
  | { act: 'pass'; hours: number }
  | { act: 'withdraw'; nth: number }
  | { act: 'sweep'; keep: number };

const step: fc.Arbitrary<Step> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ act: fc.constant('send' as const), key: fc.constantFrom('a', 'b', 'c'), seed: fc.nat(5) }) },
  { weight: 4, arbitrary: fc.record({ act: fc.constant('publish' as const), named: fc.boolean() }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('pass' as const), hours: fc.constantFrom(1, SETTLED_HOURS, 100) }) },
  { weight: 1, arbitrary: fc.record({ act: fc.constant('withdraw' as const), nth: fc.nat(5) }) },
  { weight: 2, arbitrary: fc.record({ act: fc.constant('sweep' as const), keep: fc.integer({ min: 1, max: 3 }) }) },
);

/** Files with records of the same keys, so that versions exclude some; many runs of them lie in an object of their own. */
const fileOf = (seed: number) =>
  ['id,amount', ...Array.from({ length: 260 }, (_, i) => (i % 2 === 0 ? `shared-${i},${seed}` : `${seed}-${i},1`)), ''].join('\n');

class History {
  readonly world = new World(SIMPLE);
  readonly named = new Map<string, string[]>();
  readonly total = { versions: 0, objects: 0, excluded: 0 };
  readonly store: Store = {
    ...{ tables: this.world.db.client, objects: this.world.s3.client },
    ...{ catalogue: CATALOGUE, bucket: BUCKETS.validated },
  };

  async run(steps: readonly Step[]): Promise<void> {
    for (const one of steps) {
      this.world.pass(1);
      await this.perform(one);
    }
  }

  private async perform(one: Step): Promise<void> {
    switch (one.act) {
      case 'send':
        await this.world.attempt(this.world.send(`simple/${one.key}`, fileOf(one.seed)));
        return this.settle();
      case 'publish':
        return this.publish(one.named);
      case 'pass':
        return this.world.pass(one.hours * 3600);
      case 'withdraw':
        return this.withdraw(one.nth);
      case 'sweep':
        await this.sweep(one.keep);
        return this.check(one.keep);
    }
  }

  private async withdraw(nth: number): Promise<void> {
    const rows = this.current();
    if (rows.length > 0) {
      const { contentSha256, pk } = rows[nth % rows.length];
      const by = { ...BY, withdrawnAt: this.world.at.toISOString() };
      await withdrawContents({ client: this.world.db.client, table: TABLE }, new Map([[contentSha256!, pk]]), by);
    }
  }

  private current() {
    return this.world.rows().filter(counts);
  }

  /** What the janitor sends again, because its original was replaced, is read. */
  private async settle(): Promise<void> {
    const janitor = janitorOf(this.world);
    await janitor.run();
    for (const object of janitor.sent) {
      await this.world.attempt(object);
    }
  }

  private async publish(named: boolean): Promise<void> {
    if (this.current().length > 0) {
      const { build, manifestOf } = builderOf(this.world, undefined, undefined, undefined, { query: 'contract-1' });
      const answer = await build({ dataset: 'simple' });
      this.total.excluded += manifestOf(answer).objects.filter(({ excludedIn }) => excludedIn !== undefined).length;
      if (named) {
        this.named.set(answer.id, ['delay/1 (Rejected)']);
      }
    }
  }

  async sweep(keep: number): Promise<void> {
    const versions = await versionsOf(this.store, 'simple');
    const ledger = await fileItems(this.world.db.client, TABLE);
    const stored = await storedOf(this.store, 'simple');
    const plan = planRetention({ versions, named: this.named, ledger, stored, keep, now: this.world.at });
    const done = await sweep(this.store, plan);
    expect(done.moved).toEqual([]);
    this.total.versions += done.versions;
    this.total.objects += done.objects;
  }

  /** Whatever stays can be read whole; what counts can be published; nothing that is gone is still offered. */
  async check(keep: number): Promise<void> {
    const versions = await versionsOf(this.store, 'simple');
    const ids = versions.map(({ row }) => row.id);
    expect([...this.named.keys()].filter((id) => !ids.includes(id))).toEqual([]);
    expect(ids.filter((id) => !this.named.has(id)).length).toBeLessThanOrEqual(keep);
    for (const { row, manifest } of versions) {
      expect(row.id).toBe((manifest as unknown as Manifest).id);
      expect(await statisticsOf(this.store, manifest)).toHaveLength(2);
      (manifest as unknown as Manifest).objects
        .flatMap((it) => [it, ...(it.excludedIn ? [it.excludedIn] : [])])
        .forEach((it) => this.intact(it));
      this.intact((manifest as unknown as Manifest).query!);
    }
    const queried = this.world.s3.versions.filter(({ key }) => key.startsWith('datasets/simple/query/')).map(({ key }) => key);
    expect(queried.sort()).toEqual(ids.map((id) => queryKey('simple', id)).sort());
    this.current().forEach(({ validated }) => this.intact(validated!));
    const left = this.world.s3.versions.filter(({ key }) => key.endsWith('/manifest.json')).map(({ key }) => key.split('/')[2]);
    expect(left.sort()).toEqual([...ids].sort());
  }

  private intact({ key, versionId, sha256 }: { key: string; versionId: string; sha256: string }): void {
    expect(
      createHash('sha256')
        .update(this.world.s3.read(BUCKETS.validated, key, versionId))
        .digest('hex'),
    ).toBe(sha256);
  }
}

describe('a sweep of dataset versions [D7]', () => {
  test('leaves every version that something names, or that is new, whole, whatever came before', async () => {
    const total = { versions: 0, objects: 0, excluded: 0 };
    await fc.assert(
      fc.asyncProperty(fc.array(step, { minLength: 8, maxLength: 30 }), async (steps) => {
        const history = new History();
        await history.run([...steps, { act: 'publish', named: false }, { act: 'pass', hours: SETTLED_HOURS }, { act: 'sweep', keep: 1 }]);
        total.versions += history.total.versions;
        total.objects += history.total.objects;
        total.excluded += history.total.excluded;
      }),
      { numRuns: runs(40) },
    );
    expect(total.versions).toBeGreaterThanOrEqual(seenAtLeast(5, 40));
    expect(total.objects).toBeGreaterThan(total.versions);
    expect(total.excluded).toBeGreaterThanOrEqual(seenAtLeast(5, 40));
  });

  test('keeps records of a replaced file for a day, and no longer', async () => {
    const history = new History();
    await history.run([
      { act: 'send', key: 'a', seed: 1 },
      { act: 'send', key: 'a', seed: 2 },
      { act: 'publish', named: false },
    ]);
    history.world.pass(SETTLED_HOURS * 3600 - 2);
    await history.sweep(1);
    expect(history.total.objects).toBe(0);
    history.world.pass(2);
    await history.sweep(1);
    expect(history.total).toMatchObject({ versions: 0, objects: 1 });
    await history.check(1);
  });

  test('that ends halfway leaves no version that lacks something, and the next one goes on', async () => {
    const history = new History();
    await history.run([
      { act: 'send', key: 'a', seed: 1 },
      { act: 'publish', named: false },
      { act: 'send', key: 'a', seed: 2 },
      { act: 'publish', named: false },
      { act: 'pass', hours: SETTLED_HOURS },
    ]);
    history.world.s3.before = (operation) => {
      if (operation === 'DeleteObjects') {
        throw new Error('died');
      }
    };
    await expect(history.sweep(1)).rejects.toThrow('died');
    history.world.s3.before = () => undefined;
    expect((await versionsOf(history.store, 'simple')).map(({ row }) => row.rows)).toEqual([260]);
    await history.sweep(1);
    expect(history.total.objects).toBe(4);
    await history.check(1);
    await history.sweep(1);
    expect(history.total.objects).toBe(4);
  });

  test('leaves a version that was published again meanwhile, and then no records go either', async () => {
    const history = new History();
    await history.run([
      { act: 'send', key: 'a', seed: 1 },
      { act: 'publish', named: false },
      { act: 'send', key: 'a', seed: 2 },
      { act: 'publish', named: false },
      { act: 'pass', hours: SETTLED_HOURS },
    ]);
    const versions = await versionsOf(history.store, 'simple');
    const ledger = history.world.rows() as unknown as FileItem[];
    const plan = planRetention({
      versions,
      named: new Map(),
      ledger,
      stored: await storedOf(history.store, 'simple'),
      keep: 1,
      now: history.world.at,
    });
    expect([plan.doomed.length, plan.records.length]).toEqual([1, 1]);
    const { row } = plan.doomed[0].version;
    const changed = {
      ...plan,
      doomed: [{ ...plan.doomed[0], version: { ...plan.doomed[0].version, row: { ...row, publishedAt: 'before' } } }],
    };
    expect(await sweep(history.store, changed)).toEqual({ versions: 0, objects: 0, moved: [row.id] });
  });

  test('lets the records of a withdrawn file go after a day and what is queried of a withdrawn version at once, but not what keeps it from coming again', async () => {
    const history = new History();
    await history.run([
      { act: 'send', key: 'a', seed: 1 },
      { act: 'send', key: 'b', seed: 2 },
      { act: 'publish', named: false },
      { act: 'withdraw', nth: 0 },
      { act: 'publish', named: false },
      { act: 'pass', hours: SETTLED_HOURS },
    ]);
    const [first] = await versionsOf(history.store, 'simple');
    const withdrawn = { ...first, row: { ...first.row, ...BY } };
    const ledger = history.world.rows() as unknown as FileItem[];
    const inputs = { named: new Map(), ledger, stored: await storedOf(history.store, 'simple'), keep: 1, now: history.world.at };
    const others = (await versionsOf(history.store, 'simple')).slice(1);
    expect(planRetention({ ...inputs, versions: [first, ...others] })).toMatchObject({ doomed: [{}], records: [{}] });
    expect(planRetention({ ...inputs, versions: [withdrawn, ...others] })).toMatchObject({
      doomed: [],
      records: [{ key: queryKey('simple', first.row.id) }],
      orphans: [],
    });
  });
});
