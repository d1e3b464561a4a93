import { gzipSync } from 'node:zlib';
import { committedFiles } from '../../../runtime/dataset-builder/core';
import { janitorOf } from '../intake/janitor';
import { simpleFile } from '../intake/simple-files';
import { BUCKETS, TABLE } from '../intake/world';
import { makeHandler as makeRecorder } from '../../../runtime/ledger-events/handler';
import { FakeBus, streamOf } from '../../support/stream-records';
import { DynamoDbFailure } from '../../support/fake-dynamodb';
import { Arena, CONTRACTS, QUEUES } from './machine';

/** Two files judged by the strict contract, 6 records each, of which 1 is in quarantine; then another contract is deployed. */
async function judgedBefore(deployed: string, ...more: [string, string][]): Promise<Arena> {
  const world = new Arena();
  for (const [key, text] of [['simple/a.csv', simpleFile('a')], ['simple/b.csv', simpleFile('b')], ...more]) {
    await world.take(world.send(key, text));
  }
  world.deployed = deployed;
  return world;
}

const rowOf = (world: Arena, key: string) => world.rows().find((row) => row.key === key)!;

describe('revalidate [D6]', () => {
  test('releases records that the new contract accepts: read = valid + released + quarantined now', async () => {
    const world = await judgedBefore('loose');
    const before = rowOf(world, 'simple/a.csv');
    world.pass(60);
    const outcome = await world.operate({ operation: 'revalidate' });
    expect(outcome.totals).toEqual({ judged: 2, read: 12, validBefore: 10, released: 2, refused: 0, valid: 12, quarantined: 0 });
    expect(outcome.failed).toEqual([]);
    const row = rowOf(world, 'simple/a.csv');
    expect(row).toMatchObject({
      ...{ state: 'accounted', contract: 'loose', attempts: 2, reopened: 1, accountedAt: before.accountedAt },
      counts: { read: 6, valid: 6, quarantined: 0, byRule: {} },
      rejudged: { operation: 'run-1', released: 1, refused: 0 },
    });
    const { attempt, counts, validated, quarantine, validator, contract } = before;
    expect(row.earlier).toEqual([{ attempt, counts, validated, quarantine, validator, contract }]);
    expect(world.problems()).toEqual([]);
  });

  test('leaves a report of who, what, why and when, of the books before and after, and of every file', async () => {
    const world = await judgedBefore('loose');
    const outcome = await world.operate({ operation: 'revalidate', reason: 'D942DN is a tail number', requestedBy: 'anna' });
    expect(world.report(outcome)).toMatchObject({
      ...{ id: 'run-1', dataset: 'simple', operation: 'revalidate', dryRun: false, requestedBy: 'anna' },
      ...{ reason: 'D942DN is a tail number', contract: 'loose', startedAt: world.at.toISOString(), endedAt: world.at.toISOString() },
      plan: { totals: { files: 2, rejected: 0, records: 12, quarantined: 2 } },
      before: { files: 2, read: 12, valid: 10, quarantined: 2, contracts: { strict: 2 } },
      after: { files: 2, read: 12, valid: 12, quarantined: 0, contracts: { loose: 2 } },
      ...{ failed: [], parts: 1 },
    });
    expect(outcome.report.key).toBe('simple/operations/run-1/report.json');
    expect(world.entries(outcome)).toEqual(
      ['simple/a.csv', 'simple/b.csv'].map((key) => ({
        ...{ outcome: 'judged', key, versionId: rowOf(world, key).versionId },
        ...{ read: 6, validBefore: 5, released: 1, refused: 0, valid: 6, quarantined: 0 },
      })),
    );
  });

  test('does nothing in a dry run, which is what it does unless told otherwise, but says what it would do', async () => {
    const world = await judgedBefore('loose');
    const before = world.rows();
    const outcome = await world.operate({ operation: 'revalidate', dryRun: undefined });
    expect(outcome).toMatchObject({ dryRun: true, totals: {}, parts: 0, before: { valid: 10 } });
    expect(outcome.after).toBeUndefined();
    expect(outcome.plan).toEqual({
      totals: { files: 2, rejected: 0, records: 12, quarantined: 2, bytes: before.reduce((sum, row) => sum + row.contentBytes!, 0) },
      first: before.map(({ key, versionId }) => ({ key, versionId, state: 'accounted', records: 6, quarantined: 1, contract: 'strict' })),
    });
    expect(world.rows()).toEqual(before);
  });

  test('takes no record away: a file whose valid records would go to quarantine keeps its result, and the report says to re-run it', async () => {
    const world = await judgedBefore('tight', ['simple/few.csv', 'id,amount\nx,1\n']);
    const outcome = await world.operate({ operation: 'revalidate' });
    expect(outcome.totals).toMatchObject({ judged: 1, failed: 2, released: 0 });
    expect(outcome.failed).toMatchObject([
      {
        key: 'simple/a.csv',
        why: 'records that were valid would go to quarantine, 2 of them: it keeps its result; use rerun if that is meant',
      },
      { key: 'simple/b.csv' },
    ]);
    expect(rowOf(world, 'simple/a.csv')).toMatchObject({ contract: 'strict', attempts: 1 });
    expect(rowOf(world, 'simple/few.csv')).toMatchObject({ contract: 'tight', attempts: 2 });
    expect(world.problems()).toEqual([]);
  });

  test('keeps primary keys unique: a released record whose key an earlier one has stays in quarantine', async () => {
    const world = await judgedBefore('loose', ['simple/c.csv', 'id,amount\nx,1\nx,bad\ny,bad\ny,worse\n']);
    await world.operate({ operation: 'revalidate' });
    const { counts, rejudged } = rowOf(world, 'simple/c.csv');
    expect(counts).toEqual({ read: 4, valid: 2, quarantined: 2, byRule: { 'duplicate key': 2 } });
    expect(rejudged).toMatchObject({ released: 1, refused: 0 });
  });

  test('does not let a released record push out a valid one of its key: that changes a record, which only a rerun does', async () => {
    const world = await judgedBefore('loose', ['simple/c.csv', 'id,amount\nx,bad\nx,1\n']);
    expect((await world.operate({ operation: 'revalidate', selection: { prefix: 'simple/c' } })).failed).toMatchObject([
      { why: expect.stringContaining('records that were valid would go to quarantine, 1 of them') },
    ]);
    await world.operate({ operation: 'rerun', selection: { prefix: 'simple/c' } });
    expect(rowOf(world, 'simple/c.csv')).toMatchObject({
      counts: { read: 2, valid: 1, quarantined: 1, byRule: { 'duplicate key': 1 } },
      rejudged: { released: 1, refused: 1 },
    });
  });
});

