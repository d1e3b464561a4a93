import { gzipSync } from 'node:zlib';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { MAXIMUM_RECORD_BYTES, VALIDATED_FORMAT } from '../../lib/constructs/data/data-intake/contract';
import type { Clients } from '../../operations/clients';
import type { Found } from '../../operations/found';
import { recordKeyOf } from '../../operations/record-lookup';
import { Lookup } from '../../operations/where-lookup';
import { Workload } from '../../operations/workload';
import { envelopeOf } from '../../runtime/intake/envelope';
import { builderOf, CATALOGUE } from '../runtime/dataset-builder/setting';
import { column } from '../runtime/intake/contracts';
import { BUCKETS, TABLE, World } from '../runtime/intake/world';
import { FakeWorkload } from './fakes';

const CONTRACT: CompiledContract = {
  dataset: 'orders',
  version: '1.0.0',
  format: 'csv',
  columns: [
    column('shop', 'string', { required: true }),
    column('number', 'integer', { required: true }),
    column('at', 'timestamp'),
    column('amount', 'number', { maximum: 100 }),
  ],
  nullTokens: [],
  primaryKey: ['shop', 'number'],
};

/** The operations' view of a world of the intake: its storage, its ledger and the catalogue of its builder. */
async function lookup(world: World): Promise<Lookup> {
  const made = new FakeWorkload();
  const clients: Clients = { ...made.clients, tables: world.db.client, objects: world.s3.client };
  const outputs = {
    ordersLedger: TABLE,
    CatalogTable: CATALOGUE,
    RawBucket: BUCKETS.raw,
    ValidatedBucket: BUCKETS.validated,
    QuarantineBucket: BUCKETS.quarantine,
  };
  const workload = await Workload.find(
    { workload: 'shop', stage: 'dev', clock: 'real', endpoints: {} },
    {
      ...clients,
      stacks: Object.assign(Object.create(Object.getPrototypeOf(clients.stacks) as object), {
        send: () =>
          Promise.resolve({
            Stacks: [
              {
                StackName: 'shop-dev-data',
                Outputs: Object.entries(outputs).map(([OutputKey, OutputValue]) => ({ OutputKey, OutputValue })),
              },
            ],
          }),
      }) as Clients['stacks'],
    },
  );
  return new Lookup(clients, workload, [world.contract]);
}

const take = async (world: World, key: string, bytes: Buffer | string) => {
  const object = world.send(key, bytes);
  world.pass(60);
  await world.attempt(object);
  return object;
};
const find = async (world: World, thing: string): Promise<Found[]> => [...(await (await lookup(world)).find(thing)).found];
/** Where a record stands: file, state, number, refusal. */
const placesOf = (found: Found[]) => found.map(({ from, facts }) => [from![0].name, facts.state, facts.record, facts.refused]);
const csv = (...lines: string[]) => ['shop,number,at,amount', ...lines, ''].join('\n');

