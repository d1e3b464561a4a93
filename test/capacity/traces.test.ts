import { mkdtempSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { AZURE_HEADER, AzureTrace } from '../../capacity/traces/azure-trace';
import { PoissonSource } from '../../capacity/traces/generated';
import { readLengths, RecordedLengths } from '../../capacity/traces/lengths';
import { readRateFile, SERVEGEN_HEADER, ServeGenSource } from '../../capacity/traces/servegen';
import { listed } from './support';

const traces = join(__dirname, '../../capacity/traces');
const conversations = join(traces, 'azure-llm-2023/AzureLLMInferenceTrace_conv.csv');
const code = join(traces, 'azure-llm-2023/AzureLLMInferenceTrace_code.csv');
const rates = join(traces, 'servegen/deepseek-r1-rates.csv');
const folder = mkdtempSync(join(tmpdir(), 'traces-'));

function file(content: string): string {
  const path = join(folder, 'trace.csv');
  writeFileSync(path, content);
  return path;
}

const lengths = { draw: () => undefined, prompt: 10, output: 5 };

test('the recorded traces have the requests, span and tokens that their page states', () => {
  const [conv, other] = [listed(new AzureTrace(conversations)), listed(new AzureTrace(code))];
  expect([conv.length, other.length]).toEqual([19_366, 8_819]);
  expect(conv[0]).toEqual({ at: 0, prompt: 374, output: 44 });
  expect(conv[1].at).toBeCloseTo(4.314579, 6);
  expect([conv, other].map((all) => Math.round(all[all.length - 1].at * 10) / 10)).toEqual([3501.7, 3435.9]);
  expect(Math.round(conv.reduce((sum, { prompt }) => sum + prompt, 0) / conv.length)).toBe(1155);
});

test.each([256, 257, 1000, 4096])('blocks of %d bytes read the same requests as large ones', (block) => {
  expect(listed(new AzureTrace(code, block))).toEqual(listed(new AzureTrace(code)));
});

test('the last line counts without its end, empty lines do not, and the first request tells when the trace begins', () => {
  const trace = new AzureTrace(file(`${AZURE_HEADER}\r\n2023-11-16 18:15:46.5,3,4\r\n\r\n2023-11-17 18:15:46.75,5,6`));
  expect(listed(trace)).toEqual([
    { at: 0, prompt: 3, output: 4 },
    { at: 86_400.25, prompt: 5, output: 6 },
  ]);
  expect(new Date(trace.startsAt).toISOString()).toBe('2023-11-16T18:15:46.500Z');
});

const line = (time: string, prompt: number | string = 3, output: number | string = 4) => `2023-11-16 ${time},${prompt},${output}`;

test.each([
  ['another header', 'a,b\n', "line 1: the first line must be 'TIMESTAMP,ContextTokens,GeneratedTokens', got 'a,b'"],
  ['an empty file', '', "line 1: the first line must be 'TIMESTAMP,ContextTokens,GeneratedTokens', got ''"],
  ['no request', `${AZURE_HEADER}\n`, 'the trace has no request'],
  ['no prompt', `${AZURE_HEADER}\n${line('18:15:46', 0)}`, "line 2: 'ContextTokens' must be a whole number from 1, got 0"],
  ['a negative output', `${AZURE_HEADER}\n${line('18:15:46', 1, -7)}`, "line 2: 'GeneratedTokens' must be a whole number from 1, got -7"],
  ['a broken line', `${AZURE_HEADER}\n${line('18:15:46', 'x')}`, "line 2: '2023-11-16 18:15:46,x,4' is not like"],
  [
    'times out of order',
    `${AZURE_HEADER}\n${line('18:15:46')}\n${line('18:15:45.999')}`,
    'line 3: the time 2023-11-16 18:15:45.999 is before that of the line above: sort the trace by time',
  ],
])('fails on a recorded trace with %s', (_, content, problem) => {
  expect(() => listed(new AzureTrace(file(content)))).toThrow(`InvalidTrace: ${problem.startsWith('line') ? problem : ''}`);
  expect(() => listed(new AzureTrace(file(content)))).toThrow(problem);
});

test('generated arrivals have the wanted rate in each hour, with the shape of the file', () => {
  const rate = readRateFile(rates);
  expect(rate.clients.length).toBe(73);
  expect(rate.meanRate).toBeCloseTo(16.0, 1);
  const hours = new Array<number>(24).fill(0);
  for (let seed = 1; seed <= 3; seed++) {
    for (const source = new ServeGenSource(rate, 8, lengths, seed); source.next();) {
      hours[Math.floor(source.at / 3600)] += 1 / 3;
    }
  }
  const wanted = new Array<number>(24).fill(0);
  rate.clients.flat().forEach((window) => (wanted[Math.floor(window.from / 3600)] += (window.rate * 600 * 8) / rate.meanRate));
  expect(Math.abs(hours.reduce((sum, count) => sum + count) / (8 * 86_400) - 1)).toBeLessThan(0.01);
  expect(hours.map((count, hour) => Math.abs(count / wanted[hour] - 1)).filter((off) => off > 0.05)).toEqual([]);
});

test('windows with very uneven gaps have as many requests as their rate says, too', () => {
  const window = { client: 0, rate: 0.1, family: 'G', shape: 0.02, mean: 0.02 };
  const clients = [Array.from({ length: 20_000 }, (_, place) => ({ ...window, from: place * 600 }))];
  const source = new ServeGenSource({ clients, seconds: 12e6, meanRate: 0.1 }, 0.1, lengths, 1);
  expect(Math.abs(listed(source).length / 1.2e6 - 1)).toBeLessThan(0.05);
});

test('rounds repeat the day with new arrivals, in order', () => {
  const all = listed(new ServeGenSource(readRateFile(rates), 0.5, lengths, 1, 3));
  expect(Math.abs(all.length / (3 * 43_200) - 1)).toBeLessThan(0.03);
  expect(all.every(({ at }, place) => place === 0 || at >= all[place - 1].at)).toBe(true);
  expect(all[all.length - 1].at).toBeGreaterThan(2.9 * 86_400);
});

test.each([
  ['another header', 'client\n', `the first line must be '${SERVEGEN_HEADER}'`],
  ['no window', `${SERVEGEN_HEADER}\n`, 'the trace has no request'],
  ['a rate of 0', `${SERVEGEN_HEADER}\n0,0,0,1,G,1,1`, "line 2: '0,0,0,1,G,1,1' is not like"],
  ['another family', `${SERVEGEN_HEADER}\n0,0,1,1,X,1,1`, "line 2: '0,0,1,1,X,1,1' is not like"],
  [
    'windows out of order',
    `${SERVEGEN_HEADER}\n0,600,1,1,G,1,1\n0,0,1,1,G,1,1`,
    'line 3: the window is not after the one before of client 0',
  ],
])('fails on a file of rates with %s', (_, content, problem) => {
  expect(() => readRateFile(file(content))).toThrow(`InvalidTrace: `);
  expect(() => readRateFile(file(content))).toThrow(problem);
});

test('drawn lengths are pairs that were recorded together', () => {
  const known = new Set(listed(new AzureTrace(code)).map(({ prompt, output }) => `${prompt} ${output}`));
  const drawn = new RecordedLengths(readLengths(code), 1);
  for (let draw = 0; draw < 500; draw++) {
    drawn.draw();
    expect(known).toContain(`${drawn.prompt} ${drawn.output}`);
  }
});

test('a rate that changes in steps is held in each of them', () => {
  const all = listed(
    new PoissonSource(
      [
        [0, 1],
        [10_000, 10],
        [20_000, 3],
      ],
      30_000,
      lengths,
      1,
    ),
  );
  const counts = [0, 0, 0];
  all.forEach(({ at }) => counts[Math.floor(at / 10_000)]++);
  expect(counts.map((count, step) => Math.abs(count / [10_000, 100_000, 30_000][step] - 1) < 0.05)).toEqual([true, true, true]);
});
