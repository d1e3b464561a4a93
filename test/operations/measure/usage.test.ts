import fc from 'fast-check';
import { measure, textOf } from '../../../operations/measure';
import { poisson } from '../../../operations/measure/arrivals';
import type { CapacityFile } from '../../../operations/measure/capacity-file';
import type { Answer, Send } from '../../../operations/measure/open-loop';
import type { MeasureOptions } from '../../../operations/measure/options';
import { lengthOf, runStep } from '../../../operations/measure/step';
import { tokensOf } from '../../../operations/measure/usage';
import { MeasuredCapacity } from '../../../lib/constructs/serving';
import { folder } from '../../constructs/serving/fixtures';
import { FakeEndpoint } from './fake-endpoint';
import { exponential, singleServer, VirtualClock } from './queues';

const told = (answer: unknown) => tokensOf(Buffer.from(typeof answer === 'string' ? answer : JSON.stringify(answer)));
const ofUsage = (usage: unknown) => told({ choices: [{ message: { content: 'a' } }], usage });

describe('the tokens that an answer states', () => {
  test.each([
    ['the total', { prompt_tokens: 1, completion_tokens: 1, total_tokens: 70 }, 70],
    ['the total of an embedding', { prompt_tokens: 8, total_tokens: 8 }, 8],
    ['the sum of prompt and completion without a total', { prompt_tokens: 50, completion_tokens: 20 }, 70],
    ['that sum where the total is null', { prompt_tokens: 50, completion_tokens: 0, total_tokens: null }, 50],
    ['up to a million', { total_tokens: 1_000_000 }, 1_000_000],
    ['from one', { total_tokens: 1 }, 1],
  ])('are %s', (_, usage, tokens) => {
    expect(ofUsage(usage)).toBe(tokens);
  });

  test.each<[string, unknown]>([
    ['more than a million', { total_tokens: 1_000_001 }],
    ['none', { total_tokens: 0 }],
    ['a negative number', { total_tokens: -70 }],
    ['a fraction', { total_tokens: 70.5 }],
    ['a number beyond all', '{"usage":{"total_tokens":1e999}}'],
    ['a text', { total_tokens: '70' }],
    ['a text for the total, with a sum beside it', { total_tokens: '70', prompt_tokens: 50, completion_tokens: 20 }],
    ['the prompt alone', { prompt_tokens: 50 }],
    ['a sum with a negative part', { prompt_tokens: 90, completion_tokens: -20 }],
    ['nothing', {}],
    ['null', null],
    ['a list', [70]],
    ['a number', 70],
  ])('are not stated by a usage of %s', (_, usage) => {
    expect(typeof usage === 'string' ? told(usage) : ofUsage(usage)).toBeUndefined();
  });

  test.each([
    ['of a classical model', '0.25\n'],
    ['without usage', '{"predictions":[1]}'],
    ['that is empty', ''],
    ['that is null', 'null'],
    ['that is cut', '{"usage":{"total_tokens":70}'],
    ['that has usage only within a text', JSON.stringify('"usage"')],
    ['that has usage only further down', '{"choices":[{"usage":{"total_tokens":70}}]}'],
    ['that is a list of answers', '[{"usage":{"total_tokens":70}}]'],
    ['that nests without end', `{"usage":${'['.repeat(200_000)}`],
    ['of more than 256 KB', `{"text":"${'a'.repeat(256 * 1024)}","usage":{"total_tokens":70}}`],
  ])('are not stated by an answer %s', (_, answer) => {
    expect(told(answer)).toBeUndefined();
  });

  test('are not stated where there is no body', () => {
    expect([tokensOf(undefined), tokensOf(null)]).toEqual([undefined, undefined]);
  });

  test('are none or a whole number from 1 to 1,000,000 for any bytes, and nothing is thrown', () => {
    const key = fc.constantFrom('usage', 'total_tokens', 'prompt_tokens', 'completion_tokens');
    const nested = fc.dictionary(key, fc.oneof(fc.jsonValue(), fc.dictionary(key, fc.jsonValue()))).map((value) => JSON.stringify(value));
    const body = fc.oneof(
      fc.uint8Array(),
      nested.map((text) => Buffer.from(text)),
      nested.map((text) => Buffer.from(`data: ${text}\n\n`)),
    );
    fc.assert(
      fc.property(body, (bytes) => {
        const tokens = tokensOf(bytes);
        expect(tokens === undefined || (Number.isInteger(tokens) && tokens >= 1 && tokens <= 1_000_000)).toBe(true);
      }),
      { seed: 1, numRuns: 500 },
    );
  });
});

