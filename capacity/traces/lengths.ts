import { RandomStream, STREAMS } from '../simulator/random';
import { AzureTrace } from './azure-trace';

/** Prompts and outputs as they came together in a recorded trace, drawn again and again. */
export class RecordedLengths {
  private readonly random: RandomStream;

  /** Reads all lengths of a trace in Azure's format. Errors: those of `AzureTrace`. */
  public static read(path: string, seed: number): RecordedLengths {
    const [prompts, outputs]: [number[], number[]] = [[], []];
    for (const trace = new AzureTrace(path); trace.next();) {
      prompts.push(trace.prompt);
      outputs.push(trace.output);
    }
    return new RecordedLengths(prompts, outputs, seed);
  }

  private drawn = 0;

  public constructor(
    private readonly prompts: readonly number[],
    private readonly outputs: readonly number[],
    seed: number,
  ) {
    this.random = new RandomStream(seed, STREAMS.lengths);
  }

  /** Goes on to another request. */
  public draw(): void {
    this.drawn = this.random.index(this.prompts.length);
  }

  public get prompt(): number {
    return this.prompts[this.drawn];
  }

  public get output(): number {
    return this.outputs[this.drawn];
  }
}
