import type { Metrics } from '@aws-lambda-powertools/metrics';
import type { Logger } from '@aws-lambda-powertools/logger';
import type { SQSEvent, SQSRecord } from 'aws-lambda';
import { DATA_ENV } from '../../../lib/constructs/data/contract';
import { attemptPrefix, formatOf, ObjectVersion, parseMessage } from '../../../runtime/intake/core';
import { envelopeOf } from '../../../runtime/intake/envelope';
import { makeHandler } from '../../../runtime/intake/handler';
import { Checkpoints } from '../../../runtime/stream-landing/checkpoints';
import { S3Failure } from '../../support/fake-s3';
import { problemsOf, SIMPLE, simpleFile } from './simple-files';
import { INTAKE_ENV, TABLE, World } from './world';

const bodyOf = ({ bucket, key, versionId, sequencer }: ObjectVersion) =>
  JSON.stringify({
    'detail-type': 'Object Created',
    detail: { bucket: { name: bucket }, object: { key, 'version-id': versionId, sequencer } },
  });

const batch = (...bodies: string[]): SQSEvent => ({
  Records: bodies.map(
    (body, i) => ({ messageId: `m${i}`, receiptHandle: `r${i}`, body, attributes: { ApproximateReceiveCount: '1' } }) as SQSRecord,
  ),
});

/** The handler on a world, whose clock is real time: the handler's own is. */
function handlerOn(world: World, more: NodeJS.ProcessEnv = {}) {
  world.at = new Date();
  world.s3.put('contracts', 'simple.json', JSON.stringify(world.contract));
  const env: NodeJS.ProcessEnv = {
    ...more,
    ...INTAKE_ENV,
    [DATA_ENV.queueUrl]: 'https://queue',
  };
  const visibility: { ReceiptHandle: string; VisibilityTimeout: number; QueueUrl: string }[] = [];
  const sqs = { send: (({ input }: { input: (typeof visibility)[number] }) => Promise.resolve(visibility.push(input))) as never };
  const started: { stateMachineArn: string; name: string; input: string }[] = [];
  const machines = { send: (({ input }: { input: (typeof started)[number] }) => Promise.resolve(started.push(input))) as never };
  const metrics: [string, string, number][] = [];
  let published = 0;
  const recorder = {
    addMetric: (name: string, unit: string, value: number) => void metrics.push([name, unit, value]),
    hasStoredMetrics: () => metrics.length > 0,
    publishStoredMetrics: () => void published++,
  };
  const logged: { level: string; message: string; fields: Record<string, unknown> }[] = [];
  const log = (level: string) => (message: string, fields: Record<string, unknown>) => void logged.push({ level, message, fields });
  const logger = { info: log('info'), error: log('error') };
  const clients = { s3: world.s3.client, sqs, dynamo: world.db.client, machines };
  const handler = makeHandler(env, clients, logger as unknown as Logger, recorder as unknown as Metrics);
  return { handler, started, visibility, metrics, logged, published: () => published };
}

