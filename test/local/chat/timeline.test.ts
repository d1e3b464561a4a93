import { awaited, chatRequest, conversations, PRIORITY_WINDOW_SECONDS } from '../../../examples/chat/traffic';
import { priorityAt } from '../../../operations/measure/priority';
import type { Sample } from '../../../local/chat/observer';
import { parseOptions } from '../../../local/chat/options';
import { picture } from '../../../local/chat/picture';
import type { Answer } from '../../../local/chat/replay';
import { percentile, story, timeline } from '../../../local/chat/timeline';

const sample = (at: number, copies: number, desiredCopies = copies, instances = copies): Sample => ({
  at,
  copies,
  desiredCopies,
  instances,
});
const answer = (sent: number, first: number, ended: number): Answer => ({ sent, late: 0, first: sent + first, ended: sent + ended });

describe('the timeline of a replay', () => {
  test('counts requests in the minute in which they were sent, with the times that they took', () => {
    const answers = [answer(0, 1, 10), answer(59, 3, 30), answer(61, 2, 20), { sent: 62, late: 0, ended: 62.1, failure: 'no copy' }];
    const [first, second] = timeline(answers, [sample(0, 1), sample(119, 2)]);
    expect(first).toMatchObject({ requests: 2, firstTokenP50: 1, firstTokenP99: 3, answerP50: 10, answerP99: 30, failures: {} });
    expect(second).toMatchObject({ requests: 2, firstTokenP50: 2, answerP99: 20, failures: { 'no copy': 1 } });
  });

  test('counts as open what was, also when it was sent in an earlier minute', () => {
    const minutes = timeline([answer(30, 1, 60)], [sample(0, 1), sample(179, 1)]);
    expect(minutes.map(({ concurrency }) => concurrency)).toEqual([0.5, 0.5, 0]);
  });

  test('shows the last that the APIs said before the end of a minute', () => {
    const minutes = timeline([], [sample(0, 1), sample(50, 1, 3, 1), sample(130, 3)]);
    expect(minutes.map(({ copies, desiredCopies, instances }) => [copies, desiredCopies, instances])).toEqual([
      [1, 3, 1],
      [1, 3, 1],
      [3, 3, 3],
    ]);
  });

  test.each([
    [[], 50, undefined],
    [[7], 99, 7],
    [[4, 1, 3, 2], 50, 2],
    [[4, 1, 3, 2], 51, 3],
    [Array.from({ length: 200 }, (_, i) => i + 1), 99, 198],
  ])('the percentile of %j at %d is a value that was there: %p', (values, p, expected) => {
    expect(percentile(values, p)).toBe(expected);
  });

  test('tells when copies came, went, were gone with their instances, and came back', () => {
    const samples = [sample(0, 1), sample(60, 1, 4), sample(120, 4), sample(180, 2), sample(240, 0, 0, 2), sample(300, 0), sample(360, 1)];
    expect(story(samples)).toEqual({ copiesAtFirst: 1, mostCopies: 4, scaledOut: 2, scaledIn: 3, zero: 5, back: 6 });
  });

  test.each([
    ['out', [sample(0, 1), sample(60, 1)], { scaledOut: undefined, scaledIn: undefined, zero: undefined, back: undefined }],
    [
      'to zero while instances stay',
      [sample(0, 1), sample(60, 2), sample(120, 0, 0, 2)],
      { scaledIn: 2, zero: undefined, back: undefined },
    ],
    ['back', [sample(0, 1), sample(60, 2), sample(120, 0)], { zero: 2, back: undefined }],
  ])('tells what never happened: %s', (_what, samples, expected) => {
    expect(story(samples)).toMatchObject(expected);
  });
});

