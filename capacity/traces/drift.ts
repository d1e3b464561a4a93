import { LengthTable } from './lengths';
import { RequestSource } from './source';

/**
 * Mean lengths between which requests drift: the range of daily means that ServeGen's m-large has, 360 to 2,077 prompt tokens and 45 to 315 generated ones
 * (https://github.com/alibaba/ServeGen, arXiv 2505.09999). Long prompts come with short answers, so that work changes far less than either.
 */
const PROMPTS = [360, 2077] as const;
const OUTPUTS = [315, 45] as const;
/** Mixes of lengths from one end to the other. */
export const MIXES = 6;
const MIX_SECONDS = 7200;

/** The mix at a time: there and back in a day, each for two hours at a time. */
export function mixAt(seconds: number): number {
  const place = Math.floor(seconds / MIX_SECONDS) % (2 * MIXES);
  return place < MIXES ? place : 2 * MIXES - 1 - place;
}

/** What the lengths of a table are multiplied by, so that their means are those of a mix. */
export function factorsOf(table: LengthTable, mix: number): { readonly prompt: number; readonly output: number } {
  const share = mix / (MIXES - 1);
  const between = ([from, to]: readonly [number, number]) => from * Math.pow(to / from, share);
  return { prompt: between(PROMPTS) / mean(table.prompts), output: between(OUTPUTS) / mean(table.outputs) };
}

/** The lengths of a mix. */
export function drifted(table: LengthTable, mix: number): LengthTable {
  const { prompt, output } = factorsOf(table, mix);
  return { prompts: table.prompts.map(scaledBy(prompt)), outputs: table.outputs.map(scaledBy(output)) };
}

/** The requests of another source, whose lengths drift through the mixes. */
export class DriftingSource implements RequestSource {
  public at = 0;
  public prompt = 0;
  public output = 0;
  private readonly scales: readonly { readonly prompt: (tokens: number) => number; readonly output: (tokens: number) => number }[];

  /** @param table the lengths that the source draws from */
  public constructor(
    private readonly source: RequestSource,
    table: LengthTable,
  ) {
    this.scales = Array.from({ length: MIXES }, (_, mix) => {
      const { prompt, output } = factorsOf(table, mix);
      return { prompt: scaledBy(prompt), output: scaledBy(output) };
    });
  }

  public next(): boolean {
    if (!this.source.next()) {
      return false;
    }
    const scale = this.scales[mixAt(this.source.at)];
    this.at = this.source.at;
    this.prompt = scale.prompt(this.source.prompt);
    this.output = scale.output(this.source.output);
    return true;
  }
}

const scaledBy = (factor: number) => (tokens: number) => Math.max(1, Math.round(tokens * factor));

const mean = (values: readonly number[]): number => values.reduce((sum, value) => sum + value, 0) / values.length;
