import { citationsOf } from '../../scripts/tables/citations';
import { meanings, problems } from '../../scripts/tables/semantics';

describe('the meanings of a contract [D2]', () => {
  test('are each proved by a test that cites its line, and no test cites another', () => {
    expect(problems(meanings(), citationsOf('meaning'))).toEqual([]);
  });

  test('are numbered without a gap', () => {
    expect(meanings().map(({ line }) => line)).toEqual(meanings().map((_, i) => i + 1));
  });

  test('fails on a line that no test cites, and on a test that cites a line that is not there', () => {
    expect(
      problems(
        [{ line: 1 }, { line: 2 }],
        new Map([
          [1, ['a.test.ts']],
          [7, ['b.test.ts']],
        ]),
      ),
    ).toEqual(['no test cites [meaning 2]', 'b.test.ts cites [meaning 7], which is no line']);
  });
});
