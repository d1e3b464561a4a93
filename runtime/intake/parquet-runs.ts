/** Values of one group of the bit-packed form, and the least run that is written as a run. */
const GROUP = 8;

/** Bits that the numbers below `count` need. */
export function bitWidth(count: number): number {
  return count < 2 ? 0 : 32 - Math.clz32(count - 1);
}

/** Bytes that `writeRuns` writes at most. */
export function mostRunBytes(values: number, width: number): number {
  // A group costs its bits, or as a run a count of five bytes and a value of four; before it, bit-packed groups may need a count too.
  return (Math.ceil(values / GROUP) + 1) * (width + 14);
}

/**
 * Writes `values[from..to)` of up to 24 bits as runs of equal values and bit-packed groups, and returns where they end in `out`
 * (https://parquet.apache.org/docs/file-format/data-pages/encodings/#run-length-encoding--bit-packing-hybrid-rle--3).
 */
export function writeRuns(values: Uint32Array | Uint8Array, from: number, to: number, width: number, out: Uint8Array, at: number): number {
  let packed = from;
  let i = from;
  while (i < to) {
    let end = i + 1;
    while (end < to && values[end] === values[i]) {
      end++;
    }
    if (end - i < GROUP) {
      i += GROUP;
      continue;
    }
    at = writePacked(values, packed, i, to, width, out, at);
    at = writeVarint((end - i) * 2, out, at);
    for (let bits = 0; bits < width; bits += 8) {
      out[at++] = values[i] >>> bits;
    }
    i = packed = end;
  }
  return writePacked(values, packed, i, to, width, out, at);
}

/** Groups from `from` to before `end`, of which those behind `to` do not exist: zeros fill the last group. */
function writePacked(
  values: Uint32Array | Uint8Array,
  from: number,
  end: number,
  to: number,
  width: number,
  out: Uint8Array,
  at: number,
): number {
  if (end === from) {
    return at;
  }
  at = writeVarint(((end - from) / GROUP) * 2 + 1, out, at);
  let held = 0;
  let bits = 0;
  for (let i = from; i < end; i++) {
    held |= (i < to ? values[i] : 0) << bits;
    for (bits += width; bits >= 8; bits -= 8) {
      out[at++] = held;
      held >>>= 8;
    }
  }
  return at;
}

/** Unsigned, seven bits a byte. */
function writeVarint(value: number, out: Uint8Array, at: number): number {
  for (; value > 0x7f; value >>>= 7) {
    out[at++] = (value & 0x7f) | 0x80;
  }
  out[at++] = value;
  return at;
}
