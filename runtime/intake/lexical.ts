import { CompiledColumn } from '../../lib/constructs/data/data-contract/contract';

/** Looks at one value: the bytes of a valid UTF-8 text, from `start` to before `end`. */
export type Test = (bytes: Uint8Array, start: number, end: number) => boolean;

const MINUS = 0x2d;
const ZERO = 0x30;
/** Decimal digits of which any number of that length is a safe integer. */
const SAFE_DIGITS = 15;
const INTEGER = /^-?(0|[1-9]\d*)$/;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIMESTAMP = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3])(:?[0-5]\d)?)$/;
const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

export function textAt(bytes: Uint8Array, start: number, end: number): string {
  return (bytes as Buffer).toString('utf8', start, end);
}

/** Unicode characters of a value. */
export function charactersAt(bytes: Uint8Array, start: number, end: number): number {
  let count = 0;
  for (let i = start; i < end; i++) {
    count += (bytes[i] & 0xc0) === 0x80 ? 0 : 1;
  }
  return count;
}

/** The number that a value of a numeric column is; NaN when it has not the column's lexical form. No leading zeros, no infinity. */
export function numberAt(type: 'integer' | 'number', bytes: Uint8Array, start: number, end: number): number {
  const short = integerAt(bytes, start, end);
  if (!Number.isNaN(short)) {
    return short;
  }
  const text = textAt(bytes, start, end);
  const value = (type === 'integer' ? INTEGER : NUMBER).test(text) ? Number(text) : Number.NaN;
  return type === 'integer' ? (Number.isSafeInteger(value) ? value : Number.NaN) : Number.isFinite(value) ? value : Number.NaN;
}

/** Digits, most of all numbers, are told and read without a text: NaN says no more than that these are others. */
export function integerAt(bytes: Uint8Array, start: number, end: number): number {
  const first = bytes[start] === MINUS ? start + 1 : start;
  const length = end - first;
  if (length < 1 || length > SAFE_DIGITS || (bytes[first] === ZERO && length > 1)) {
    return Number.NaN;
  }
  let value = 0;
  for (let i = first; i < end; i++) {
    const digit = bytes[i] - ZERO;
    if (digit < 0 || digit > 9) {
      return Number.NaN;
    }
    value = value * 10 + digit;
  }
  return first === start ? value : -value;
}

/** The lexical form of a type that is no number: dates must exist. */
export function lexicalTest(type: CompiledColumn['type']): Test | undefined {
  switch (type) {
    case 'boolean':
      return (bytes, start, end) => ['true', 'false'].includes(textAt(bytes, start, end));
    case 'date':
      return likeTheLast((bytes, start, end) => isDate(textAt(bytes, start, end)));
    case 'timestamp':
      return likeTheLast((bytes, start, end) => isDate(TIMESTAMP.exec(textAt(bytes, start, end))?.[1] ?? ''));
    default:
      return undefined;
  }
}

/** Years 0001 to 9999 of the Gregorian calendar. */
function isDate(text: string): boolean {
  const match = DATE.exec(text);
  if (match === null) {
    return false;
  }
  const [year, month, day] = [Number(match[1]), Number(match[2]), Number(match[3])];
  const leap = month === 2 && year % 4 === 0 && (year % 100 !== 0 || year % 400 === 0);
  return year > 0 && month > 0 && month < 13 && day > 0 && day <= DAYS[month - 1] + (leap ? 1 : 0);
}

/** Neighbouring records often have the same day or time: a value that equals the last good one needs no other look. */
function likeTheLast(test: Test): Test {
  const last = new Uint8Array(40);
  let length = -1;
  const isLast: Test = (bytes, start, end) => {
    if (end - start !== length) {
      return false;
    }
    for (let i = 0; i < length; i++) {
      if (bytes[start + i] !== last[i]) {
        return false;
      }
    }
    return true;
  };
  return (bytes, start, end) => {
    if (isLast(bytes, start, end)) {
      return true;
    }
    const good = test(bytes, start, end);
    if (good && end - start <= last.length) {
      last.set(bytes.subarray(start, end));
      length = end - start;
    }
    return good;
  };
}
