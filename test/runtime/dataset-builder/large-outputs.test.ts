import { Source } from '../../../runtime/intake/source';
import { simpleFile } from '../intake/simple-files';
import { Arena } from '../intake-operations/machine';
import { builderOf } from './setting';

type Sized = { checkSize(this: Source, bytes: number): void };

/** A world with one file of 12 records, 3 of them in quarantine, in which each byte that is  from now on counts for a GiB. */
async function largeWorld(): Promise<Arena> {
  const world = new Arena();
  await world.take(world.send('simple/large.csv', simpleFile('a', 12)));
  const { checkSize } = Source.prototype as unknown as Sized;
  jest.spyOn(Source.prototype as unknown as Sized, 'checkSize').mockImplementation(function (this: Source, bytes: number) {
    checkSize.call(this, bytes * 2 ** 30);
  });
  return world;
}

afterEach(() => void jest.restoreAllMocks());

describe('outputs that are larger than the largest file that one function takes in [D5]', () => {
  test('are published as a dataset version', async () => {
    const world = await largeWorld();
    expect(await builderOf(world).build({ dataset: 'simple' })).toMatchObject({ rows: 9, files: 1, created: true });
  });

  test('are read again from quarantine: only the raw file is too large for the intake', async () => {
    const world = await largeWorld();
    world.deployed = 'loose';
    const splitting = { above: 40, rangeBytes: 16 };
    expect((await world.operate({ operation: 'revalidate' }, { splitting })).totals).toMatchObject({ judged: 1, released: 3 });
    await world.take(world.send('simple/other.csv', simpleFile('b', 12)));
    expect(world.rows().find(({ key }) => key === 'simple/other.csv')).toMatchObject({
      state: 'rejected',
      reason: expect.stringMatching(/^larger than 2147483648 bytes after decompression, .*: send it in parts/),
    });
  });
});