describe('the intake function [D3, D4]', () => {
  test('accounts for the files of a batch and publishes what it found', async () => {
    const world = new World(SIMPLE);
    const { handler, metrics, published, logged } = handlerOn(world);
    const objects = [world.send('simple/a.csv', simpleFile('a')), world.send('simple/b.csv', 'wrong\n')];
    expect(await handler(batch(...objects.map(bodyOf)))).toEqual({ batchItemFailures: [] });
    expect(metrics).toEqual([
      ['FilesAccounted', 'Count', 1],
      ['RowsRead', 'Count', 6],
      ['RowsValid', 'Count', 5],
      ['RowsQuarantined', 'Count', 1],
      ['QuarantinePercent', 'Percent', 100 / 6],
      ['FilesRejected', 'Count', 1],
    ]);
    expect(published()).toBe(1);
    expect(logged.map(({ fields }) => fields)).toEqual([
      expect.objectContaining({ key: 'simple/a.csv', outcome: 'accounted', counts: expect.objectContaining({ read: 6 }), attempts: 1 }),
      expect.objectContaining({ key: 'simple/b.csv', outcome: 'rejected', reason: expect.stringContaining('header') }),
    ]);
    expect(problemsOf(world)).toEqual([]);
  });

  test('counts a file once although its message comes three times, in any order', async () => {
    const world = new World(SIMPLE);
    const { handler, metrics } = handlerOn(world);
    const bodies = [world.send('simple/a.csv', simpleFile('a')), world.send('simple/a.csv', simpleFile('b'))].map(bodyOf);
    await handler(batch(bodies[1], bodies[0], bodies[1]));
    await handler(batch(bodies[0]));
    expect(metrics.filter(([name]) => name === 'FilesAccounted')).toHaveLength(2);
    expect(problemsOf(world)).toEqual([]);
  });

  test('lets a message wait for a lease that lives instead of using up its receives', async () => {
    const world = new World(SIMPLE);
    const { handler, visibility, metrics, published } = handlerOn(world);
    const object = world.send('simple/a.csv', simpleFile('a'));
    await world.killAt(object, 'mid-stream');
    expect(await handler(batch(bodyOf(object)))).toEqual({ batchItemFailures: [{ itemIdentifier: 'm0' }] });
    expect(visibility).toEqual([{ QueueUrl: 'https://queue', ReceiptHandle: 'r0', VisibilityTimeout: expect.any(Number) }]);
    expect(visibility[0].VisibilityTimeout).toBeGreaterThanOrEqual(150);
    expect(visibility[0].VisibilityTimeout).toBeLessThanOrEqual(156);
    expect([metrics, published()]).toEqual([[], 0]);
  });

  test.each(['not JSON', 'null', '{}', '{"detail":{"bucket":{"name":"raw"},"object":{"key":"a"}}}'])(
    'gives back %s, which ends in the dead-letter queue, and does the rest of the batch',
    async (poison) => {
      const world = new World(SIMPLE);
      const { handler, logged } = handlerOn(world);
      const object = world.send('simple/a.csv', simpleFile('a'));
      expect(await handler(batch(poison, bodyOf(object)))).toEqual({ batchItemFailures: [{ itemIdentifier: 'm0' }] });
      expect(logged.filter(({ level }) => level === 'error')).toHaveLength(1);
      expect(problemsOf(world)).toEqual([]);
    },
  );

  test('takes a folder that somebody made in the console for no file', async () => {
    const world = new World(SIMPLE);
    const { handler, metrics } = handlerOn(world);
    expect(await handler(batch(bodyOf(world.send('simple/', ''))))).toEqual({ batchItemFailures: [] });
    expect(metrics).toEqual([]);
  });

  test('hands a file above the limit over to the machine that splits it, and is done with its message', async () => {
    const world = new World({ ...SIMPLE, newlinesQuoted: false });
    const { handler, started, metrics, logged } = handlerOn(world, { [DATA_ENV.splitMachine]: 'machine', [DATA_ENV.splitAbove]: '50' });
    const [small, large] = [world.send('simple/small.csv', simpleFile('a', 2)), world.send('simple/large.csv', simpleFile('b', 12))];
    expect(await handler(batch(bodyOf(small), bodyOf(large)))).toEqual({ batchItemFailures: [] });
    const { attempt, state, leaseUntil } = world.row(large);
    const input = JSON.stringify({ object: large, attempt, bytes: simpleFile('b', 12).length });
    expect(started).toEqual([{ stateMachineArn: 'machine', name: attempt, input }]);
    expect([state, world.row(small).state]).toEqual(['validating', 'accounted']);
    expect(leaseUntil! - Date.now() / 1000).toBeGreaterThan(140);
    expect(metrics.filter(([name]) => name === 'FilesAccounted')).toHaveLength(1);
    expect(logged.at(-1)!.fields).toMatchObject({ key: 'simple/large.csv', outcome: 'handed over' });
  });

  test('a bad file does not block a good one', async () => {
    const world = new World(SIMPLE);
    const { handler } = handlerOn(world);
    const [bad, good] = [world.send('simple/bad.csv', simpleFile('x')), world.send('simple/good.csv', simpleFile('y'))];
    world.s3.before = (operation, { key }) => {
      if (operation === 'GetObject' && key === 'simple/bad.csv') {
        throw new S3Failure('InternalError', 500);
      }
    };
    expect(await handler(batch(bodyOf(bad), bodyOf(good)))).toEqual({ batchItemFailures: [{ itemIdentifier: 'm0' }] });
    expect(world.row(good).state).toBe('accounted');
  });

  test('reads its contract again after it could not be read', async () => {
    const world = new World(SIMPLE);
    const { handler } = handlerOn(world);
    const object = world.send('simple/a.csv', simpleFile('a'));
    world.s3.before = (_, { bucket }) => {
      if (bucket === 'contracts') {
        throw new S3Failure('SlowDown');
      }
    };
    expect((await handler(batch(bodyOf(object)))).batchItemFailures).toHaveLength(1);
    world.s3.before = () => undefined;
    expect((await handler(batch(bodyOf(object)))).batchItemFailures).toHaveLength(0);
    expect(problemsOf(world)).toEqual([]);
  });

  test('says 0 percent for a file without records', async () => {
    const world = new World(SIMPLE);
    const { handler, metrics } = handlerOn(world);
    await handler(batch(bodyOf(world.send('simple/a.csv', 'id,amount\n'))));
    expect(metrics).toContainEqual(['QuarantinePercent', 'Percent', 0]);
  });

  test('says of a batch of a stream how many records it has, but no percent: of one record it is 0 or 100, whatever the limit is', async () => {
    const world = new World(SIMPLE);
    const { handler, metrics } = handlerOn(world);
    const lines = ['{"id":"a","amount":1}', 'bad'].map((line, i) => `${envelopeOf(`shardId-0:${i + 1}`, world.at, Buffer.from(line))}\n`);
    const object = world.send('simple/stream/s/shardId-0/start.jsonl', lines.join(''));
    const range = { stream: 's', shard: 'shardId-0', first: '1', last: '2', records: 2 };
    await new Checkpoints(world.db.client, TABLE).advance(undefined, { ...object, range });
    expect(await handler(batch(bodyOf(object)))).toEqual({ batchItemFailures: [] });
    expect(metrics).toEqual([
      ['FilesAccounted', 'Count', 1],
      ['RowsRead', 'Count', 2],
      ['RowsValid', 'Count', 1],
      ['RowsQuarantined', 'Count', 1],
    ]);
  });

  test('says of the same bytes again that a file was accounted for, without records', async () => {
    const world = new World(SIMPLE);
    const { handler, metrics } = handlerOn(world);
    await handler(batch(bodyOf(world.send('simple/a.csv', simpleFile('a')))));
    metrics.length = 0;
    await handler(batch(bodyOf(world.send('simple/again.csv', simpleFile('a')))));
    expect(metrics.map(([name, , value]) => [name, value])).toEqual([
      ['FilesAccounted', 1],
      ['RowsRead', 0],
      ['RowsValid', 0],
      ['RowsQuarantined', 0],
      ['QuarantinePercent', 0],
    ]);
  });
});