describe('the tokens that a stream states', () => {
  const piece = '{"choices":[{"delta":{"content":"a"}}],"usage":null}';
  const last = '{"choices":[],"usage":{"prompt_tokens":50,"completion_tokens":20,"total_tokens":70}}';
  const stream = (events: string[], end = '\n\n') => events.map((event) => `data: ${event}${end}`).join('');

  test('are those of its last event before [DONE], however long it is', () => {
    expect(told(stream([piece, last, '[DONE]']))).toBe(70);
    expect(told(stream([piece, last]))).toBe(70);
    expect(told(stream([piece, last, '[DONE]'], '\r\n\r\n'))).toBe(70);
    expect(told(stream([...Array<string>(20_000).fill(piece), last, '[DONE]']))).toBe(70);
    expect(told(stream(['{"usage":{"total_tokens":51}}', '{"usage":{"total_tokens":52}}', '[DONE]']))).toBe(52);
  });

  test.each([
    ['no event does', [piece, '[DONE]']],
    ['only an earlier one does', [last, piece, '[DONE]']],
    ['the last is cut', [piece, last.slice(0, -2)]],
    ['the last is an error', [last, '{"error":{"message":"\\"usage\\""}}', '[DONE]']],
    ['the last is longer than its end that is read', [piece, `${last.slice(0, -1)},"more":"${'a'.repeat(5000)}"}`, '[DONE]']],
    ['there is nothing but the end', ['[DONE]']],
  ])('are not stated when %s', (_, events) => {
    expect(told(stream(events))).toBeUndefined();
  });
});

const OBJECTIVE = { percentile: 95, belowMs: 100, availabilityPercent: 90 };

describe('the tokens of a step', () => {
  const { count, runIn } = lengthOf(OBJECTIVE, 50);
  const tokens = async (answer: (i: number) => Answer) => {
    const clock = new VirtualClock();
    const send: Send = async (i) => clock.until(clock.now() + 1).then(() => answer(i));
    return (await clock.run(runStep({ clock, send, arrivals: poisson, watchLoop: () => () => 0 }, OBJECTIVE, 50, 1))).tokens;
  };

  test('are those of answers that were served after the run-in', async () => {
    const failed = (i: number) => i >= runIn && i < runIn + 10;
    const found = await tokens((i) => (i < runIn ? 9000 : failed(i) ? 'ModelError 500' : i % 2 === 0 ? 100 : 300));
    const served = count - runIn - 10;
    expect(found).toEqual({ stating: served, served, mean: 200 });
  });

  test('tell how many answers state them, and are absent when none does', async () => {
    const served = count - runIn;
    expect(await tokens((i) => (i === count - 1 ? undefined : 70))).toEqual({ stating: served - 1, served, mean: 70 });
    expect(await tokens((i) => (i < runIn ? 70 : undefined))).toBeUndefined();
  });
});

