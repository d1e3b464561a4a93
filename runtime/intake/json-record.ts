import { ColumnType, CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { Refusal } from './rules';

/** What `typeof` gives for a column's JSON values. */
const JSON_TYPE: Record<ColumnType, string> = {
  string: 'string',
  integer: 'number',
  number: 'number',
  boolean: 'boolean',
  date: 'string',
  timestamp: 'string',
};

/** What JSON allows between its tokens. */
const BLANKS = ' \t\r\n';
/** Half of a pair of UTF-16 units: JSON can escape one, UTF-8 cannot hold it, and all of them would be written as one and the same character. */
const LONE_SURROGATE = /\p{Surrogate}/u;

/**
 * Each column's value as the text that the checks read; null and a missing key are no value. What readers take for different things is refused:
 * a key that comes twice (RFC 8259, section 4: "the behavior of software that receives such an object is unpredictable"), and texts that are no
 * Unicode or end at their NUL (section 8.2).
 */
export function jsonValues(contract: CompiledContract, text: string): string[] | Refusal {
  let object: unknown;
  try {
    object = JSON.parse(text);
  } catch {
    return { rule: 'syntax', reason: 'not JSON' };
  }
  if (typeof object !== 'object' || object === null || Array.isArray(object)) {
    return { rule: 'syntax', reason: 'not a JSON object' };
  }
  const record = object as Record<string, unknown>;
  const unknown = Object.keys(record).find((key) => !contract.columns.some((column) => column.name === key));
  if (unknown !== undefined) {
    return { rule: 'unknown key', reason: 'a key that the contract does not have' };
  }
  const values: string[] = [];
  for (const { name, type } of contract.columns) {
    const value = Object.hasOwn(record, name) ? record[name] : null;
    if (value !== null && typeof value !== JSON_TYPE[type]) {
      return { rule: 'type', column: name, reason: `not a ${type} but a JSON ${typeof value}` };
    }
    const fault = typeof value === 'string' ? textFault(value) : undefined;
    if (fault !== undefined) {
      return { ...fault, column: name };
    }
    values.push(jsonText(record, name)!);
  }
  return membersOf(text) > Object.keys(record).length ? { rule: 'repeated key', reason: 'a key comes more than once' } : values;
}

function textFault(value: string): Refusal | undefined {
  if (value.includes('\0')) {
    return { rule: 'NUL byte', reason: 'a text with the character U+0000' };
  }
  return LONE_SURROGATE.test(value) ? { rule: 'invalid Unicode', reason: 'half of a surrogate pair is escaped' } : undefined;
}

/** A value with a newline under a contract that says that no field has one: no file could hold it, and the line of CSV would be two. */
export function newlineIn({ columns, newlinesQuoted }: CompiledContract, values: readonly string[]): Refusal | undefined {
  const at = newlinesQuoted === false ? values.findIndex((value) => value.includes('\n')) : -1;
  return at < 0 ? undefined : { rule: 'newline', column: columns[at].name, reason: 'a text with a newline, which no field may hold' };
}

/** Members of a JSON object as they are written, at least: those of nested values count too. */
function membersOf(text: string): number {
  let members = 0;
  for (let at = text.indexOf('"'); at >= 0; at = text.indexOf('"', at + 1)) {
    at = endOfText(text, at);
    let next = at + 1;
    while (BLANKS.includes(text[next])) {
      next++;
    }
    members += text[next] === ':' ? 1 : 0;
  }
  return members;
}

/** Where the quote is that ends a JSON text. */
function endOfText(text: string, start: number): number {
  let end = text.indexOf('"', start + 1);
  for (let escapes = escapesBefore(text, end); escapes % 2 === 1; escapes = escapesBefore(text, end)) {
    end = text.indexOf('"', end + 1);
  }
  return end;
}

function escapesBefore(text: string, end: number): number {
  let count = 0;
  while (text[end - 1 - count] === '\\') {
    count++;
  }
  return count;
}

/** A value as the text that stands for it; null and a missing key are no value. Undefined for an object or an array, which no column takes. */
export function jsonText(record: Record<string, unknown>, name: string): string | undefined {
  const value = Object.hasOwn(record, name) ? record[name] : null;
  if (typeof value === 'object' && value !== null) {
    return undefined;
  }
  return value === null ? '' : Object.is(value, -0) ? '-0' : String(value);
}
