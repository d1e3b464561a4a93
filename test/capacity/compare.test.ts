import { LIMITS } from '../../capacity/compare/bars';
import { mkdtempSync, readFileSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { compareCommand } from '../../capacity/cli/compare-command';
import { CANDIDATES } from '../../capacity/compare/candidates';
import { Row } from '../../capacity/compare/cell';
import { compare, Comparison } from '../../capacity/compare/compare';
import { detectionSeconds } from '../../capacity/compare/detection';
import { page, Point } from '../../capacity/compare/page';
import { FULL, QUICK, Suite } from '../../capacity/compare/suite';
import { lines } from '../../capacity/compare/summary';
import { INLINE, Workers } from '../../capacity/compare/workers';

const SMALL: Suite = { ...QUICK, traces: ['conv'], profiles: [FULL.profiles[1]], seeds: [11, 12], otherSeeds: [11] };
const folder = mkdtempSync(join(tmpdir(), 'compare-'));
let inline: Comparison;

beforeAll(async () => {
  inline = await compare(SMALL, INLINE, () => undefined);
});

test('every policy is run in every cell on the same requests', () => {
  const wrong = CANDIDATES.filter(({ kind }) => kind === 'mismeasured');
  expect(inline.rows.length).toBe(3 * CANDIDATES.length - wrong.length);
  expect(new Set(inline.rows.map(({ requests }) => requests))).toEqual(new Set([19_366]));
  const cells = inline.rows.map(({ seed, semantics, policy }) => `${seed} ${semantics} ${policy}`);
  expect(new Set(cells).size).toBe(cells.length);
});

test('no fleet takes fewer hours than its work, and one that answers all in time few less than the bound', () => {
  for (const { policy, gpuHours, lbWorkGpuHours, lbSloGpuHours, missRatio } of inline.rows) {
    expect([policy, gpuHours >= lbWorkGpuHours]).toEqual([policy, true]);
    expect(lbSloGpuHours).toBeGreaterThan(lbWorkGpuHours);
    expect([policy, missRatio > 0.01 || gpuHours >= lbSloGpuHours!]).toEqual([policy, true]);
  }
});

test('a fleet of the size of the peak serves the conversations, one instance does not, and what is inert stays', () => {
  const of = (name: string) => inline.rows.filter(({ policy }) => policy === name);
  expect(of('fixed-peak').every(({ missRatio }) => missRatio < 0.005)).toBe(true);
  for (const { missRatio, scaleOuts } of [...of('genai-cdk'), ...of('genai-cdk-jumpstart')]) {
    expect(missRatio).toBeGreaterThan(0.5);
    expect(scaleOuts).toBe(0);
  }
  expect(of('aws-doc-invocations').every(({ scaleOuts }) => scaleOuts > 0)).toBe(true);
});

test('two processes have the same result as one, to the last bit, and tell how far they are', async () => {
  const shares: number[] = [];
  const workers = new Workers(2);
  try {
    expect(await compare(SMALL, workers, (share) => shares.push(share))).toEqual(inline);
  } finally {
    workers.close();
  }
  expect(shares.length).toBe(3);
  expect(shares.at(-1)).toBe(1);
});

test('fails with the error of the task that a process could not do', async () => {
  const workers = new Workers(1);
  const profile = { ...FULL.profiles[0], profile: 'none@ml.g5.2xlarge' };
  try {
    await expect(compare({ ...SMALL, profiles: [profile] }, workers, () => undefined)).rejects.toThrow("UnknownProfile: model 'none'");
  } finally {
    workers.close();
  }
});

test('a line is the spread of its seeds', () => {
  const line = lines(inline).find(({ policy }) => policy === 'default')!;
  const hours = inline.rows
    .filter(({ policy, semantics }) => policy === 'default' && semantics === 'default')
    .map(({ gpuHours }) => gpuHours);
  expect(hours.length).toBe(2);
  expect(line.gpuHours).toEqual({ least: Math.min(...hours), mean: (hours[0] + hours[1]) / 2, most: Math.max(...hours) });
});

test('the report has each policy with its source in the table and in the chart, and says what is inert', () => {
  const drawn: Point[] = [];
  const html = page(inline, (points) => {
    drawn.push(...points);
    return '<svg></svg>';
  });
  expect(drawn.map(({ policy }) => policy)).toEqual(CANDIDATES.map(({ name }) => name));
  drawn.forEach(({ number, policy }) => expect(html).toMatch(new RegExp(`<td>${number}</td><td><span class="\\w+">${policy}</span>`)));
  for (const { name, source, inert } of CANDIDATES) {
    expect(html).toContain(`>${name}</span>`);
    expect(html).toContain(source);
    expect(html).toContain(inert ?? '');
  }
});

test('policies of ours by choice watch metrics of ten seconds, and ask within two minutes', () => {
  const times = CANDIDATES.filter(({ kind }) => kind === 'ours').map((candidate) => [candidate.name, detectionSeconds(candidate)]);
  expect(times).toEqual([
    ['default', undefined],
    ['tokens', undefined],
    ['prioritized-tokens', undefined],
    ['prioritized-tokens-ten-second', expect.any(Number)],
  ]);
  expect(times[3][1]).toBeGreaterThan(0);
  expect(times[3][1]).toBeLessThanOrEqual(LIMITS.detectionSeconds);
});

async function command(name: 'compare' | 'bars', ...args: string[]) {
  const [out, err]: [string[], string[]] = [[], []];
  const code = await compareCommand(name, args, { write: (text: string) => out.push(text) }, { write: (text: string) => err.push(text) });
  return { code, out: out.join(''), err: err.join('') };
}

test('bars reads what compare wrote, and its exit code says whether the default keeps them', async () => {
  const path = join(folder, 'compared.json');
  writeFileSync(path, JSON.stringify(inline));
  const { code, out } = await command('bars', '--from', path);
  expect(code).toBe(out.split('\ntokens\n')[0].includes('SHORT') ? 1 : 0);
  expect(out.match(/^ {2}(pass|SHORT|not applied) +SLO$/gm)?.length).toBe(4);
  expect(readFileSync(path, 'utf8')).toBe(JSON.stringify(inline));
});

test('each policy is judged by its own wrong measurements, and one that has none by none', async () => {
  const path = join(folder, 'wrong.json');
  const missing = (row: Row) => ({ ...row, missRatio: row.policy === 'default-measured-1.3' ? 0.02 : 0, gpuHours: row.lbSloGpuHours! });
  writeFileSync(path, JSON.stringify({ ...inline, rows: inline.rows.map(missing) }));
  const { out } = await command('bars', '--from', path);
  const verdicts = [...out.matchAll(/^ {2}(pass|SHORT|not applied) +Robust: measured wrongly by 30 %\n +(.*)$/gm)];
  expect(verdicts.map(([, verdict, detail]) => [verdict, detail.split(' keep')[0]])).toEqual([
    ['SHORT', '2 of 4 cells'],
    ['not applied', '0 of 0 cells'],
    ['not applied', '0 of 0 cells'],
    ['pass', '4 of 4 cells'],
  ]);
});

test('fails with a clear error for options and files that are none', async () => {
  expect((await command('compare', '--help')).out).toContain('--quick');
  const strange = await command('compare', '--fast');
  expect([strange.code, strange.err]).toEqual([2, expect.stringContaining("InvalidOption: Unknown option '--fast'")]);
  expect((await command('compare', '--from', 'x')).err).toContain('InvalidOption: --from is none of compare');
  const path = join(folder, 'none.json');
  expect(await command('bars', '--from', path)).toMatchObject({ code: 1, err: expect.stringContaining('InvalidComparison') });
  writeFileSync(path, '{"rows": 1}');
  expect((await command('bars', '--from', path)).err).toContain('InvalidComparison: the file is none that compare wrote');
});