describe('npm run where with the key of a record [P6]', () => {
  test('finds each place where it stands, valid or in quarantine and by which rule, and in which dataset versions it counts', async () => {
    const world = new World(CONTRACT);
    await take(world, 'orders/a.csv', csv('x,1,,5', 'x,2,,5', 'y,1,,5'));
    await take(world, 'orders/b.csv', gzipSync(csv('x,3,,500', '"x",1,,6', 'x,2,,900')));
    const { build, manifestOf } = builderOf(world);
    const version = (await build({ dataset: 'orders' })) as { id: string; manifest: string; manifestVersion: string };
    expect(manifestOf(version).superseded).toBe(1);
    const twice = await find(world, 'orders?shop=x&number=1');
    expect(placesOf(twice)).toEqual([
      ['orders/a.csv', 'valid', 1, undefined],
      ['orders/b.csv', 'valid', 2, undefined],
    ]);
    expect(twice.map(({ to }) => to!.map(({ name, facts }) => [name, facts['this record']]))).toEqual([
      [[`orders ${version.id}`, 'a newer one with its key counts']],
      [[`orders ${version.id}`, 'counts']],
    ]);
    expect(placesOf(await find(world, 'orders?shop=x&number=2'))).toEqual([
      ['orders/a.csv', 'valid', 2, undefined],
      ['orders/b.csv', 'in quarantine', 3, expect.stringMatching(/^range, amount, /)],
    ]);
    expect(await find(world, 'orders?shop=z&number=1')).toEqual([]);
  });

  test.each([
    ['CSV with newlines in quotes', csv('"two\nlines",1,,5', '"two\nlines",2,,500'), undefined],
    ['Parquet', csv('"two\nlines",1,,5', '"two\nlines",2,,500'), VALIDATED_FORMAT.parquet],
  ] as const)('reads %s', async (_format, text, validatedFormat) => {
    const world = new World(CONTRACT, validatedFormat);
    await take(world, 'orders/a.csv', text);
    const [valid, refused] = await Promise.all([1, 2].map((number) => find(world, `orders?shop=two%0Alines&number=${number}`)));
    expect([placesOf(valid), placesOf(refused)]).toEqual([
      [['orders/a.csv', 'valid', 1, undefined]],
      [['orders/a.csv', 'in quarantine', 2, expect.stringContaining('range')]],
    ]);
  });

  test('reads JSON Lines, batches of a stream among them, and passes by what is no record at all', async () => {
    const world = new World({ ...CONTRACT, format: 'jsonl' });
    const record = (number: number, amount: unknown) => JSON.stringify({ shop: 'x', number, amount });
    await take(world, 'orders/a.jsonl', `${record(1, 5)}\nno record\n${record(2, 500)}\n`);
    const lines = [record(3, 5), record(4, 500), '[1]'].map((text, i) => envelopeOf(`s:${i}`, world.at, Buffer.from(text)));
    await take(world, 'orders/stream/s/shard/1.jsonl', lines.join('\n'));
    const places = await Promise.all([1, 2, 3, 4].map(async (number) => placesOf(await find(world, `orders?shop=x&number=${number}`))));
    expect(places.map(([[file, state, at]]) => [file, state, at])).toEqual([
      ['orders/a.jsonl', 'valid', 1],
      ['orders/a.jsonl', 'in quarantine', 3],
      ['orders/stream/s/shard/1.jsonl', 'valid', 1],
      ['orders/stream/s/shard/1.jsonl', 'in quarantine', 2],
    ]);
  });

  test('reads JSON Lines whose texts and blanks hold what others take for the end of a line', async () => {
    const world = new World({ ...CONTRACT, format: 'jsonl' });
    const record = (number: number, amount: number) => `{"shop":"x\u2028y\u2029\u0085",\r"number":${number},\r"amount":${amount}}\r\n`;
    await take(world, 'orders/a.jsonl', [record(1, 5), record(2, 500), record(3, 5)].join(''));
    const shop = encodeURIComponent('x\u2028y\u2029\u0085');
    const places = await Promise.all([1, 2, 3].map(async (number) => placesOf(await find(world, `orders?shop=${shop}&number=${number}`))));
    expect(places.map(([[, state, at]]) => [state, at])).toEqual([
      ['valid', 1],
      ['in quarantine', 2],
      ['valid', 3],
    ]);
  });

  test('knows a number and an instant in another spelling, as the intake does', async () => {
    const world = new World({ ...CONTRACT, primaryKey: ['at', 'amount'] });
    await take(world, 'orders/a.csv', csv('x,1,2026-01-01T12:00:00+02:00,1e1'));
    expect(placesOf(await find(world, 'orders?at=2026-01-01T10:00:00Z&amount=10'))).toEqual([['orders/a.csv', 'valid', 1, undefined]]);
    expect(await find(world, 'orders?at=2026-01-01T10:00:01Z&amount=10')).toEqual([]);
  });

  const TEXT_KEY = { ...CONTRACT, primaryKey: ['shop'] };
  test.each([
    ['CSV', TEXT_KEY, undefined],
    ['JSON Lines', { ...TEXT_KEY, format: 'jsonl' }, undefined],
    ['Parquet', TEXT_KEY, VALIDATED_FORMAT.parquet],
  ] as const)('tells the texts of a key apart that are the same number, in %s', async (_, contract, validatedFormat) => {
    const world = new World(contract, validatedFormat);
    const shops = ['007', '7', '7.0', '9007199254740992', '9007199254740993', '2026-01-01T10:00:00Z', '2026-01-01T11:00:00+01:00'];
    const json = contract.format === 'jsonl';
    const lines = (amount: number) =>
      shops.map((shop, i) => (json ? JSON.stringify({ shop, number: i, amount }) : `${shop},${i},,${amount}`));
    const text = (amount: number) => (json ? `${lines(amount).join('\n')}\n` : csv(...lines(amount)));
    await take(world, 'orders/good', text(5));
    await take(world, 'orders/refused', text(500));
    for (const [i, shop] of shops.entries()) {
      const places = placesOf(await find(world, `orders?shop=${encodeURIComponent(shop)}`));
      expect(places.map(([file, , record]) => [file, record])).toEqual([
        ['orders/good', i + 1],
        ['orders/refused', i + 1],
      ]);
    }
  });

  test.each([
    ['CSV', undefined],
    ['Parquet', VALIDATED_FORMAT.parquet],
  ] as const)('tells instants apart to the microsecond, and takes null tokens for no value, in %s', async (_, validatedFormat) => {
    const world = new World({ ...CONTRACT, primaryKey: ['at'], nullTokens: ['NA'] }, validatedFormat);
    await take(world, 'orders/a.csv', csv('x,1,2026-01-01T10:00:00.000001Z,5', 'x,2,2026-01-01T10:00:00.000002Z,5', 'x,3,NA,5'));
    const queries = ['2026-01-01T12:00:00.000001%2B02', '2026-01-01T10:00:00.0000020Z', '2026-01-01T10:00:00Z', '', 'NA'];
    const records = await Promise.all(
      queries.map(async (at) => placesOf(await find(world, `orders?at=${at}`)).map(([, , record]) => record)),
    );
    expect(records).toEqual([[1], [2], [], [3], [3]]);
  });

  test('knows a record in quarantine by a key that its contract refuses', async () => {
    const world = new World(CONTRACT);
    await take(world, 'orders/a.csv', csv('x,01,,5', 'x,none,,5', 'x'));
    expect(placesOf(await find(world, 'orders?shop=x&number=none'))).toMatchObject([
      ['orders/a.csv', 'in quarantine', 2, expect.stringContaining('type, number')],
    ]);
    expect(await find(world, 'orders?shop=x&number=1')).toEqual([]);
    expect(await find(world, 'orders?shop=x&number=undefined')).toEqual([]);
  });

  test('passes by records in quarantine whose key is nested, and finds the ones behind them', async () => {
    const world = new World({ ...CONTRACT, format: 'jsonl', nullTokens: ['NA'] });
    const nested = ['{"toString":0,"valueOf":0}', '["x"]', '[[["x"]]]', '['.repeat(200_000) + ']'.repeat(200_000)];
    const lines = nested.map((shop) => `{"shop":${shop},"number":1,"amount":5}`);
    const last = '{"shop":"x","number":1,"amount":500}';
    await take(world, 'orders/a.jsonl', [...lines, last].join('\n'));
    await take(
      world,
      'orders/stream/s/shard/1.jsonl',
      [...lines, last].map((one) => envelopeOf('s:1', world.at, Buffer.from(one))).join('\n'),
    );
    expect(placesOf(await find(world, 'orders?shop=x&number=1'))).toMatchObject([
      ['orders/a.jsonl', 'in quarantine', 5, expect.stringContaining('range')],
      ['orders/stream/s/shard/1.jsonl', 'in quarantine', 5, expect.stringContaining('range')],
    ]);
  });

  test('passes by a refused record that is longer than any that the intake reads, holds none of it, and says so', async () => {
    const world = new World(CONTRACT);
    await take(world, 'orders/a.csv', csv('x,1,,500', `x,2,,${'5'.repeat(8 * MAXIMUM_RECORD_BYTES)}`, 'x,3,,500'));
    const concat = jest.spyOn(Buffer, 'concat');
    try {
      const { found, looked } = await (await lookup(world)).find('orders?shop=x&number=3');
      expect(placesOf([...found])).toMatchObject([['orders/a.csv', 'in quarantine', 3, expect.stringContaining('range, amount')]]);
      const lengths = concat.mock.results.map(({ value }) => (value as Buffer).length);
      expect(lengths.length).toBeGreaterThan(100);
      expect(Math.max(...lengths)).toBeLessThan(2 * MAXIMUM_RECORD_BYTES);
      expect(looked[1]).toBe('not the 1 records in quarantine of orders/a.csv that are longer than 1048576 bytes: number 2');
    } finally {
      concat.mockRestore();
    }
  });

  test('says of which refused records it does not know, because the raw object is gone', async () => {
    const world = new World(CONTRACT);
    const { key, versionId } = await take(world, 'orders/a.csv', csv('x,1,,500'));
    world.s3.versions.splice(
      world.s3.versions.findIndex((version) => version.key === key && version.versionId === versionId),
      1,
    );
    const { looked } = await (await lookup(world)).find('orders?shop=x&number=1');
    expect(looked[1]).toMatch(/^not the 1 records in quarantine of orders\/a\.csv: MissingObject: /);
  });

  test('finds a record behind any number of refused ones, however the object comes in pieces', async () => {
    const world = new World(CONTRACT);
    const lines = Array.from({ length: 5000 }, (_, i) => `"x${'-'.repeat(i % 90)}",${i},,${i % 3 === 0 ? 500 : 5}`);
    await take(world, 'orders/a.csv', csv(...lines));
    for (const i of [0, 1, 2, 2998, 2999, 3000, 4999]) {
      const places = placesOf(await find(world, `orders?shop=x${'-'.repeat(i % 90)}&number=${i}`));
      expect(places.map(([, state, record]) => [state, record])).toEqual([[i % 3 === 0 ? 'in quarantine' : 'valid', i + 1]]);
    }
  });

  test('says where it looked when there is none, and takes other things for what they are', async () => {
    const { found, looked } = await (await lookup(new World(CONTRACT))).find('orders?shop=x&number=1');
    expect([found, looked[0]]).toEqual([[], 'records of the accounted files of orders, valid and in quarantine']);
    expect(recordKeyOf('orders/a.csv', [CONTRACT])).toBeUndefined();
    expect(recordKeyOf('flights?shop=x', [CONTRACT])).toBeUndefined();
  });

  test.each([
    ['orders?shop=x', "InvalidRecordKey: 'number' is missing: give orders?shop=...&number=..."],
    ['orders?shop=x&number=1&amount=2', "InvalidRecordKey: 'amount' is no part of the key: give orders?shop=...&number=..."],
    ['orders?', "'shop' is missing; 'number' is missing"],
    ['orders?shop=50%&number=1', "InvalidRecordKey: in '50%' a percent sign is not followed by"],
    ['orders?shop=%ff&number=1', 'write %25 for the sign itself'],
  ])('fails on %s, and says what the key is', (text, problem) => {
    expect(() => recordKeyOf(text, [CONTRACT])).toThrow(problem);
  });

  test('fails where the contract has no primary key', () => {
    expect(() => recordKeyOf('orders?shop=x', [{ ...CONTRACT, primaryKey: [] }])).toThrow(
      "InvalidRecordKey: the contract of orders has no primary key: look for the record's file",
    );
  });
});
