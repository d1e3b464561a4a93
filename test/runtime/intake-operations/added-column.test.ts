import { gunzipSync } from 'node:zlib';
import { versionObjections } from '../../../lib/constructs/data/data-contract/contract-changes';
import { builderOf } from '../dataset-builder/setting';
import { simpleFile } from '../intake/simple-files';
import { BUCKETS } from '../intake/world';
import { Arena, CONTRACTS } from './machine';

const [OLDER, NEWER] = [CONTRACTS.strict.contract, CONTRACTS.wider.contract];
const LARGE = simpleFile('large', 12);
/** Files above 40 bytes in ranges of 16. */
const IN_RANGES = {
  splitting: { above: 40, rangeBytes: 16 },
  contract: () => Promise.resolve({ ...NEWER, newlinesQuoted: false }),
};

/** Files that the older contract judged; then the next minor version is deployed, and one more file comes as the older ones did. */
async function widened(): Promise<Arena> {
  const world = new Arena(NEWER);
  for (const [key, text] of [
    ['simple/a.csv', simpleFile('a')],
    ['simple/large.csv', LARGE],
  ]) {
    await world.take(world.send(key, text));
  }
  world.deployed = 'wider';
  await world.take(world.send('simple/b.csv', simpleFile('b')));
  return world;
}

describe('a contract that gets one more column, which needs no value [D2, D6, D7, meaning 31]', () => {
  test('needs a new minor version only', () => {
    expect(versionObjections(OLDER, NEWER)).toEqual([]);
    expect(versionObjections(OLDER, { ...NEWER, version: '1.0.1' })).toHaveLength(1);
  });

  test.each([
    ['rerun', 'each as a whole', {}],
    ['rerun', 'large ones in ranges', IN_RANGES],
    ['revalidate', 'each as a whole', {}],
    ['revalidate', 'large ones in ranges', IN_RANGES],
  ])('takes files without it as before, and %s judges the older ones, %s, so that the dataset is published', async (operation, _, over) => {
    const world = await widened();
    expect(world.rows().map(({ state, contract }) => [state, contract])).toEqual([
      ['accounted', 'strict'],
      ['accounted', 'strict'],
      ['accounted', 'wider'],
    ]);
    const { build, manifestOf, statisticsOf } = builderOf(world);
    await expect(build({ dataset: 'simple' })).rejects.toThrow(/^MixedContracts: /);
    const outcome = await world.operate({ operation }, over);
    expect([outcome.totals, outcome.failed]).toEqual([
      { judged: 2, read: 18, validBefore: 14, released: 0, refused: 0, valid: 14, quarantined: 4 },
      [],
    ]);
    expect(world.s3.versions.some(({ key }) => key.startsWith('_splits/'))).toBe(over === IN_RANGES);
    expect(world.problems()).toEqual([]);
    await world.take(world.send('simple/c.csv', 'amount,note,id\n1,7,c-0\n2,,c-1\n3,x,c-2\n'));
    const answer = await build({ dataset: 'simple' });
    const manifest = manifestOf(answer);
    expect([manifest.contract, answer.files, answer.rows]).toEqual(['wider', 4, 21]);
    expect(statisticsOf(manifest)).toMatchObject([
      { name: 'id', values: 21, nulls: 0 },
      { name: 'note', values: 1, nulls: 20, sum: '7' },
      { name: 'amount', values: 21, nulls: 0 },
    ]);
  });

  test('has it in each validated file, empty where the file that was sent does not have it', async () => {
    const world = await widened();
    await world.operate({ operation: 'rerun' });
    for (const { key, validated } of world.rows()) {
      const seed = key.slice('simple/'.length, -'.csv'.length);
      const good = simpleFile(seed, seed === 'large' ? 12 : 6)
        .split('\n')
        .filter((line) => /,\d+$/.test(line));
      const lines = gunzipSync(world.s3.read(BUCKETS.validated, validated!.key, validated!.versionId))
        .toString()
        .trimEnd()
        .split('\n');
      expect(lines).toEqual(['id,note,amount', ...good.map((line) => line.replace(',', ',,'))]);
    }
  });
});