describe('the picture of a replay', () => {
  const minutes = timeline([answer(0, 1, 10), answer(130, 1, 20)], [sample(0, 1), sample(179, 2)]);
  const svg = picture(minutes, 'Chat & more');

  test('is one well-formed SVG with a line for each value', () => {
    expect(svg.match(/<svg /g)).toHaveLength(1);
    expect(svg.match(/<path /g)).toHaveLength(10);
    expect(svg).toContain('Chat &#38; more');
    expect(svg).not.toMatch(/NaN|undefined|Infinity/);
  });

  test('breaks a line where nothing was answered', () => {
    const [, times] =
      /<path d="([^"]*)"[^>]*stroke="#1f6fb4"[^>]*\/>\n<path d="[^"]*"[^>]*stroke="#c1272d"[^>]*\/>\n<path d="[^"]*"[^>]*stroke="#8a8a8a"/.exec(
        svg,
      )!;
    expect(times.match(/M/g)).toHaveLength(2);
  });

  test('shows that all of a few requests failed, and nothing where none were sent', () => {
    const few = timeline([{ sent: 130, late: 0, ended: 131, failure: 'no copy' }], [sample(0, 1), sample(179, 0)]);
    const [, share] = /<path d="([^"]*)"[^>]*stroke="#c1272d"/.exec(picture(few, 'few'))!;
    const [[, x1, y1], [, x2, y2]] = [...share.matchAll(/[ML]([\d.]+) ([\d.]+)/g)];
    expect([Number(x2) > Number(x1), y1 === y2, share.match(/M/g)?.length]).toEqual([true, true, 1]);
    expect(picture(few, 'few')).toContain(`y1="${Number(y1)}"`); // on the line of the panel's maximum, which is 1
  });

  test('of nothing is empty and well-formed', () => {
    expect(picture([], 'nothing')).not.toMatch(/NaN|Infinity/);
  });
});

describe('the recorded conversations', () => {
  test('are ten minutes with the figures of their description', () => {
    const all = conversations();
    expect(all).toHaveLength(2867);
    expect(all[0]).toEqual({ at: 0, promptTokens: 374, answerTokens: 44 });
    expect(all.every(({ at }, i) => at < 600 && (i === 0 || at >= all[i - 1].at))).toBe(true);
    expect(all[1].at).toBeCloseTo(4.314579, 5);
  });

  test('become chat completions of their size', () => {
    const request = chatRequest({ at: 0, promptTokens: 3, answerTokens: 7 });
    expect(request).toEqual({ messages: [{ role: 'user', content: 'word word word' }], max_tokens: 7, ignore_eos: true });
  });

  test('for which somebody waits are streamed, and those of the newest six seconds come first', () => {
    const [conversation] = conversations();
    expect(chatRequest(conversation, awaited(12))).toEqual({ ...chatRequest(conversation), stream: true, priority: -2 });
    expect([5.9, 6, 11.9, 1_764_370_800.5].map((seconds) => awaited(seconds))).toEqual(
      [-0, -1, -1, -294_061_800].map((priority) => ({ stream: true, priority })),
    );
    // what `npm run measure -- --priority-window 6` sends
    const now = Date.now() / 1000;
    expect(awaited(now)).toMatchObject({ priority: priorityAt(now, PRIORITY_WINDOW_SECONDS) });
    expect(JSON.stringify(awaited(0))).toBe('{"stream":true,"priority":0}');
  });
});

describe('options of npm run chat', () => {
  test('have defaults', () => {
    expect(parseOptions([])).toEqual({ config: 'config/chat.yaml', factor: 10, minutes: 10, warm: undefined, output: 'chat-timeline' });
    expect(parseOptions(['--help'])).toBeUndefined();
  });

  test('fails on every wrong one at once', () => {
    expect(() => parseOptions(['--minutes', '11', '--warm', '0', '--factor', 'x'])).toThrow(
      "InvalidOption: --minutes must be a whole number from 1 to 10, got '11'; --factor must be a whole number from 1 to 60, got 'x'; --warm must be a whole number from 1 to 1000, got '0'",
    );
    expect(() => parseOptions(['--warmer', '1'])).toThrow(/InvalidOption: Unknown option '--warmer'/);
  });
});
