import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RULES } from '../../lib/checks/rules';
import { page } from '../../scripts/checks';

const ROOT = join(__dirname, '../..');

describe('the page of AiWorkloadChecks [C1]', () => {
  test('is the committed one: run `npm run checks:table` after a change', () => {
    expect(readFileSync(join(ROOT, 'docs/checks.md'), 'utf8')).toBe(page());
  });

  test('names each rule once, with a source of AWS', () => {
    expect(new Set(RULES.map(({ name }) => name)).size).toBe(RULES.length);
    expect(RULES.filter(({ source }) => !source.startsWith('https://docs.aws.amazon.com/'))).toEqual([]);
  });

  test.each(RULES.map((rule) => [rule.name, rule] as const))(
    '%s lies in the folder of its mistake, in a file of its name',
    (name, { mistake }) => {
      const file = name.replaceAll(/(?<!^)(?=[A-Z])/g, '-').toLowerCase();
      expect(readFileSync(join(ROOT, 'lib/checks', mistake, `${file}.ts`), 'utf8')).toContain(`name: '${name}'`);
    },
  );
});
