import { RandomStream, STREAMS } from '../simulator/random';
import { AzureTrace } from './azure-trace';

/** Lengths that are kept of a trace: those that follow are taken to be like them. */
const MOST_KEPT = 100_000;

/** What requests of a trace ask for. */
export interface LengthTable {
  readonly prompts: readonly number[];
  readonly outputs: readonly number[];
}

/** Reads the lengths of a trace in Azure's format. Errors: those of `AzureTrace`. */
export function readLengths(path: string): LengthTable {
  const [prompts, outputs]: [number[], number[]] = [[], []];
  const trace = new AzureTrace(path);
  while (prompts.length < MOST_KEPT && trace.next()) {
    prompts.push(trace.prompt);
    outputs.push(trace.output);
  }
  trace.close();
  return { prompts, outputs };
}

/** Prompts and outputs as they came together in a recorded trace, drawn again and again. */
export class RecordedLengths {
  private readonly random: RandomStream;

  private drawn = 0;

  public constructor(
    private readonly table: LengthTable,
    seed: number,
  ) {
    this.random = new RandomStream(seed, STREAMS.lengths);
  }

  /** Goes on to another request. */
  public draw(): void {
    this.drawn = this.random.index(this.table.prompts.length);
  }

  public get prompt(): number {
    return this.table.prompts[this.drawn];
  }

  public get output(): number {
    return this.table.outputs[this.drawn];
  }
}
