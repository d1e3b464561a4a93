import { CompiledColumn, CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { charactersAt, integerAt, lexicalTest, numberAt, Test, textAt } from './lexical';

/** Why a value is refused: the rule, and a reason without the value itself, which may be personal. */
export interface Refusal {
  rule: string;
  column?: string;
  reason: string;
}

/** Looks at one value: the bytes of a valid UTF-8 text, from `start` to before `end`. */
export type Check = (bytes: Uint8Array, start: number, end: number) => Refusal | undefined;

/** One check per column, in the contract's order. */
export function compileChecks(contract: CompiledContract): Check[] {
  const isNull = nullTest(contract.nullTokens);
  return contract.columns.map((column) => {
    const check = columnCheck(column);
    const missing = column.required ? refuse('required', column, 'there is no value') : undefined;
    return unlessPlain(column, contract.nullTokens, (bytes, start, end) =>
      isNull(bytes, start, end) ? missing : check(bytes, start, end),
    );
  });
}

/** Most values are plain integers within their range, and one look at them is enough. */
function unlessPlain(column: CompiledColumn, nullTokens: readonly string[], check: Check): Check {
  const [low, high] = [column.minimum ?? -Infinity, column.maximum ?? Infinity];
  const isNumber = column.type === 'integer' || column.type === 'number';
  if (!isNumber || hasTextRules(column) || nullTokens.some((token) => /\d/.test(token))) {
    return check;
  }
  return (bytes, start, end) => {
    const value = integerAt(bytes, start, end);
    return value >= low && value <= high ? undefined : check(bytes, start, end);
  };
}

/** Whether a field has no value: it is empty or a null token. */
export function nullTest(nullTokens: readonly string[]): Test {
  const nulls = nullTokens.filter((token) => token !== '').map((token) => Buffer.from(token));
  const firsts = new Uint8Array(256);
  nulls.forEach(([first]) => (firsts[first] = 1));
  return (bytes, start, end) => {
    if (start === end) {
      return true;
    }
    if (firsts[bytes[start]] === 0) {
      return false;
    }
    for (const token of nulls) {
      if (equals(bytes, start, end, token)) {
        return true;
      }
    }
    return false;
  };
}

function equals(bytes: Uint8Array, start: number, end: number, token: Uint8Array): boolean {
  if (end - start !== token.length) {
    return false;
  }
  for (let i = 0; i < token.length; i++) {
    if (bytes[start + i] !== token[i]) {
      return false;
    }
  }
  return true;
}

function refuse(rule: string, column: CompiledColumn, reason: string): Refusal {
  return { rule, column: column.name, reason };
}

function columnCheck(column: CompiledColumn): Check {
  const { type } = column;
  const rules = textRules(column);
  const wrong: Check = (bytes, start, end) => refuse('type', column, `not a ${type} (${charactersAt(bytes, start, end)} characters)`);
  if (type === 'integer' || type === 'number') {
    const [low, high] = [column.minimum ?? -Infinity, column.maximum ?? Infinity];
    const outside = refuse('range', column, `outside ${low} to ${high}`);
    return (bytes, start, end) => {
      const value = numberAt(type, bytes, start, end);
      if (Number.isNaN(value)) {
        return wrong(bytes, start, end);
      }
      return value < low || value > high ? outside : rules(bytes, start, end);
    };
  }
  const test = lexicalTest(type);
  return test === undefined
    ? rules
    : (bytes, start, end) => (test(bytes, start, end) ? rules(bytes, start, end) : wrong(bytes, start, end));
}

function hasTextRules({ pattern, minLength, maxLength, allowed, missing }: CompiledColumn): boolean {
  return [pattern, minLength, maxLength, allowed, missing].some((rule) => rule !== undefined);
}

/** Missing values, length, pattern and allowed values, in this order. */
function textRules(column: CompiledColumn): Check {
  if (!hasTextRules(column)) {
    return () => undefined;
  }
  const { pattern, minLength, maxLength, allowed, missing } = column;
  const [short, long] = [minLength ?? 0, maxLength ?? Infinity];
  const expression = pattern === undefined ? undefined : new RegExp(pattern, 'u');
  const values = allowed === undefined ? undefined : new Set(allowed);
  const absent = missing === undefined ? undefined : new Set(missing);
  return remembering((bytes, start, end) => {
    if (absent?.has(textAt(bytes, start, end))) {
      return refuse('missing', column, 'a value that the contract calls missing');
    }
    const length = charactersAt(bytes, start, end);
    if (length < short || length > long) {
      return refuse('length', column, `${length} characters, not ${short} to ${long}`);
    }
    const text = textAt(bytes, start, end);
    if (expression !== undefined && !expression.test(text)) {
      return refuse('pattern', column, `does not match the contract's pattern (${length} characters)`);
    }
    return values === undefined || values.has(text) ? undefined : refuse('allowed', column, 'not one of the allowed values');
  });
}

/** Verdicts that a column remembers, a power of two, and the longest value that one is remembered for. */
const SLOTS = 2 ** 13;
const SLOT_SHIFT = 32 - 13;
const REMEMBERED_BYTES = 7;

/** Codes and names come again and again: the last verdict on a short value is kept beside its bytes, packed into two words. */
function remembering(check: Check): Check {
  const low = new Int32Array(SLOTS);
  const high = new Int32Array(SLOTS);
  const verdicts: (Refusal | undefined)[] = new Array<undefined>(SLOTS).fill(undefined);
  return (bytes, start, end) => {
    const length = end - start;
    if (length > REMEMBERED_BYTES) {
      return check(bytes, start, end);
    }
    let [lo, hi] = [0, length];
    for (let i = 0; i < length; i++) {
      const byte = bytes[start + i];
      if (i < 4) {
        lo = (lo << 8) | byte;
      } else {
        hi = (hi << 8) | byte;
      }
    }
    const slot = (Math.imul(lo, 0x9e3779b1) ^ Math.imul(hi, 0x85ebca6b)) >>> SLOT_SHIFT;
    if (low[slot] !== lo || high[slot] !== hi) {
      verdicts[slot] = check(bytes, start, end);
      low[slot] = lo;
      high[slot] = hi;
    }
    return verdicts[slot];
  };
}
