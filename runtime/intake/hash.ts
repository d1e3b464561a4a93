/** 32-bit words of a hash. */
export const HASH_WORDS = 4;

const [C1, C2, C3, C4] = [0x239b961b, 0xab0e9789, 0x38b34ae5, 0xa1e38b93];

/**
 * MurmurHash3, 128 bits for x86 (Austin Appleby, public domain), into the first four words of `out`. `words` holds the bytes in little-endian
 * order; those behind the last one, up to a multiple of 16, are 0.
 */
export function hash128(words: Int32Array, bytes: number, out: Uint32Array): void {
  let h1 = 0;
  let h2 = 0;
  let h3 = 0;
  let h4 = 0;
  const blocks = bytes >>> 4;
  let i = 0;
  for (; i < blocks * 4; i += 4) {
    h1 = (Math.imul(rotate(h1 ^ scramble(words[i], C1, 15, C2), 19) + h2, 5) + 0x561ccd1b) | 0;
    h2 = (Math.imul(rotate(h2 ^ scramble(words[i + 1], C2, 16, C3), 17) + h3, 5) + 0x0bcaa747) | 0;
    h3 = (Math.imul(rotate(h3 ^ scramble(words[i + 2], C3, 17, C4), 15) + h4, 5) + 0x96cd1c35) | 0;
    h4 = (Math.imul(rotate(h4 ^ scramble(words[i + 3], C4, 18, C1), 13) + h1, 5) + 0x32ac3b17) | 0;
  }
  if ((bytes & 15) !== 0) {
    h1 ^= scramble(words[i], C1, 15, C2);
    h2 ^= scramble(words[i + 1], C2, 16, C3);
    h3 ^= scramble(words[i + 2], C3, 17, C4);
    h4 ^= scramble(words[i + 3], C4, 18, C1);
  }
  const sum = ((h1 ^ bytes) + (h2 ^ bytes) + (h3 ^ bytes) + (h4 ^ bytes)) | 0;
  h1 = mix(sum);
  h2 = mix((h2 ^ bytes) + sum);
  h3 = mix((h3 ^ bytes) + sum);
  h4 = mix((h4 ^ bytes) + sum);
  out[0] = h1 + h2 + h3 + h4;
  out[1] = h2 + out[0];
  out[2] = h3 + out[0];
  out[3] = h4 + out[0];
}

function scramble(word: number, first: number, bits: number, second: number): number {
  return Math.imul(rotate(Math.imul(word, first), bits), second);
}

function rotate(value: number, bits: number): number {
  return (value << bits) | (value >>> (32 - bits));
}

function mix(value: number): number {
  let h = value | 0;
  h = Math.imul(h ^ (h >>> 16), 0x85ebca6b);
  h = Math.imul(h ^ (h >>> 13), 0xc2b2ae35);
  return h ^ (h >>> 16);
}
