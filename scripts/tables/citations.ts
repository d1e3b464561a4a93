// Numbered lines of a table that tests cite in their names, as `[row 3]` or `[D2, meaning 3, 4]`.
import { readdirSync, readFileSync } from 'node:fs';
import { join, relative } from 'node:path';
import { namesOf } from './test-names';

export const ROOT = join(__dirname, '../..');

/** Files of tests by the numbers that they cite, in names of tests only: a number in a comment proves nothing. */
export function citationsOf(word: string): Map<number, string[]> {
  const cited = new Map<number, string[]>();
  for (const entry of readdirSync(join(ROOT, 'test'), { recursive: true, withFileTypes: true })) {
    const file = join(entry.parentPath, entry.name);
    for (const line of /\.test\.ts$|\/test_[^/]*\.py$|\/e2e\/.*\.ts$/.test(file) ? numbersIn(word, readFileSync(file, 'utf8')) : []) {
      const name = relative(ROOT, file);
      cited.set(line, [...new Set([...(cited.get(line) ?? []), name])].sort());
    }
  }
  return cited;
}

/** Numbers in names of tests. */
export function numbersIn(word: string, text: string): number[] {
  const brackets = new RegExp(`\\[([^\\]]*\\b${word} \\d[^\\]]*)\\]`, 'g');
  return namesOf(text).flatMap((name) =>
    [...name.matchAll(brackets)].flatMap(([, inside]) => {
      const from = inside.slice(inside.search(new RegExp(`\\b${word} \\d`)));
      return [...from.matchAll(/(?<![A-Z\d])\d+/g)].map(([line]) => Number(line));
    }),
  );
}

/** Links to those files, relative to docs/. */
export const linksTo = (files: readonly string[] = []): string => files.map((file) => `[${file.split('/').at(-1)}](../${file})`).join(', ');
