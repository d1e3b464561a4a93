import { Bar, bars, judged, LIMITS } from '../../capacity/compare/bars';
import { Row } from '../../capacity/compare/cell';

const ROW: Row = {
  ...{ trace: 'conv', gpu: 'L40S', bootSeconds: 307, seed: 11, semantics: 'default', policy: 'default', kind: 'ours' },
  ...{ requests: 100_000, missed: 500, missRatio: 0.005, dropped: 0, gpuHours: 14, lbWorkGpuHours: 4, lbSloGpuHours: 10 },
  ...{ firstTokenP99Seconds: 1, scaleOuts: 1, scaleIns: 1 },
};
const PEAK: Partial<Row> = { policy: 'fixed-peak', kind: 'fixed', missRatio: 0.001, gpuHours: 5 };

/** Two peers that miss little, one that misses too much and costs nothing, a wrong measurement, and our own, in both choices and with both boots. */
function rows(changes: Partial<Row> = {}, wrong: Partial<Row> = {}): Row[] {
  return [307, 572].flatMap((bootSeconds) =>
    (['default', 'other'] as const).flatMap((semantics) =>
      [
        { ...ROW, ...changes },
        { ...ROW, policy: 'wrong', kind: 'mismeasured' as const, ...wrong },
        { ...ROW, ...PEAK },
        { ...ROW, policy: 'cheap', kind: 'peer' as const, missRatio: LIMITS.missRatio, gpuHours: 20, firstTokenP99Seconds: 2 },
        { ...ROW, policy: 'dear', kind: 'peer' as const, missRatio: 0, gpuHours: 40, firstTokenP99Seconds: 0.6 },
        { ...ROW, policy: 'late', kind: 'peer' as const, missRatio: 0.0101, gpuHours: 1, firstTokenP99Seconds: 0.1 },
      ].map((row) => ({ ...row, bootSeconds, semantics })),
    ),
  );
}

const verdict = (changes: Partial<Row> = {}, wrong: Partial<Row> = {}, detection?: number) =>
  Object.fromEntries(bars({ rows: rows(changes, wrong) }, 'default', ['wrong'], detection).map(({ name, holds }: Bar) => [name, holds]));

test('a policy that keeps every bar passes all of them', () => {
  expect(verdict({}, {}, 100)).toEqual({
    SLO: true,
    Cost: true,
    Gap: true,
    Tail: true,
    'Robust: measured wrongly by 30 %': true,
    'Robust: under the other choice of what AWS does not document': true,
    'Robust: with a boot of 307 s alone': true,
    'Robust: with a boot of 572 s alone': true,
    Detection: true,
  });
});

test.each<[string, Partial<Row>, Partial<Row>]>([
  ['SLO', { missRatio: 0.01 }, { missRatio: 0.01001 }],
  // The cheapest that serves has 20 GPU-hours, and not the 1 of the one that does not.
  ['Cost', { gpuHours: 15 }, { gpuHours: 15.01 }],
  // Each cell may have 1.6, their mean 1.45.
  ['Gap', { gpuHours: 14.49 }, { gpuHours: 14.51 }],
  ['Tail', { firstTokenP99Seconds: 1.1 }, { firstTokenP99Seconds: 1.11 }],
  ['Tail', { dropped: 50 }, { dropped: 51 }],
])('%s is kept at the limit and not beyond', (name, at, beyond) => {
  expect([verdict(at)[name], verdict(beyond)[name]]).toEqual([true, false]);
});

test('the mean of the peers counts as well as the cheapest: peers of 20 and 24 GPU-hours allow 12.1, not 15', () => {
  const hours = (gpuHours: number) =>
    bars(
      { rows: rows({ gpuHours }).map((row) => (row.policy === 'dear' ? { ...row, gpuHours: 24 } : row)) },
      'default',
      [],
      undefined,
    ).find(({ name }) => name === 'Cost')!.holds;
  expect([hours(12.09), hours(12.11)]).toEqual([true, false]);
});

test('a single cell above 1.6 of the bound is short, whatever the mean is', () => {
  const all = rows({ gpuHours: 12 });
  const gap = (gpuHours: number) => {
    const changed = all.map((row) => (row.policy === 'default' && row.bootSeconds === 572 ? { ...row, gpuHours } : row));
    return bars({ rows: changed }, 'default', [], undefined).find(({ name }) => name === 'Gap')!.holds;
  };
  expect([gap(16), gap(16.1)]).toEqual([true, false]);
});

test('wrong measurements have limits of their own', () => {
  const robust = (wrong: Partial<Row>) => verdict({}, wrong)['Robust: measured wrongly by 30 %'];
  expect([robust({ missRatio: 0.015 }), robust({ missRatio: 0.0151 })]).toEqual([true, false]);
  expect([robust({ gpuHours: 21 }), robust({ gpuHours: 21.1 })]).toEqual([true, false]);
});

test('detection is judged where there is a metric of ten seconds, and else not at all', () => {
  expect([verdict({}, {}, 120).Detection, verdict({}, {}, 121).Detection, verdict().Detection]).toEqual([true, false, undefined]);
});

test('what goes wrong only under the other choice, or with one boot, is short there', () => {
  const all = rows();
  const short = (of: (row: Row) => boolean) => {
    const changed = all.map((row) => (row.policy === 'default' && of(row) ? { ...row, missRatio: 0.02 } : row));
    return bars({ rows: changed }, 'default', ['wrong'], 100).flatMap(({ name, holds }) => (holds === false ? [name] : []));
  };
  expect(short(({ semantics }) => semantics === 'other')).toEqual(['Robust: under the other choice of what AWS does not document']);
  expect(short(({ bootSeconds, semantics }) => bootSeconds === 572 && semantics === 'default')).toEqual([
    'SLO',
    'Robust: with a boot of 572 s alone',
  ]);
});

test('cells that a fleet of the size of the peak does not serve are left out, and without any cell no bar is said to hold', () => {
  const all = (missRatio: number) => rows().map((row) => (row.policy === 'fixed-peak' ? { ...row, missRatio } : row));
  expect(judged(all(0.0049), 'default').length).toBe(2);
  expect(judged(all(0.005), 'default')).toEqual([]);
  expect(bars({ rows: all(0.005) }, 'default', ['wrong'], undefined).map(({ holds }) => holds ?? 'not applied')).not.toContain(true);
});
