import { CompiledColumn, CompiledContract } from '../../lib/constructs/data/contract';

/** Why a value is refused: the rule, and a reason without the value itself, which may be personal. */
export interface Refusal {
  rule: string;
  column?: string;
  reason: string;
}

type Check = (text: string) => Refusal | undefined;

/** Texts whose verdict a pattern remembers, per column, and how long they may be: V8 makes a longer part of a record keep the whole record. */
const REMEMBERED = 10_000;
const REMEMBERED_LENGTH = 12;

const INTEGER = /^-?(0|[1-9]\d*)$/;
const NUMBER = /^-?(0|[1-9]\d*)(\.\d+)?([eE][+-]?\d+)?$/;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIMESTAMP = /^(\d{4}-\d\d-\d\d)T([01]\d|2[0-3]):[0-5]\d:[0-5]\d(\.\d+)?(Z|[+-]([01]\d|2[0-3]):?[0-5]\d)$/;

/** One check per column, in the contract's order. */
export function compileChecks(contract: CompiledContract): Check[] {
  const nulls = new Set(['', ...contract.nullTokens]);
  return contract.columns.map((column) => {
    const lexical = lexicalCheck(column);
    const rules = ruleChecks(column);
    return (text) => {
      if (nulls.has(text)) {
        return column.required ? refuse('required', column, 'there is no value') : undefined;
      }
      const wrong = lexical(text);
      if (wrong !== undefined) {
        return wrong;
      }
      for (const rule of rules) {
        const refusal = rule(text);
        if (refusal !== undefined) {
          return refusal;
        }
      }
      return undefined;
    };
  });
}

function refuse(rule: string, column: CompiledColumn, reason: string): Refusal {
  return { rule, column: column.name, reason };
}

/** The lexical forms of each type: no leading zeros, no NaN or infinity, dates that exist. */
function lexicalCheck(column: CompiledColumn): Check {
  const wrong = (text: string) => refuse('type', column, `not a ${column.type} (${text.length} characters)`);
  switch (column.type) {
    case 'string':
      return () => undefined;
    case 'integer':
      return (text) => (isInteger(text) && Number.isSafeInteger(Number(text)) ? undefined : wrong(text));
    case 'number':
      return (text) => (NUMBER.test(text) && Number.isFinite(Number(text)) ? undefined : wrong(text));
    case 'boolean':
      return (text) => (text === 'true' || text === 'false' ? undefined : wrong(text));
    case 'date':
      return (text) => (isDate(text) ? undefined : wrong(text));
    case 'timestamp':
      return (text) => (isDate(TIMESTAMP.exec(text)?.[1] ?? '') ? undefined : wrong(text));
  }
}

/** Short plain digits are most of all integers: they are told without the pattern. */
function isInteger(text: string): boolean {
  const first = text.charCodeAt(0);
  if (text.length > 9 || first < 0x31 || first > 0x39) {
    return INTEGER.test(text);
  }
  for (let i = 1; i < text.length; i++) {
    const digit = text.charCodeAt(i);
    if (digit < 0x30 || digit > 0x39) {
      return false;
    }
  }
  return true;
}

const DAYS = [31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31];

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

function ruleChecks(column: CompiledColumn): Check[] {
  const checks: Check[] = [];
  const { minimum, maximum, pattern, minLength, maxLength, allowed } = column;
  if (minimum !== undefined || maximum !== undefined) {
    const [low, high] = [minimum ?? -Infinity, maximum ?? Infinity];
    checks.push((text) => {
      const value = Number(text);
      return value < low || value > high ? refuse('range', column, `outside ${low} to ${high}`) : undefined;
    });
  }
  if (minLength !== undefined || maxLength !== undefined) {
    const [short, long] = [minLength ?? 0, maxLength ?? Infinity];
    checks.push((text) => {
      const length = [...text].length;
      return length < short || length > long ? refuse('length', column, `${length} characters, not ${short} to ${long}`) : undefined;
    });
  }
  if (pattern !== undefined) {
    const expression = new RegExp(pattern, 'u');
    const seen = new Map<string, boolean>();
    checks.push((text) => {
      let matches = seen.get(text);
      if (matches === undefined) {
        matches = expression.test(text);
        if (text.length <= REMEMBERED_LENGTH && seen.size < REMEMBERED) {
          seen.set(text, matches);
        }
      }
      return matches ? undefined : refuse('pattern', column, `does not match the contract's pattern (${text.length} characters)`);
    });
  }
  if (allowed !== undefined) {
    const values = new Set(allowed);
    checks.push((text) => (values.has(text) ? undefined : refuse('allowed', column, 'not one of the allowed values')));
  }
  return checks;
}
