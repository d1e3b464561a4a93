import { gzipSync } from 'node:zlib';
import { ExecutionAlreadyExists } from '@aws-sdk/client-sfn';
import { MAXIMUM_SPLIT_BYTES } from '../../../lib/constructs/data/data-intake/contract';
import { envelopeOf } from '../../../runtime/intake/envelope';
import { adviceOf, Splitter } from '../../../runtime/intake/splitter';
import { SIMPLE, simpleFile } from './simple-files';
import { World } from './world';

const LINES = { ...SIMPLE, newlinesQuoted: false };
const ABOVE = 40;

function splitterOn(world: World, answer: () => Promise<unknown> = () => Promise.resolve({})) {
  const names: string[] = [];
  const send = ({ input }: { input: { name: string } }) => {
    names.push(input.name);
    return answer();
  };
  return { names, splitter: new Splitter(world.s3.client, { send: send as never }, 'machine', ABOVE) };
}

describe('a file that one function may not read [D5]', () => {
  test.each([
    ['at the limit stays', 'x'.repeat(ABOVE), false],
    ['one byte above it is handed over', 'x'.repeat(ABOVE + 1), true],
    ['above it but compressed stays', gzipSync(Buffer.from(simpleFile('a', 50)), { level: 0 }), false],
  ])('%s', async (_, bytes, taken) => {
    const world = new World(LINES);
    const { names, splitter } = splitterOn(world);
    const object = world.send('simple/a.csv', bytes);
    expect(await splitter.take({ object, attempt: 'attempt-1', bytes: bytes.length })).toBe(taken);
    expect(names).toEqual(taken ? ['attempt-1'] : []);
  });

  test.each([
    [MAXIMUM_SPLIT_BYTES, true],
    [MAXIMUM_SPLIT_BYTES + 1, false],
  ])('of %d bytes: handed over %s', async (bytes, taken) => {
    const world = new World(LINES);
    const object = world.send('simple/a.csv', simpleFile('a'));
    expect(await splitterOn(world).splitter.take({ object, attempt: 'attempt-1', bytes })).toBe(taken);
  });

  test('is no batch of a stream, however large: its lines are envelopes, and it has no header', async () => {
    const world = new World(LINES);
    const { names, splitter } = splitterOn(world);
    const lines = ['a', 'b', 'c'].map((id, i) => `${envelopeOf(`shard:${i}`, new Date(0), Buffer.from(`{"id":"${id}","amount":1}`))}\n`);
    const object = world.send('simple/stream/s/shard/1.jsonl', lines.join(''));
    expect(await world.attempt(object, { splitter })).toMatchObject({ outcome: 'accounted', row: { counts: { read: 3, valid: 3 } } });
    expect(names).toEqual([]);
  });

  test('whose execution has been started already was handed over', async () => {
    const world = new World(LINES);
    const object = world.send('simple/a.csv', simpleFile('a', 12));
    const exists = new ExecutionAlreadyExists({ message: 'exists', $metadata: {} });
    expect(await splitterOn(world, () => Promise.reject(exists)).splitter.take({ object, attempt: 'a', bytes: 100 })).toBe(true);
  });

  test('whose execution cannot be started comes back, and the next attempt takes it when the lease has lapsed', async () => {
    const world = new World(LINES);
    const object = world.send('simple/a.csv', simpleFile('a', 12));
    const { splitter } = splitterOn(world, () => Promise.reject(new Error('throttled')));
    await expect(world.attempt(object, { splitter })).rejects.toThrow('throttled');
    world.pass(151);
    expect(await world.attempt(object, { splitter: splitterOn(world).splitter })).toEqual({ outcome: 'handed over' });
  });

  test.each([
    [
      { format: 'csv' as const },
      false,
      false,
      'send it in parts, or let the contract say that no field holds a newline (newlinesQuoted: false), so that it can be split',
    ],
    [{ format: 'csv' as const, newlinesQuoted: false }, true, true, 'send it in parts, or uncompressed, so that it can be split'],
    [{ format: 'jsonl' as const }, true, false, `send it in parts of at most ${MAXIMUM_SPLIT_BYTES} bytes`],
    [{ format: 'jsonl' as const }, false, false, 'send it in parts'],
  ])('%j, split %s, compressed %s: its sender is told what to do', (contract, splits, compressed, advice) => {
    expect(adviceOf(contract, splits)(compressed)).toBe(advice);
  });
});
