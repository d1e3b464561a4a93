/**
 * Bins of numbers that are the same for all data, so that histograms of parts add up: sign, exponent and the first three bits of the fraction of
 * the IEEE 754 double. Each power of two has 8 bins of equal width; a bin is at most an eighth as wide as its numbers are large, and whole numbers
 * up to 16 have one each.
 */
const VIEW = new DataView(new ArrayBuffer(8));
/** Bits of the upper word that are no part of a bin. */
const REST = 17;
const NEGATIVE = 1 << 14;

/** Number of the bin of a finite number. Those that are closer to zero than 2^-1022 are in the bin of zero. */
export function binOf(value: number): number {
  VIEW.setFloat64(0, value);
  const bin = VIEW.getUint32(0) >>> REST;
  return (bin & ~NEGATIVE) < 8 ? 0 : bin;
}

/** The bound of a bin that is nearer to zero; it belongs to the bin. */
export function edgeOf(bin: number): number {
  VIEW.setUint32(0, bin << REST);
  VIEW.setUint32(4, 0);
  return VIEW.getFloat64(0);
}

/** Counts by the bound that is nearer to zero, in the order of numbers. */
export function binsOf(counts: ReadonlyMap<number, number>): [number, number][] {
  return [...counts].map(([bin, count]): [number, number] => [edgeOf(bin), count]).sort(([a], [b]) => a - b);
}
