import { judged } from '../../bench/bars';

const bar = (what: string, value: number, held: boolean) => ({ what, value, limit: 'at most 1', held });

describe('the bars of a measurement', () => {
  test('are held or missed, and one whose figures were not measured is left out', () => {
    expect(judged([bar('a', 0.5, true), bar('b', Number.NaN, false), bar('c', 2, false)])).toEqual({
      lines: ['pass: a: 0.500 (at most 1)', 'SHORTFALL: c: 2.000 (at most 1)'],
      missed: 1,
    });
  });

  test('say so when none was held against what was measured', () => {
    expect(judged([bar('a', Number.NaN, false), bar('b', Number.NaN, false)])).toEqual({
      lines: ['no bar was held against what was measured: leave the text out, or let it pick what one of these compares:\n  a\n  b'],
      missed: 0,
    });
  });
});
