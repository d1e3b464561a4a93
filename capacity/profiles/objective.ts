import { Objective } from '../simulator/outcome';
import { ServiceModel } from '../simulator/service-model';

/** Share of requests that an objective allows to miss. */
export const ALLOWED_MISSES = 0.01;

/** What the simulator promises unless told otherwise: words appear within 3 s, and then faster than they are read. */
export const DEFAULT_OBJECTIVE = { firstTokenSeconds: 3, tokenSeconds: 0.1 } as const;

/** Seconds to the first token, and of each token after it, of a request that is alone on a server. */
export function alone(service: ServiceModel, prompt: number, output: number): { firstToken: number; token: number } {
  const chunks = Math.ceil(prompt / service.chunkTokens);
  const context = prompt + (output + 1) / 2;
  return {
    firstToken: chunks * service.iterationSeconds[Math.round(prompt / chunks)],
    token: output > 1 ? service.iterationSeconds[1] + context * service.readSeconds : 0,
  };
}

/**
 * Prompt tokens that may share an iteration so that it lasts no longer than a token is promised to: a power of two up to the server's own, 16 at least. vLLM's
 * budget for it is max_num_batched_tokens (https://docs.vllm.ai/en/latest/configuration/optimization.html).
 */
export function fittingChunk({ iterationSeconds, chunkTokens }: ServiceModel, { tokenSeconds = Infinity }: Objective): number {
  let chunk = chunkTokens;
  while (chunk > 16 && iterationSeconds[chunk] > tokenSeconds) {
    chunk /= 2;
  }
  return chunk;
}

/** Requests that miss an objective on any fleet, because they do so when they are alone. */
export class Impossible {
  public requests = 0;
  public count = 0;
  /** The first of them. */
  public example: { readonly at: number; readonly prompt: number; readonly output: number } | undefined;

  public constructor(
    private readonly service: ServiceModel,
    private readonly objective: Objective,
  ) {}

  public add(at: number, prompt: number, output: number): void {
    const { firstTokenSeconds = Infinity, tokenSeconds = Infinity, latencySeconds = Infinity } = this.objective;
    const { firstToken, token } = alone(this.service, prompt, output);
    const late = firstToken > firstTokenSeconds || token > tokenSeconds || firstToken + token * (output - 1) > latencySeconds;
    this.requests++;
    if (late || prompt + output > this.service.kvTokens) {
      this.count++;
      this.example ??= { at, prompt, output };
    }
  }

  /** Errors `ImpossibleObjective` when more requests miss than an objective allows. */
  public check(): void {
    if (this.example === undefined || this.count <= ALLOWED_MISSES * this.requests) {
      return;
    }
    const { at, prompt, output } = this.example;
    const { firstToken, token } = alone(this.service, prompt, output);
    const { firstTokenSeconds = Infinity, tokenSeconds = Infinity, latencySeconds = Infinity } = this.objective;
    const ms = (seconds: number, digits: number, allowed: number) =>
      `${(seconds * 1000).toFixed(digits)} ms${allowed === Infinity ? '' : ` (allowed: ${allowed * 1000})`}`;
    const whole = latencySeconds === Infinity ? '' : `, so ${ms(firstToken + token * (output - 1), 0, latencySeconds)},`;
    throw new Error(
      `ImpossibleObjective: ${this.count} of ${this.requests} requests miss it on any fleet, more than ${ALLOWED_MISSES * 100} %: the first, at ${at.toFixed(1)} s ` +
        `with a prompt of ${prompt} tokens and an answer of ${output}, takes ${ms(firstToken, 0, firstTokenSeconds)} to its first token and ` +
        `${ms(token, 1, tokenSeconds)} for each other${whole} when it is alone on an instance, ` +
        `which has room for ${this.service.kvTokens} tokens: promise less, or take a faster GPU`,
    );
  }
}
