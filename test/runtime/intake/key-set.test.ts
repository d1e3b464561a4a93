import { mkdtempSync, readdirSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import fc from 'fast-check';
import { hash128 } from '../../../runtime/intake/hash';
import { KeySet } from '../../../runtime/intake/key-set';

const folder = mkdtempSync(join(tmpdir(), 'keys-'));
/** A text as a key: its bytes as words, filled with zeros. */
function wordsOf(text: string): { words: Int32Array; bytes: number } {
  const bytes = Buffer.from(text, 'utf16le');
  const filled = new Uint8Array(Math.ceil(bytes.length / 16) * 16);
  filled.set(bytes);
  return { words: new Int32Array(filled.buffer), bytes: bytes.length };
}
const hashOf = (text: string) => {
  const out = new Uint32Array(5);
  const { words, bytes } = wordsOf(text);
  hash128(words, bytes, out);
  return out.slice(0, 4);
};
const add = (keys: KeySet, text: string, ordinal: number) => {
  const { words, bytes } = wordsOf(text);
  return keys.add(words, bytes, ordinal);
};
const hexOf = (text: string) => Buffer.from(hashOf(text).buffer).toString('hex');

/** Independent output bits of a hash over many keys: the rank of the hashes' differences as vectors over GF(2). */
function independentBits(hashes: Uint32Array[]): number {
  const big = (words: Uint32Array) => [...words].reduce((sum, word) => (sum << 32n) | BigInt(word), 0n);
  const rows: bigint[] = [];
  for (const hash of hashes.slice(1)) {
    let row = big(hash) ^ big(hashes[0]);
    for (const other of rows) {
      row = (row ^ other) < row ? row ^ other : row;
    }
    if (row !== 0n) {
      rows.push(row);
    }
  }
  return rows.length;
}

describe('the hash of a key', () => {
  test('is MurmurHash3 of 128 bits, as the reference implementation gives it', () => {
    expect(hexOf('')).toBe('0'.repeat(32));
    expect(hexOf('a')).toBe('96b13b03e14fefcce14fefcce14fefcc');
    expect(hexOf('12345678')).toBe('f2c13f084ffa82e1074946bd7addfdc7');
    expect(hexOf('2013\u00001\u00001\u0000UA\u00001545\u0000EWR')).toBe('448cae8d496e1c787c892de1161af92b');
    expect(hexOf('äöü€ exactly eight+1')).toBe('14caa1605311c2424647d3a69c357374');
  });

  test('has 128 bits of which none follows from the others', () => {
    expect(independentBits(Array.from({ length: 400 }, (_, i) => hashOf(`4:2013 1:${i % 12} 2:${i} 3:EWR`)))).toBe(128);
  });

  test('differs in any two of its words for any two of 20,000 similar keys', () => {
    const seen = [new Set<string>(), new Set<string>()];
    for (let i = 0; i < 20_000; i++) {
      const [a, b, c, d] = hashOf(`4:20131:${(i % 12) + 1}1:${i % 9}2:UA5:${i}3:EWR`);
      seen[0].add(`${a} ${b}`);
      seen[1].add(`${c} ${d}`);
    }
    expect(seen.map(({ size }) => size)).toEqual([20_000, 20_000]);
  });
});

describe('a set of keys in bounded memory [D3]', () => {
  test('knows where it saw each key first, whether in its table or in its files', () => {
    fc.assert(
      fc.property(fc.array(fc.nat(300), { maxLength: 600, size: 'max' }), fc.constantFrom(4, 8, 16), (numbers, capacity) => {
        const [keys, first] = [new KeySet(folder, capacity), new Map<number, number>()];
        try {
          const wrong = numbers.filter((number, i) => {
            const expected = first.get(number);
            first.set(number, expected ?? i + 1);
            return add(keys, `key ${number}`, i + 1) !== expected;
          });
          expect(wrong).toEqual([]);
        } finally {
          keys.close();
        }
      }),
      { numRuns: 60 },
    );
  });

  test('remembers 60,000 keys through many files and merges, and none that it did not see', () => {
    const keys = new KeySet(folder, 256);
    const numbers = Array.from({ length: 60_000 }, (_, i) => i + 1);
    expect(numbers.filter((i) => add(keys, `k${i}`, i) !== undefined)).toEqual([]);
    expect(numbers.filter((i) => i % 7 === 0 && add(keys, `k${i}`, 99_999) !== i)).toEqual([]);
    const { runs } = keys as unknown as { runs: { level: number; size: number }[] };
    const levels = runs.map(({ level }) => level);
    expect(Math.max(...levels)).toBe(2);
    expect(levels.every((level) => levels.filter((other) => other === level).length < 8)).toBe(true);
    expect(runs.reduce((sum, { size }) => sum + size, 0)).toBe(Math.floor(60_000 / 256) * 256);
    keys.close();
  });

  test('grows with its keys before it uses a file', () => {
    const keys = new KeySet(folder);
    const numbers = Array.from({ length: 5000 }, (_, i) => i + 1);
    expect(numbers.filter((i) => add(keys, `k${i}`, i) !== undefined)).toEqual([]);
    expect(numbers.filter((i) => add(keys, `k${i}`, 9999) !== i)).toEqual([]);
    expect((keys as unknown as { runs: unknown[] }).runs).toEqual([]);
    keys.close();
  });

  test('finds hashes that start with the same word, wherever a block ends', () => {
    const keys = new KeySet(folder, 1024);
    const internal = keys as unknown as { spill(): void };
    for (let i = 1; i <= 3000; i++) {
      add(keys, `x${i}`, i);
    }
    internal.spill();
    expect(Array.from({ length: 3000 }, (_, i) => add(keys, `x${i + 1}`, 1))).toEqual(Array.from({ length: 3000 }, (_, i) => i + 1));
    keys.close();
  });

  test('leaves no file behind, even while it is open', () => {
    const keys = new KeySet(folder, 4);
    Array.from({ length: 50 }, (_, i) => add(keys, `k${i}`, i + 1));
    expect(readdirSync(folder)).toEqual([]);
    keys.close();
  });
});