describe('rerun [D6]', () => {
  test('judges older files by the deployed contract, whatever that means for their records', async () => {
    const world = await judgedBefore('other');
    const outcome = await world.operate({ operation: 'rerun' });
    expect(outcome.totals).toMatchObject({ judged: 2, read: 12, validBefore: 10, released: 2, refused: 4, valid: 8, quarantined: 4 });
    expect(world.problems()).toEqual([]);
  });

  test('is the way out of MixedContracts, and what older dataset versions pin stays readable', async () => {
    const world = await judgedBefore('loose');
    await world.take(world.send('simple/c.csv', simpleFile('c')));
    expect(() => committedFiles('simple', world.rows())).toThrow(/^MixedContracts: .*npm run intake -- rerun/);
    const pinned = rowOf(world, 'simple/a.csv').validated!;
    await world.operate({ operation: 'rerun' });
    expect(committedFiles('simple', world.rows())).toHaveLength(3);
    world.pass(3 * 86_400);
    await janitorOf(world).run();
    expect(world.s3.versions.some(({ key, versionId }) => key === pinned.key && versionId === pinned.versionId)).toBe(true);
    expect(world.s3.current(BUCKETS.validated).some(({ key }) => key === pinned.key)).toBe(true);
  });

  test('passes over files that the deployed contract has judged, and those that do not count; twice is once', async () => {
    const world = await judgedBefore('loose', ['simple/same.csv', simpleFile('a')], ['simple/b.csv', simpleFile('b2')]);
    await world.take(world.send('simple/new.csv', simpleFile('n')));
    expect((await world.operate({ operation: 'rerun' })).totals).toMatchObject({ judged: 2 });
    expect((await world.operate({ operation: 'rerun' })).totals).toEqual({});
    expect(world.problems()).toEqual([]);
  });

  test('takes with `all` those too, by which damaged outputs are made again', async () => {
    const world = await judgedBefore('strict');
    const outcome = await world.operate({ operation: 'rerun', selection: { all: true, prefix: 'simple/a' } });
    expect(outcome.totals).toMatchObject({ judged: 1, released: 0, refused: 0 });
    expect(rowOf(world, 'simple/a.csv').attempts).toBe(2);
    expect(world.problems()).toEqual([]);
  });

  test('sends rejected files to the intake again, unless a newer one has come or their bytes are gone', async () => {
    const world = new Arena();
    const objects = ['wrong', 'replaced', 'gone'].map((name) => world.send(`simple/${name}.csv`, `header\n${name}\n`));
    world.s3.versions.splice(
      world.s3.versions.findIndex(({ versionId }) => versionId === objects[2].versionId),
      1,
    );
    for (const object of [...objects, world.send('simple/replaced.csv', simpleFile('r'))]) {
      await world.take(object);
    }
    world.deployed = 'loose';
    const outcome = await world.operate({ operation: 'rerun' });
    expect(outcome.plan.totals).toMatchObject({ files: 3, rejected: 2 });
    expect(outcome.totals).toMatchObject({ 'sent again': 1, replaced: 1, judged: 1 });
    expect(world.queues.bodies(QUEUES.intake)).toHaveLength(1);
    expect(world.row(objects[0])).toMatchObject({ state: 'received', reopened: 1 });
    expect(world.row(objects[0]).reason).toBeUndefined();
    await world.drain();
    expect(world.row(objects[0])).toMatchObject({ state: 'rejected', contract: 'loose', reason: expect.stringContaining('header') });
  });

  test('takes no file out of the books: what the contract would reject, or whose bytes are gone, keeps its result', async () => {
    const world = await judgedBefore('loose');
    const gone = rowOf(world, 'simple/b.csv');
    world.s3.versions.splice(
      world.s3.versions.findIndex(({ versionId }) => versionId === gone.versionId),
      1,
    );
    const { contract } = CONTRACTS.loose;
    const wider = { ...contract, columns: [...contract.columns, { ...contract.columns[0], name: 'added' }] };
    const before = world.rows();
    const outcome = await world.operate({ operation: 'rerun' }, { contract: () => Promise.resolve(wider) });
    expect(outcome.failed).toMatchObject([
      { key: 'simple/a.csv', why: expect.stringMatching(/^the contract would reject it: .*added.*: it keeps its result/) },
      { key: 'simple/b.csv', why: expect.stringMatching(/^the contract would reject it: gone/) },
    ]);
    expect(world.rows()).toEqual(before);
  });

  test('refuses a file that would have another number of records, and one of which nobody can say what was in quarantine', async () => {
    const world = await judgedBefore('loose');
    const { contract } = CONTRACTS.loose;
    const lost = rowOf(world, 'simple/b.csv').quarantine!;
    world.s3.versions.splice(
      world.s3.versions.findIndex(({ versionId }) => versionId === lost.versionId),
      1,
    );
    const outcome = await world.operate({ operation: 'rerun' }, { contract: () => Promise.resolve({ ...contract, format: 'jsonl' }) });
    expect(outcome.failed).toMatchObject([
      { why: 'it has 7 records by this contract and had 6: its format changed; send it again under its key' },
      {
        why: expect.stringMatching(
          /^what was in quarantine is gone .* it keeps its result; send the file again under its key with one more newline/,
        ),
      },
    ]);
  });

  test('refuses a file whose raw version has other bytes than those that were judged, and the file that is sent instead counts', async () => {
    const world = await judgedBefore('loose');
    const { versionId } = rowOf(world, 'simple/b.csv');
    const raw = world.s3.versions.find((version) => version.versionId === versionId)!;
    raw.bytes = Buffer.from(simpleFile('c'));
    const outcome = await world.operate({ operation: 'rerun' });
    expect(outcome.failed).toMatchObject([
      {
        key: 'simple/b.csv',
        why: expect.stringMatching(
          /^its raw version has the SHA-256 \w{64}, and the bytes that were judged \w{64}: .* with one more newline/,
        ),
      },
    ]);
    await world.take(world.send('simple/b.csv', `${simpleFile('b')}\n`));
    expect(world.rows().find((row) => row.versionId === versionId)).toMatchObject({ supersededBy: expect.any(String) });
    expect(world.rows().findLast(({ key }) => key === 'simple/b.csv')).toMatchObject({ state: 'accounted', counts: { read: 6, valid: 6 } });
  });

  test('announces a file once more, with an id of its own, and leaves one more commit record', async () => {
    const world = await judgedBefore('loose');
    await world.operate({ operation: 'rerun' });
    const bus = new FakeBus();
    const logger = { error: () => undefined };
    const deps = { dataset: 'simple', validatedBucket: BUCKETS.validated, bus: 'bus', events: bus.client, s3: world.s3.client, logger };
    await makeRecorder(deps)({ Records: streamOf(world.db, TABLE) });
    const { pk, versionId, counts, rejudged } = rowOf(world, 'simple/a.csv');
    const events = bus.details<Record<string, unknown>>().filter((detail) => detail.versionId === versionId);
    expect(events.map(({ eventId }) => eventId)).toEqual([pk, `${pk}#1`]);
    expect(events[1]).toMatchObject({ counts, rejudged });
    const records = world.s3.current(BUCKETS.validated).filter(({ key }) => key.includes(versionId) && key.endsWith('commit.json'));
    expect(records).toHaveLength(2);
  });

  test('keeps the ten newest results of a row', async () => {
    const world = await judgedBefore('loose');
    for (let i = 0; i < 12; i++) {
      await world.operate({ operation: 'rerun', selection: { all: true, prefix: 'simple/a' } });
    }
    const { earlier, attempts } = rowOf(world, 'simple/a.csv');
    expect([earlier!.length, attempts, earlier!.at(-1)!.contract]).toEqual([10, 13, 'loose']);
    expect(world.problems()).toEqual([]);
  });
});

