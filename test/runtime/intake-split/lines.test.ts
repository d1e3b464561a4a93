import { Readable } from 'node:stream';
import { Piece, piecesFrom } from '../../../runtime/intake-split/lines';
import { World } from '../intake/world';

const FILE = 'one\ntwo\nthree\n';

async function read(pieces: AsyncIterable<Piece>): Promise<[number, string]> {
  const found: Piece[] = [];
  for await (const piece of pieces) {
    found.push({ ...piece, bytes: Buffer.from(piece.bytes) });
  }
  return [found[0]?.offset ?? -1, Buffer.concat(found.map(({ bytes }) => bytes)).toString()];
}

describe('the bytes of a range [D5]', () => {
  test.each([0, 1, 4, FILE.length - 1])('are those from byte %d on, with their place in the file', async (from) => {
    const world = new World();
    world.s3.chunkBytes = 3;
    const object = world.send('simple/a.csv', FILE);
    expect(await read(piecesFrom(world.s3.client, object, from, FILE.length))).toEqual([from, FILE.slice(from)]);
  });

  test('from the end on are none, and nothing is asked for: Amazon S3 refuses such a range', async () => {
    const world = new World();
    const asked: string[] = [];
    world.s3.before = (operation) => void asked.push(operation);
    const object = world.send('simple/a.csv', FILE);
    expect([await read(piecesFrom(world.s3.client, object, FILE.length, FILE.length)), asked]).toEqual([[-1, ''], []]);
  });

  const answering = (answer: object) => {
    const body = Readable.from([Buffer.from(FILE)]);
    return { body, s3: { send: () => Promise.resolve({ Body: body, ...answer }) } as never };
  };
  const OBJECT = { bucket: 'raw', key: 'simple/a.csv', versionId: 'v1', sequencer: '' };

  test.each([
    ['the whole file', { ContentRange: `bytes 0-13/14` }, "'bytes 0-13/14'"],
    ['a range that only begins with the same digit', { ContentRange: 'bytes 40-53/54' }, "'bytes 40-53/54'"],
    ['no range', {}, 'no range'],
  ])('are not those of an answer with %s: records would be judged twice or at another place', async (_, answer, got) => {
    const { s3, body } = answering(answer);
    await expect(read(piecesFrom(s3, OBJECT, 4, FILE.length))).rejects.toThrow(
      `WrongRange: asked for the bytes from 4 on of simple/a.csv, version v1, got ${got}: the step is tried again; if that does not help, see what answers in the place of Amazon S3`,
    );
    expect(body.destroyed).toBe(true);
  });

  test.each([
    ['fewer', FILE.length + 1],
    ['more', FILE.length - 1],
  ])('are refused when there are %s than the object has: no record may be lost at a broken connection', async (_, size) => {
    const { s3 } = answering({ ContentRange: 'bytes 0-13/14' });
    await expect(read(piecesFrom(s3, OBJECT, 0, size))).rejects.toThrow(`CutTransfer: 14 of ${size} bytes came: the step is tried again`);
  });

  test('give the connection back when their reader has enough', async () => {
    const { s3, body } = answering({ ContentRange: 'bytes 0-13/14' });
    for await (const piece of piecesFrom(s3, OBJECT, 0, FILE.length)) {
      expect(piece.offset).toBe(0);
      break;
    }
    expect(body.destroyed).toBe(true);
  });
});
