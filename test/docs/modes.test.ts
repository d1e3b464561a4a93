import { modes, problems } from '../../scripts/tables/modes';

describe('the table of modes', () => {
  test('says of each mode and feature which test proves it, or why there is none', () => {
    expect(problems(modes())).toEqual([]);
  });

  test('fails on a mode that is left out, and on a test that is not there or there twice', () => {
    const features = [{ feature: 'scaling', cells: { A: { file: 'a.test.ts', test: 'scales' } } }];
    const read = (text: string) => () => text;
    expect(problems({ modes: ['A', 'B'], features }, read("test('scales [A1]', () => {});"))).toEqual(["'scaling' says nothing about B"]);
    expect(problems({ modes: ['A'], features }, read("// test('scales in'\n"))).toHaveLength(1);
    expect(problems({ modes: ['A'], features }, read("test('scales out', () => {});\ntest('scales in', () => {});"))).toHaveLength(1);
  });
});
