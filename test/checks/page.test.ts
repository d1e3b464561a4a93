import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { RULES } from '../../lib/checks/rules';

const ROOT = join(__dirname, '../..');

describe('the page of AiWorkloadChecks [C1]', () => {
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