describe('a measurement of requests with tokens', () => {
  const body = Buffer.from('{}');
  const given = { endpoint: 'air-dev-delay', objective: OBJECTIVE, bodies: [body], contentType: 'application/json', arrivals: poisson };
  const limits = { maxRate: 1000, maxMinutes: 30, seed: 1, output: 'capacity/delay.json' };

  /** Measures an endpoint that serves 50 requests a second and answers request `i` of each step so; of `units` instances when a file of one is given. */
  async function measured(answer: (i: number) => Answer, single?: CapacityFile) {
    const clock = new VirtualClock();
    const serve = singleServer(clock, exponential(20, 5));
    const send: Send = async (i) => serve(i).then(() => answer(i));
    const fake = Object.assign(new FakeEndpoint(), { instances: single === undefined ? 1 : 4 });
    const options: MeasureOptions = { ...given, ...limits, single };
    const world = { clients: fake.clients, send, clock, watchLoop: () => () => 0, local: false, say: () => undefined };
    const outcome = await clock.run(measure(world, options));
    return { file: outcome.file, tokens: outcome.tokens, text: textOf(outcome, options, false) };
  }

  test('states their mean in three digits when every answer states them', async () => {
    const plain = await measured(() => undefined);
    const { file, text } = await measured((i) => 1000 + (i % 100) * 5);
    expect(file).toEqual({ ...plain.file, tokensPerRequest: 1250 });
    expect(Object.keys(file).indexOf('tokensPerRequest')).toBe(Object.keys(file).indexOf('latencyPercentile') - 1);
    expect(MeasuredCapacity.fromFile(`${folder({ 'c.json': JSON.stringify(file) })}/c.json`).tokensPerRequest).toBe(1250);
    expect(text).toContain('\nA request had 1250 tokens on average, prompt and answer together.');
  });

  test('says nothing of tokens when no answer states them', async () => {
    const { file, tokens, text } = await measured(() => undefined);
    expect(file).not.toHaveProperty('tokensPerRequest');
    expect(tokens).toBeUndefined();
    expect(text).not.toMatch(/token/i);
  });

  test('states none, and says why, when some answers do not state them', async () => {
    const { file, text } = await measured((i) => (i % 10 === 0 ? undefined : 70));
    expect(file).not.toHaveProperty('tokensPerRequest');
    expect(text).toMatch(
      /\n1350 of 1500 answers state their tokens \(usage\), and the others do not, so the file states no tokensPerRequest\./,
    );
  });

  test('of a fleet keeps the tokens of one, and adds none', async () => {
    const { file: single } = await measured(() => 1000);
    const { file: fleet, text } = await measured(() => 1100, single);
    expect(fleet).toEqual({ ...single, fleet: { instances: 4, requestsPerSecondPerInstance: expect.any(Number) } });
    expect(fleet.tokensPerRequest).toBe(1000);
    expect(text).toContain('A request had 1100 tokens on average');
    expect((await measured(() => 900, single)).file).toEqual(fleet);
    expect((await measured(() => undefined, single)).file).toEqual(fleet);
    const { tokensPerRequest: _, ...silent } = single;
    expect((await measured(() => 1000, silent)).file).toEqual({ ...silent, fleet: fleet.fleet });
  });

  test('of a fleet says that tokens were not checked when some answers do not state them', async () => {
    const { file: single } = await measured(() => 1000);
    const { file, text } = await measured((i) => (i % 10 === 0 ? undefined : 9000), single);
    expect(file.tokensPerRequest).toBe(1000);
    expect(text).toContain(
      'answers state their tokens (usage), and the others do not, so the tokensPerRequest of the file was not checked.',
    );
  });

  test.each([899, 1110])('of a fleet fails when its requests have %d tokens and those of one 1000', async (tokens) => {
    const { file: single } = await measured(() => 1000);
    await expect(measured(() => tokens, single)).rejects.toThrow(
      `OtherRequests: 'tokensPerRequest' is '1000' in the capacity file and '${tokens}' here, and both rates must be of the same requests (900 to 1100 tokens): ` +
        'repeat it with the --request of that measurement, or measure one of them first, without --fleet',
    );
  });
});
