import fc from 'fast-check';
import type { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import type { Manifest } from '../../../runtime/dataset-builder/core';
import { column } from '../intake/contracts';
import { World } from '../intake/world';
import { builderOf } from './setting';
import { runs, seenAtLeast } from '../../support/property-runs';

interface Shop {
  shop: string;
  /** Spellings of numbers: `1.0` and `1` are one. */
  number: string;
  note: string;
}

const contractFor = (format: CompiledContract['format']): CompiledContract => ({
  dataset: 'simple',
  version: '1.0.0',
  format,
  columns: [column('note', 'string'), column('number', 'number', { required: true }), column('shop', 'string')],
  nullTokens: ['NA'],
  primaryKey: ['shop', 'number'],
});

const record: fc.Arbitrary<Shop> = fc.record({
  shop: fc.constantFrom('', 'ä', 'a,b', 'say "hi"', 'two\nlines', 'x'.repeat(40)),
  number: fc.constantFrom('1', '1.0', '1e0', '0', '-0', '20', '2e1', 'wrong'),
  note: fc.constantFrom('', 'n', 'ö,', '"'),
});
const quoted = (text: string) => (/[",\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text);
const TEXT = {
  csv: (records: Shop[]) =>
    ['shop,note,number', ...records.map(({ shop, note, number }) => [shop, note, number].map(quoted).join(',')), ''].join('\n'),
  jsonl: (records: Shop[]) =>
    records
      .map(({ shop, note, number }) => `{"note":${JSON.stringify(note)},"shop":${JSON.stringify(shop)},"number":${number}}\n`)
      .join(''),
};

const keyOf = ({ shop, number }: Shop) => JSON.stringify([shop, Number(number) + 0]);

/** What each file keeps, with all of them in memory: `files` in the order of their arrival. */
function naively(files: Shop[][]): { kept: string[]; ordinals: number[] }[] {
  const valid = files.map((records) => {
    const good = records.filter(({ number }) => number !== 'wrong');
    return good.filter((one, i) => good.findIndex((other) => keyOf(other) === keyOf(one)) === i);
  });
  return valid.map((records, i) => {
    const later = new Set(valid.slice(i + 1).flatMap((others) => others.map(keyOf)));
    return {
      kept: records.map(keyOf).filter((key) => !later.has(key)),
      ordinals: records.flatMap((one, at) => (later.has(keyOf(one)) ? [at + 1] : [])),
    };
  });
}

const ordinalsOf = (object: Manifest['objects'][number]) =>
  (object.excluded ?? []).flatMap(([first, last]) => Array.from({ length: last - first + 1 }, (_, i) => first + i));

describe.each([
  ['csv', 'as-received'],
  ['jsonl', 'as-received'],
  ['csv', 'parquet'],
  ['jsonl', 'parquet'],
] as const)('files with overlapping keys, %s written %s [D4, D7]', (format, validatedFormat) => {
  test('give the records that a computation with everything in memory gives, each key once', async () => {
    let superseded = 0;
    const files = fc.array(fc.array(record, { minLength: 1, maxLength: 12 }), { minLength: 1, maxLength: 5 });
    await fc.assert(
      fc.asyncProperty(files, async (sent) => {
        const texts = sent.map(TEXT[format]);
        const distinct = sent.filter((_, i) => texts.indexOf(texts[i]) === i);
        const names = texts.map((_, i) => `simple/${(i * 7) % 5}-${i}`).filter((_, i) => texts.indexOf(texts[i]) === i);
        const world = new World(contractFor(format), validatedFormat);
        for (const [i, text] of texts.entries()) {
          await world.attempt(world.send(`simple/${(i * 7) % 5}-${i}`, text));
          world.pass(1);
        }
        const { build, manifestOf } = builderOf(world);
        const answer = await build({ dataset: 'simple' });
        const manifest = manifestOf(answer);
        const expected = naively(distinct);
        const found = names.map((name) => manifest.objects.find(({ source }) => source === name)!);
        expect(manifest.objects).toHaveLength(distinct.length);
        expect(found.map(ordinalsOf)).toEqual(expected.map(({ ordinals }) => ordinals));
        expect(found.map(({ rows }) => rows)).toEqual(expected.map(({ kept }) => kept.length));
        expect(answer).toMatchObject({
          rows: new Set(expected.flatMap(({ kept }) => kept)).size,
          superseded: expected.flatMap(({ ordinals }) => ordinals).length,
        });
        superseded += answer.superseded;
      }),
      { numRuns: runs(60) },
    );
    expect(superseded).toBeGreaterThanOrEqual(seenAtLeast(50, 60));
  });
});