describe('a message', () => {
  test('without a sequencer is older than every other', () => {
    const { sequencer } = parseMessage('{"detail":{"bucket":{"name":"raw"},"object":{"key":"a","version-id":"v"}}}');
    expect(sequencer).toBe('');
  });

  test('of another form says what to look at', () => {
    expect(() => parseMessage('{"detail":{}}')).toThrow(
      /^UnknownMessage: not an 'Object Created' event .*: look at the rule that feeds the queue$/,
    );
  });
});

describe('the folder of an attempt', () => {
  test('is one of its own, with a name that any bucket takes', () => {
    const key = `in/${'ü'.repeat(400)} (1).csv`;
    const prefix = attemptPrefix('orders', { key, versionId: 'v1' }, 'u');
    expect(prefix).toMatch(/^orders\/_{94}1_\.csv\/version=v1\/attempt=u$/);
    expect(prefix.length).toBeLessThan(150);
  });
});

describe('the format of a validated object', () => {
  test.each([
    ['orders/a.csv/version=v1/attempt=u/records.csv.gz', 'csv'],
    ['orders/a.csv/version=v1/attempt=u/records.jsonl.gz', 'jsonl'],
    ['orders/a.csv/version=v1/attempt=u/records.parquet', 'parquet'],
  ])('of %s is %s', (key, format) => expect(formatOf(key)).toBe(format));

  test.each(['orders/a.csv', 'orders/my-records.parquet', 'records.csv.gz'])('fails for %s, which no attempt has written', (key) => {
    expect(() => formatOf(key)).toThrow(
      `UnknownObject: ${key} is no validated object, whose name is one of records.csv.gz, records.jsonl.gz, records.parquet: ` +
        'mend the row that names it (npm run ledger -- rebuild)',
    );
  });
});
