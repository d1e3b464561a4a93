import { EndpointModel } from '../../capacity/simulator/simulation';
import { RequestSource } from '../../capacity/traces/source';
import { oneInstance } from '../../capacity/validation/queueing';
import { NaiveRequest } from './naive-server';

/** A trace from a list. */
export class ListSource implements RequestSource {
  public at = 0;
  public prompt = 0;
  public output = 0;
  private place = 0;

  public constructor(private readonly requests: readonly NaiveRequest[]) {}

  public next(): boolean {
    if (this.place === this.requests.length) {
      return false;
    }
    ({ at: this.at, prompt: this.prompt, output: this.output } = this.requests[this.place++]);
    return true;
  }
}

/** A source as a list. */
export function listed(source: RequestSource): NaiveRequest[] {
  const all: NaiveRequest[] = [];
  while (source.next()) {
    all.push({ at: source.at, prompt: source.prompt, output: source.output });
  }
  return all;
}

/** A small language model: an iteration of 10 ms, 1 ms more for each 10 tokens. */
export const SMALL: EndpointModel['service'] = {
  iterationSeconds: Float64Array.from({ length: 200 }, (_, tokens) => 0.01 + tokens * 1e-4),
  chunkTokens: 64,
  readSeconds: 1e-6,
  maxSequences: 8,
  kvTokens: 2000,
  streams: true,
};

export const endpointOf = (changes: Partial<EndpointModel> = {}): EndpointModel => ({
  ...oneInstance(SMALL),
  ...changes,
});