describe('while an operation judges a file again, [D6]', () => {
  test('a newer version that comes replaces it, whoever is first', async () => {
    for (const moment of ['quarantine read', 'judged'] as const) {
      const world = await judgedBefore('loose');
      let came = false;
      const reached = async (at: string) => {
        if (at === moment && !came) {
          came = true;
          await world.take(world.send('simple/a.csv', simpleFile('a2')));
        }
      };
      const outcome = await world.operate({ operation: 'rerun' }, { reached });
      expect(outcome.totals).toMatchObject({ judged: 1, 'changed meanwhile': 1 });
      expect(world.problems()).toEqual([]);
    }
  });

  test('one that wakes up after another execution has judged the file changes nothing', async () => {
    const world = await judgedBefore('loose');
    let asleep = true;
    const reached = async (at: string) => {
      if (at === 'judged' && asleep) {
        asleep = false;
        world.pass(1201);
        await world.operate({ operation: 'rerun' });
      }
    };
    await expect(world.operate({ operation: 'rerun' }, { reached })).rejects.toThrow(/^OperationUnderWay: rerun run-2/);
    expect(world.rows().map(({ attempts, rejudged }) => [attempts, rejudged!.operation])).toEqual([
      [2, 'run-2'],
      [2, 'run-2'],
    ]);
    expect(world.problems()).toEqual([]);
  });

  test('a transaction that meets its write only delays it, and a table that throttles is asked again', async () => {
    const world = await judgedBefore('loose');
    let [conflicts, throttles] = [3, 2];
    world.db.before = (name, input) => {
      if (name === 'UpdateItem' && String(input.UpdateExpression).includes('earlier')) {
        if (conflicts-- > 0) {
          throw new DynamoDbFailure('TransactionConflictException');
        }
        if (throttles-- > 0) {
          throw new DynamoDbFailure('ThrottlingException');
        }
      }
    };
    const outcome = await world.operate({ operation: 'rerun' });
    expect([outcome.totals.judged, world.deaths]).toEqual([2, 2]);
    expect(world.problems()).toEqual([]);
  });

  test('a step whose time is over stops, and the next one goes on behind it', async () => {
    const world = await judgedBefore('loose', ['simple/c.csv', simpleFile('c')]);
    const outcome = await world.operate({ operation: 'rerun' }, {}, () => 0);
    expect(outcome).toMatchObject({ totals: { judged: 3 }, parts: 3 });
    expect(world.entries(outcome).map(({ key }) => key)).toEqual(['simple/a.csv', 'simple/b.csv', 'simple/c.csv']);
    expect(world.problems()).toEqual([]);
  });

  test('a file at which every step fails is left out with its error', async () => {
    const world = await judgedBefore('loose');
    const { key } = rowOf(world, 'simple/a.csv').quarantine!;
    world.s3.versions.find((version) => version.key === key)!.bytes = gzipSync('{"record":4}\n');
    const outcome = await world.operate({ operation: 'rerun' });
    expect(outcome.failed).toMatchObject([
      {
        key: 'simple/a.csv',
        why: expect.stringMatching(
          /^DamagedQuarantine: .* has 1 records, SHA-256 \w{64}; the ledger names 1 records, SHA-256 \w{64}: .*send the file again under its key$/,
        ),
      },
    ]);
    expect(outcome.totals).toMatchObject({ judged: 1, failed: 1 });
  });

  test('a file at which every step dies is left out, and the others are judged', async () => {
    const world = await judgedBefore('loose', ['simple/c.csv', simpleFile('c')]);
    world.s3.before = (name, place) => {
      return name === 'GetObject' && place.key === 'simple/b.csv' ? world.die() : undefined;
    };
    const outcome = await world.operate({ operation: 'rerun' });
    expect(outcome).toMatchObject({
      totals: { judged: 2, failed: 1 },
      failed: [{ key: 'simple/b.csv', why: expect.stringContaining('died') }],
    });
    world.s3.before = () => undefined;
    expect(world.entries(outcome)).toHaveLength(3);
    expect(world.deaths).toBe(3);
    expect(world.problems()).toEqual([]);
  });
});
