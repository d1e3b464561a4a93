import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import { Checkpoints } from '../../../runtime/stream-landing/checkpoints';
import { landBatch } from '../../../runtime/stream-landing/land';
import { batchOf } from '../../../runtime/stream/batch';
import { SIMPLE } from '../intake/simple-files';
import { BUCKETS, TABLE } from '../intake/world';
import { eventOf, Landing, Sent, STREAM } from './shards';

const sent = (sequence: string, shard = 'shardId-0'): Sent => ({
  shard,
  sequence,
  bytes: Buffer.from(`{"id":"k${sequence}","amount":1}`),
});
const START_OF_CHAIN = `simple/stream/${STREAM}/shardId-0/start.jsonl`;

describe('an object that stands where the chain of a shard goes on [D8, D4]', () => {
  test.each([
    ['says nothing', {}],
    ['says no end', { first: '1', records: '1' }],
    ['says no start', { last: '1', records: '1' }],
  ])('and %s of the stream is not of the chain: nothing is landed behind it or entered, and the message names it', async (_, said) => {
    const landing = new Landing();
    const foreign = landing.s3.put(BUCKETS.raw, START_OF_CHAIN, 'not ours');
    Object.assign(foreign.metadata, said);
    await expect(landing.deliver([sent('1')])).rejects.toThrow(
      `ForeignObject: ${START_OF_CHAIN} says no range of the stream: something else wrote it, remove that object version`,
    );
    expect([landing.s3.versions, landing.rows(), landing.measured]).toEqual([[foreign], [], []]);
    landing.s3.deleteVersion(foreign.versionId);
    await landing.deliver([sent('1')]);
    expect(landing.measured).toEqual([1]);
  });

  test('and is of the chain is entered with what it says, and its records are not counted as landed once more', async () => {
    const landing = new Landing();
    await landing.deliver([sent('1'), sent('2')]);
    landing.db.lose(TABLE, () => true);
    await landing.deliver([sent('1'), sent('2'), sent('3')]);
    expect(landing.measured).toEqual([2, 1]);
    const batches = landing.rows().flatMap(({ batch }) => (batch === undefined ? [] : [batch]));
    expect(batches).toEqual([
      { stream: STREAM, shard: 'shardId-0', first: '1', last: '2', records: 2 },
      { stream: STREAM, shard: 'shardId-0', first: '3', last: '3', records: 1 },
    ]);
  });

  test.each(['put', 'found'])('in a bucket without versions (%s) is refused: the ledger pins versions', async (how) => {
    const { db } = new Landing();
    const failure = Object.assign(new Error('there'), { name: 'PreconditionFailed' });
    const send = (command: { constructor: { name: string } }) =>
      command.constructor.name === 'PutObjectCommand' && how === 'found'
        ? Promise.reject(failure)
        : Promise.resolve({ Metadata: { first: '1', last: '1', records: '1' } });
    const options = { s3: { send } as never, dataset: SIMPLE.dataset, rawBucket: BUCKETS.raw, keyOf: () => undefined };
    await expect(landBatch(batchOf(eventOf([sent('1')])), { ...options, checkpoints: new Checkpoints(db.client, TABLE) })).rejects.toThrow(
      `UnversionedBucket: the raw bucket gave no version for ${START_OF_CHAIN}: turn versioning on`,
    );
    expect(db.items(TABLE)).toEqual([]);
  });
});

describe('a checkpoint that cannot be moved [D8, D4]', () => {
  const failing = (...codes: string[]) => {
    const asked: string[] = [];
    const error = new TransactionCanceledException({
      message: 'cancelled',
      $metadata: {},
      CancellationReasons: codes.map((Code) => ({ Code })),
    });
    const send = (command: { constructor: { name: string } }) => {
      asked.push(command.constructor.name);
      return command.constructor.name === 'GetCommand' ? Promise.resolve({ Item: { lastSequence: '9' } }) : Promise.reject(error);
    };
    const landed = { key: 'k', versionId: 'v', range: { stream: STREAM, shard: 's', first: '1', last: '2', records: 2 } };
    return { asked, advance: () => new Checkpoints({ send } as never, TABLE).advance(undefined, landed) };
  };

  test('because somebody else has moved it says where it is', async () => {
    const { asked, advance } = failing('None', 'ConditionalCheckFailed');
    expect([await advance(), asked]).toEqual(['9', ['TransactWriteCommand', 'GetCommand']]);
  });

  test.each([['None', 'TransactionConflict'], ['ThrottlingError', 'None'], []])(
    'because of %s %s is an error, so that the batch comes again: the object has no row yet',
    async (...codes) => {
      const { asked, advance } = failing(...codes);
      await expect(advance()).rejects.toThrow('cancelled');
      expect(asked).toEqual(['TransactWriteCommand']);
    },
  );
});

describe('an event of a stream [D8]', () => {
  test.each([
    ['two shards', [sent('1'), sent('2', 'shardId-1')], 2],
    ['no records', [], 0],
  ])('with %s lands nothing: its records would stand in the chain of another shard', async (_, records, shards) => {
    const landing = new Landing();
    await expect(landing.deliver(records)).rejects.toThrow(
      `MixedBatch: an event has records of one shard, this one of ${shards}: look at what invoked the function`,
    );
    expect([landing.s3.versions, landing.rows()]).toEqual([[], []]);
  });

  test('with records of one shard has their numbers, times and lines', () => {
    const { stream, shard, records } = batchOf(eventOf([sent('1'), sent('2')]));
    expect([stream, shard, records.map(({ sequence }) => sequence)]).toEqual([STREAM, 'shardId-0', ['1', '2']]);
    expect(records[0].arrived).toEqual(new Date(1772358000500));
    expect(JSON.parse(records[1].line)).toMatchObject({ id: 'shardId-0:2', time: '2026-03-01T09:40:00.500Z' });
  });
});
