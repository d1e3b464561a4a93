/** Tokens of prompt and answer together: what a capacity file may state is 1 to this. */
const MOST_TOKENS = 1_000_000;
/** Bytes of a body that are parsed: 1 to 2 ms of the generator for the longest, 0.01 ms for one of 2 KB. */
const READABLE = 256 * 1024;
/** Bytes at the end of a stream in which its last event is looked for: one with `usage` has some 400. */
const STREAM_END = 4096;
const EVENT = 'data:';

/**
 * Tokens of a request, prompt and answer together, as its answer states them in OpenAI's `usage` (https://platform.openai.com/docs/api-reference/chat/object):
 * `total_tokens`, or without it `prompt_tokens` + `completion_tokens`; 1 to 1,000,000. Of a stream (`data: {...}` lines) the last event before `[DONE]` counts
 * alone, which states `usage` when the request has `"stream_options": {"include_usage": true}`. Undefined for whatever else comes: no `usage`, no JSON, no
 * whole numbers, more than 256 KB. Never throws.
 */
export function tokensOf(body: Uint8Array | null | undefined): number | undefined {
  // The SDK gives null for an empty body, whatever its type says.
  if (body === undefined || body === null) {
    return undefined;
  }
  const bytes = Buffer.from(body.buffer, body.byteOffset, body.byteLength);
  const isStream = bytes.subarray(0, EVENT.length).toString('latin1') === EVENT;
  const read = isStream ? bytes.subarray(-STREAM_END) : bytes;
  // Answers of classical models end here.
  if (read.length > READABLE || !read.includes('"usage"')) {
    return undefined;
  }
  try {
    const text = read.toString('utf8');
    return totalOf(JSON.parse(isStream ? lastEvent(text) : text));
  } catch {
    return undefined;
  }
}

/** Without its `data:`; empty when its line does not begin in the text. */
function lastEvent(text: string): string {
  const lines = text.split('\n').filter((line) => line.startsWith(EVENT));
  return lines.map((line) => line.slice(EVENT.length).trim()).findLast((event) => event !== '[DONE]') ?? '';
}

type Answer = { readonly usage?: Readonly<Record<string, unknown>> | null } | null;

function totalOf(answer: unknown): number | undefined {
  const usage = (answer as Answer)?.usage ?? {};
  const total = usage.total_tokens ?? sumOf(usage.prompt_tokens, usage.completion_tokens);
  return isCount(total) && total > 0 && total <= MOST_TOKENS ? total : undefined;
}

const sumOf = (prompt: unknown, completion: unknown): number | undefined =>
  isCount(prompt) && isCount(completion) ? prompt + completion : undefined;

const isCount = (value: unknown): value is number => Number.isInteger(value) && (value as number) >= 0;
