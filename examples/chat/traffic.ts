import { readFileSync } from 'node:fs';
import { join } from 'node:path';

/** A recorded request: when it came, and how large it was. */
export interface Conversation {
  /** Seconds since the first. */
  readonly at: number;
  readonly promptTokens: number;
  readonly answerTokens: number;
}

/** Within which callers want the first token. */
export const PROMISED_SECONDS = 3;

/** Width of the windows by which they state their priority (docs/capacity-file.md). */
export const PRIORITY_WINDOW_SECONDS = 2 * PROMISED_SECONDS;

const FILE = join(__dirname, 'data/conversations.csv');

/** The recorded requests in the order of their times, which have seven decimals, more than `Date` reads. */
export function conversations(): Conversation[] {
  const [, ...lines] = readFileSync(FILE, 'utf8').trimEnd().split('\n');
  const rows = lines.map((line) => {
    const [time, prompt, answer] = line.split(',');
    const [second, fraction] = time.split('.');
    return {
      time: Date.parse(`${second.replace(' ', 'T')}Z`) / 1000 + Number(`0.${fraction}`),
      prompt: Number(prompt),
      answer: Number(answer),
    };
  });
  return rows.map(({ time, prompt, answer }) => ({ at: time - rows[0].time, promptTokens: prompt, answerTokens: answer }));
}

/**
 * A chat completion of that size. The trace has no texts: the prompt is one word again and again, which is about a token each; the answer gets
 * exactly as many tokens as were recorded, because `ignore_eos` lets no model end it earlier (an extension of vLLM's).
 */
export const chatRequest = ({ promptTokens, answerTokens }: Conversation, more: object = {}): object => ({
  messages: [{ role: 'user', content: 'word '.repeat(promptTokens).trimEnd() }],
  max_tokens: answerTokens,
  ignore_eos: true,
  ...more,
});

/**
 * What a request adds for which somebody waits: tokens as they come, and the priority of the moment at which it is sent. `seconds`: that moment on the clock
 * that all callers share, unix time outside of a replay.
 */
export const awaited = (seconds: number): object => ({ stream: true, priority: -Math.floor(seconds / PRIORITY_WINDOW_SECONDS) });
