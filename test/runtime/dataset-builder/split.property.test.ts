import fc from 'fast-check';
import type { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import type { DatasetSplit, Split } from '../../../lib/constructs/data/dataset-catalog/contract';
import { dayOf } from '../../../runtime/dataset-builder/event-days';
import { splitOf } from '../../../runtime/dataset-builder/split';
import { column } from '../intake/contracts';
import { World } from '../intake/world';
import { runs, seenAtLeast } from '../../support/property-runs';
import { builderOf } from './setting';

const DAY = 86_400_000;
const dayAt = (number: number) => new Date(Date.UTC(2012, 0, 1) + number * DAY).toISOString().slice(0, 10);
const PERIODS = ['train', 'validation', 'test'] as const;
const MONTHS: DatasetSplit = { eventTime: ['when'], gapDays: 0, closedMonths: { validation: 1, test: 1 } };

const split = (days: string[], rule: Partial<DatasetSplit> = {}): Split => {
  const counts = new Map<string, number>();
  days.forEach((day) => counts.set(day, (counts.get(day) ?? 0) + 1));
  return splitOf({ ...MONTHS, ...rule }, { counts });
};

const days = fc.array(fc.nat(400), { minLength: 1, maxLength: 200 }).map((numbers) => numbers.map(dayAt));
const rule: fc.Arbitrary<Partial<DatasetSplit>> = fc.oneof(
  fc.record({
    gapDays: fc.nat(27),
    closedMonths: fc.record({ validation: fc.integer({ min: 1, max: 3 }), test: fc.integer({ min: 1, max: 3 }) }),
  }),
  fc
    .record({ gapDays: fc.nat(27), first: fc.integer({ min: 30, max: 300 }), more: fc.integer({ min: 28, max: 60 }) })
    .map(({ gapDays, first, more }) => ({
      gapDays,
      closedMonths: undefined,
      from: { validation: dayAt(first), test: dayAt(first + more) },
    })),
);

describe('a split by event time [D7, R1]', () => {
  test('puts every record into exactly one part, keeps the gap between them and never trains on what comes later', () => {
    let divided = 0;
    fc.assert(
      fc.property(days, rule, (sent, changes) => {
        const it = split(sent, changes);
        if (it.problem !== undefined) {
          expect(it).toEqual({ ...MONTHS, ...changes, problem: expect.stringMatching(/^(TooFewMonths|EmptySplit): /) });
          return;
        }
        divided++;
        const inside = PERIODS.map((name) => sent.filter((day) => day >= it[name]!.from && day < it[name]!.until));
        expect(inside.map(({ length }) => length)).toEqual(PERIODS.map((name) => it[name]!.rows));
        expect(inside.every(({ length }) => length > 0)).toBe(true);
        expect(inside.reduce((sum, { length }) => sum + length, 0) + it.gap! + it.open!).toBe(sent.length);
        const gaps = [
          [it.train!.until, it.validation!.from],
          [it.validation!.until, it.test!.from],
        ];
        gaps.forEach(([until, from]) => expect((Date.parse(from) - Date.parse(until)) / DAY).toBe(it.gapDays));
        // The label of every record of a part is known before the part behind it begins.
        inside.slice(0, 2).forEach((part, i) => {
          const newest = Date.parse(part.sort().at(-1)!) + it.gapDays * DAY;
          expect(inside[i + 1].every((day) => Date.parse(day) > newest)).toBe(true);
        });
      }),
      { numRuns: runs(500) },
    );
    expect(divided).toBeGreaterThanOrEqual(seenAtLeast(100, 500));
  });

  test('takes the last day that a date can say as any other', () => {
    const sent = ['9999-10-01', '9999-11-30', '9999-12-31'];
    const from = { validation: '9999-11-01', test: '9999-12-01' };
    for (const changes of [{}, { closedMonths: undefined, from }]) {
      const it = split(sent, changes);
      expect(it.problem).toBeUndefined();
      expect(PERIODS.map((name) => it[name]!.rows)).toEqual([1, 1, 1]);
      expect('9999-12-31' < it.test!.until).toBe(true);
    }
  });

  test('is the same in whatever order the records come', () => {
    fc.assert(
      fc.property(days, rule, fc.nat(), (sent, changes, at) => {
        const turn = at % sent.length;
        expect(split([...sent.slice(turn), ...sent.slice(0, turn)].reverse(), changes)).toEqual(split(sent, changes));
      }),
      { numRuns: runs(100) },
    );
  });

  test('tests on the newest closed month, validates on the one before, and leaves out a month that has not reached its last day', () => {
    const sent = ['2012-11-05', '2013-01-31', '2013-02-01', '2013-02-28', '2013-03-31', '2013-04-29'];
    expect(split(sent)).toEqual({
      ...MONTHS,
      train: { from: '2012-11-05', until: '2013-02-01', rows: 2 },
      validation: { from: '2013-02-01', until: '2013-03-01', rows: 2 },
      test: { from: '2013-03-01', until: '2013-04-01', rows: 1 },
      gap: 0,
      open: 1,
    });
    expect(split([...sent, '2013-04-30'])).toMatchObject({ test: { from: '2013-04-01', until: '2013-05-01', rows: 2 }, open: 0 });
    expect(split(sent, { gapDays: 1 })).toMatchObject({ train: { until: '2013-01-31', rows: 1 }, validation: { rows: 1 }, gap: 2 });
  });

  test('at fixed days stays there when more data comes', () => {
    const from = { validation: '2013-02-01', test: '2013-03-01' };
    const fixed = { closedMonths: undefined, from };
    const sent = ['2013-01-01', '2013-02-10', '2013-03-01', '2013-03-09'];
    expect(split(sent, fixed)).toMatchObject({ test: { from: '2013-03-01', until: '2013-03-10', rows: 2 }, open: 0 });
    expect(split([...sent, '2013-07-07'], fixed)).toMatchObject({
      train: { rows: 1 },
      test: { from: '2013-03-01', until: '2013-07-08', rows: 3 },
    });
  });

  test.each<[string[], Partial<DatasetSplit>, string]>([
    [
      ['2013-01-01', '2013-02-28', '2013-03-30'],
      {},
      'TooFewMonths: the data has 2 closed months (2013-03 ends on 2013-03-30 and is left out), a split needs 3: publish more data',
    ],
    [['2013-01-31'], {}, 'TooFewMonths: the data has 1 closed months, a split needs 3: publish more data'],
    [[], {}, 'TooFewMonths: the data has 0 closed months, a split needs 3: publish more data'],
    [
      ['2013-01-31', '2013-02-28', '2013-03-31'],
      { gapDays: 2 },
      'EmptySplit: nothing is left of train, validation: give other days than a gap of 2',
    ],
    [
      ['2013-01-31'],
      { closedMonths: undefined, from: { validation: '2013-01-01', test: '2013-02-01' } },
      'EmptySplit: nothing is left of train, test:',
    ],
  ])('says why it does not divide %j', (sent, changes, problem) => {
    expect(split(sent, changes).problem).toContain(problem);
  });
});

describe('the day of an event [D7]', () => {
  test.each([
    [['2013-03-31T23:30:00-01:00'], '2013-04-01'],
    [['2013-04-01T00:30:00+0100'], '2013-03-31'],
    [['2013-03-31T12:00:00.123456789Z'], '2013-03-31'],
    [['2013-03-31T02:00:00+05'], '2013-03-30'],
    [['2013-03-31'], '2013-03-31'],
    [['0001-01-01'], '0001-01-01'],
    [['2012', '2', '29'], '2012-02-29'],
    [['2013', '2', '29'], undefined],
    [['2013', 'NA', '1'], undefined],
    [['2013-02-29'], undefined],
    [['2013-02-29T00:00:00Z'], undefined],
    [['0001-01-01T00:00:00+01:00'], undefined],
    [['9999-12-31T23:59:59-01:00'], undefined],
    [['9999-12-31'], '9999-12-31'],
    [[''], undefined],
    [['13/02/2013'], undefined],
  ])('%j counts in UTC', (texts, day) => {
    expect(dayOf(texts)).toBe(day);
  });
});

describe('the split in a manifest [D7]', () => {
  const contract: CompiledContract = {
    ...{ dataset: 'simple', version: '1.0.0', format: 'csv', nullTokens: [], primaryKey: ['id'] },
    columns: [column('id', 'string'), column('when', 'timestamp')],
  };
  const fileOf = (...lines: string[]) => ['id,when', ...lines, ''].join('\n');
  async function built(files: string[], rule: DatasetSplit = MONTHS) {
    const world = new World(contract);
    for (const [i, text] of files.entries()) {
      await world.attempt(world.send(`simple/${i}`, text));
      world.pass(1);
    }
    const { build, manifestOf } = builderOf(world, undefined, undefined, rule);
    return manifestOf(await build({ dataset: 'simple' }));
  }

  test('counts the records that count, and no superseded one', async () => {
    const old = fileOf('a,2013-01-05T00:00:00Z', 'b,2013-02-05T00:00:00Z', 'c,2013-03-05T00:00:00Z');
    const { split: it, rows } = await built([
      old,
      fileOf('a,2013-02-28T23:30:00-01:00', 'd,2013-01-01T00:00:00Z', 'e,2013-03-31T00:00:00Z'),
    ]);
    expect(it).toMatchObject({ train: { rows: 1 }, validation: { rows: 1 }, test: { rows: 3 }, gap: 0, open: 0 });
    expect(rows).toBe(5);
  });

  test('says why the version is not divided, and the version is published all the same', async () => {
    expect((await built([fileOf('a,2013-01-05T00:00:00Z')])).split!.problem).toMatch(
      /^TooFewMonths: the data has 0 closed months \(2013-01 ends/,
    );
    expect((await built([fileOf('a,', 'b,2013-01-05T00:00:00Z')])).split).toEqual({
      ...MONTHS,
      problem: "InvalidEventTime: when of a record is '', not a date or a time: demand it in the contract, or split by another column",
    });
  });
});
