import { Readable } from 'node:stream';
import { gzipSync } from 'node:zlib';
import { readPredictions } from '../../../runtime/quality-gate/predictions';

const HEADER = 'block,label,baseline,candidate,current';
const read = (...lines: string[]) => readPredictions(Readable.from([gzipSync([HEADER, ...lines, ''].join('\n'))]));

describe('predictions.csv.gz [R2]', () => {
  test('is read into columns; without a current version there are none of its scores', async () => {
    const { current, labels, blocks, candidate, ...rest } = await read(
      '2013-04-01,1,0.25,0.5,',
      '2013-04-02,0,0,1,',
      '2013-04-01,0,1e-3,0.1,',
    );
    expect({ current, labels: [...labels], blocks: [...blocks], candidate: [...candidate] }).toEqual({
      current: undefined,
      labels: [1, 0, 0],
      blocks: [0, 1, 0],
      candidate: [0.5, 1, 0.1],
    });
    expect(rest).toMatchObject({ rows: 3, blockCount: 2, baseline: new Float64Array([0.25, 0, 0.001]) });
  });

  test('is read whole when it is longer than the first columns', async () => {
    const rows = 20_000;
    const data = await read(...Array.from({ length: rows }, (_, i) => `d${i % 30},${i % 2},0.5,${(i % 1000) / 1000},${i / rows}`));
    expect(data).toMatchObject({ rows, blockCount: 30 });
    expect([data.labels.length, data.current![19_999], data.candidate[4096], data.candidate[19_999]]).toEqual([
      rows,
      0.99995,
      0.096,
      0.999,
    ]);
  });

  test('may have no row', async () => {
    expect(await read()).toMatchObject({ rows: 0, blockCount: 0 });
  });

  test.each([
    ['NaN', 'd,1,0.5,NaN,', "row 2: score of candidate must be a number from 0 to 1, got 'NaN'"],
    ['nothing', 'd,1,0.5,,', "row 2: score of candidate must be a number from 0 to 1, got ''"],
    ['infinity', 'd,1,0.5,inf,', "row 2: score of candidate must be a number from 0 to 1, got 'inf'"],
    ['above 1', 'd,1,1.0001,0.5,', "row 2: score of baseline must be a number from 0 to 1, got '1.0001'"],
    ['below 0', 'd,1,0.5,-1e-9,', "row 2: score of candidate must be a number from 0 to 1, got '-1e-9'"],
    ['label', 'd,2,0.5,0.5,', "row 2: label must be 0 or 1, got '2'"],
    ['no block', ',1,0.5,0.5,', 'row 2: no block'],
    ['fields', 'd,1,0.5,0.5', 'row 2: 4 fields, 5 are needed'],
    ['current here only', 'd,1,0.5,0.5,0.5', 'row 2: scores of the current version are in some rows only'],
  ])('fails on %s and names the row', async (_, line, message) => {
    await expect(read('d,1,0.5,0.5,', line)).rejects.toThrow(`predictions.csv.gz, ${message}`);
  });

  test('fails on a score of the current version that is no score', async () => {
    await expect(read('d,1,0.5,0.5,2')).rejects.toThrow("row 1: score of current must be a number from 0 to 1, got '2'");
  });

  test('fails on other columns', async () => {
    const file = Readable.from([gzipSync('label,block\n')]);
    await expect(readPredictions(file)).rejects.toThrow('row 0: columns must be block,label,baseline,candidate,current, got label,block');
  });

  test('fails on an empty file, and on one that is cut', async () => {
    await expect(readPredictions(Readable.from([gzipSync('')]))).rejects.toThrow('no header');
    const whole = gzipSync(`${HEADER}\nd,1,0.5,0.5,\n`);
    await expect(readPredictions(Readable.from([whole.subarray(0, whole.length - 9)]))).rejects.toThrow('unexpected end of file');
  });
});
