import { ServiceModel } from '../../capacity/simulator/service-model';

export interface NaiveRequest {
  readonly at: number;
  readonly prompt: number;
  readonly output: number;
}

interface Running extends NaiveRequest {
  readonly index: number;
  promptLeft: number;
  done: number;
  first?: number;
}

/**
 * A second computation of one server, which shares no code with the simulator: time goes on in small steps, in each of which every request gets
 * what its share of an iteration is. Returns when each request had its first token and its answer. With a window those of the newest one are served first,
 * and prompts wait as long as those that are being read fill an iteration.
 */
export function naiveServer(
  model: ServiceModel,
  trace: readonly NaiveRequest[],
  step: number,
  window = Infinity,
): { first: number; end: number }[] {
  const result: { first: number; end: number }[] = [];
  const coming = trace.map((request, index): Running => ({ ...request, index, promptLeft: request.prompt, done: 0 }));
  const waiting: Running[] = [];
  let running: Running[] = [];
  let chunk = 0;
  for (let now = 0; coming.length + waiting.length + running.length > 0; now += step) {
    while (coming.length > 0 && coming[0].at <= now) {
      waiting.push(coming.shift()!);
    }
    waiting.sort((a, b) => (window === Infinity ? 0 : Math.floor(b.at / window) - Math.floor(a.at / window)) || a.index - b.index);
    const room = (request: Running) =>
      (window === Infinity || running.reduce((sum, { promptLeft }) => sum + Math.max(0, promptLeft), 0) < model.chunkTokens) &&
      running.length < model.maxSequences &&
      running.reduce((sum, { prompt, output }) => sum + prompt + output, 0) + request.prompt + request.output <= model.kvTokens;
    while (waiting.length > 0 && room(waiting[0])) {
      running.push(waiting.shift()!);
    }
    const prompts = running.filter(({ promptLeft }) => promptLeft > 0);
    const decoding = running.filter(({ promptLeft }) => promptLeft <= 0);
    if (prompts.length === 0) {
      chunk = 0;
    } else if (chunk === 0) {
      const pending = prompts.reduce((sum, { promptLeft }) => sum + promptLeft, 0);
      const full = waiting.length > 0 && pending >= model.chunkTokens;
      chunk = full ? model.chunkTokens : pending / Math.ceil(pending / model.chunkTokens);
    }
    const context = decoding.reduce((sum, { prompt, done }) => sum + prompt + done, 0);
    const iteration = model.iterationSeconds[decoding.length + Math.round(chunk)] + context * model.readSeconds;
    decoding.forEach((request) => (request.done += step / iteration));
    if (prompts.length > 0) {
      prompts[0].promptLeft -= (chunk * step) / iteration;
      if (prompts[0].promptLeft <= 0) {
        prompts[0].first = now + step;
        prompts[0].done = 1;
        chunk = 0;
      }
    }
    running
      .filter(({ promptLeft, done, output }) => promptLeft <= 0 && done >= output)
      .forEach(({ index, first }) => (result[index] = { first: first ?? now + step, end: now + step }));
    running = running.filter(({ promptLeft, done, output }) => promptLeft > 0 || done < output);
  }
  return result;
}

/**
 * Another one, iteration by iteration as vLLM schedules: prompts take what is left of an iteration's chunk in their order, and a request is admitted while
 * there is room for a part of its prompt.
 */
export function iteratedServer(model: ServiceModel, trace: readonly NaiveRequest[], window = Infinity): { first: number; end: number }[] {
  const result: { first: number; end: number }[] = [];
  const coming = trace.map((request, index): Running => ({ ...request, index, promptLeft: request.prompt, done: 0 }));
  const waiting: Running[] = [];
  let running: Running[] = [];
  const windowOf = ({ at }: Running) => (window === Infinity ? 0 : Math.floor(at / window));
  for (let now = 0; coming.length + waiting.length + running.length > 0;) {
    now = waiting.length + running.length === 0 ? Math.max(now, coming[0].at) : now;
    while (coming.length > 0 && coming[0].at <= now) {
      waiting.push(coming.shift()!);
    }
    waiting.sort((a, b) => windowOf(b) - windowOf(a) || a.index - b.index);
    let left = model.chunkTokens;
    const reads = new Map<Running, number>();
    const read = (request: Running) => {
      const part = Math.min(request.promptLeft, left);
      left -= part;
      reads.set(request, part);
    };
    running.filter(({ promptLeft }) => promptLeft > 0).forEach(read);
    const used = () => running.reduce((sum, { prompt, output }) => sum + prompt + output, 0);
    while (
      waiting.length > 0 &&
      left > 0 &&
      running.length < model.maxSequences &&
      used() + waiting[0].prompt + waiting[0].output <= model.kvTokens
    ) {
      running.push(waiting.shift()!);
      read(running.at(-1)!);
    }
    const decoding = running.filter(({ promptLeft }) => promptLeft <= 0);
    const context = decoding.reduce((sum, { prompt, done }) => sum + prompt + done, 0);
    now += model.iterationSeconds[decoding.length + model.chunkTokens - left] + context * model.readSeconds;
    decoding.forEach((request) => request.done++);
    reads.forEach((part, request) => {
      request.promptLeft -= part;
      if (request.promptLeft <= 0) {
        [request.first, request.done] = [now, 1];
      }
    });
    const isDone = ({ promptLeft, done, output }: Running) => promptLeft <= 0 && done >= output;
    running.filter(isDone).forEach(({ index, first }) => (result[index] = { first: first!, end: now }));
    running = running.filter((request) => !isDone(request));
  }
  return result;
}
