import { citationsOf, numbersIn } from '../../scripts/tables/citations';
import { traps } from '../../scripts/tables/traps';

describe('the table of traps', () => {
  const cited = citationsOf('row');

  test('says of each row what is done and is proved by a test, or why nothing is', () => {
    const wrong = traps().filter(
      ({ row, handling, open }) => (handling === undefined) === (open === undefined) || (handling !== undefined) !== cited.has(row),
    );
    expect(wrong.map(({ row }) => row)).toEqual([]);
  });

  test('has each row once', () => {
    const rows = traps().map(({ row }) => row);
    expect([...new Set(rows)].sort((a, b) => a - b)).toEqual(rows);
  });

  test('reads rows from the names of tests, and from nothing else', () => {
    const typescript = `// [row 1]\ndescribe('a [M2, row 22]', () => {\n  test.each([1])('b [row 3, 4]', (x) => x);\n  const x = 'c [row 5]';\n});`;
    expect(numbersIn('row', typescript)).toEqual([22, 3, 4]);
    expect(numbersIn('row', 'def test_a() -> None:\n    """Says. [row 6]"""\n    x = [row for row in rows]\n')).toEqual([6]);
  });
});
