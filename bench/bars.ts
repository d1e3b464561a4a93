/** What a figure is held against. */
export interface Bar {
  readonly what: string;
  /** NaN when what it is made of was not measured. */
  readonly value: number;
  readonly limit: string;
  readonly held: boolean;
}

/** What is said of the bars, line by line, and how many are missed. Those whose figures were not measured are left out; when all are, that is said. */
export function judged(bars: readonly Bar[]): { lines: string[]; missed: number } {
  const known = bars.filter(({ value }) => !Number.isNaN(value));
  if (known.length === 0) {
    const names = bars.map(({ what }) => `\n  ${what}`).join('');
    return {
      lines: [`no bar was held against what was measured: leave the text out, or let it pick what one of these compares:${names}`],
      missed: 0,
    };
  }
  const lines = known.map(({ what, value, limit, held }) => `${held ? 'pass' : 'SHORTFALL'}: ${what}: ${value.toFixed(3)} (${limit})`);
  return { lines, missed: known.filter(({ held }) => !held).length };
}
