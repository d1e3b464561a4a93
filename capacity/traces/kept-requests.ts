import { doubled } from '../simulator/heaps';
import { RequestSource } from './source';

/** The requests of a source, to be gone through many times without drawing or reading them again: 24 bytes each. */
export class KeptRequests {
  private at = new Float64Array(1024);
  private prompts = new Float64Array(1024);
  private outputs = new Float64Array(1024);
  private count = 0;

  /** Reads the source to its end. Errors: those of the source. */
  public constructor(source: RequestSource) {
    while (source.next()) {
      if (this.count === this.at.length) {
        this.at = doubled(this.at, Float64Array);
        this.prompts = doubled(this.prompts, Float64Array);
        this.outputs = doubled(this.outputs, Float64Array);
      }
      this.at[this.count] = source.at;
      this.prompts[this.count] = source.prompt;
      this.outputs[this.count++] = source.output;
    }
  }

  /** The requests from the first on. After the end the time stays that of the last. */
  public open(): RequestSource {
    const { at, prompts, outputs, count } = this;
    let place = -1;
    return {
      next: () => ++place < count,
      get at() {
        return at[Math.min(place, count - 1)];
      },
      get prompt() {
        return prompts[place];
      },
      get output() {
        return outputs[place];
      },
    };
  }
}
