import { ColumnType, CompiledContract } from '../../lib/constructs/data/contract';
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

/** Each column's value as the text that the checks read; null and a missing key are no value. */
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
    values.push(jsonText(record, name));
  }
  return values;
}

/** A value as the text that stands for it; null and a missing key are no value. */
export function jsonText(record: Record<string, unknown>, name: string): string {
  const value = Object.hasOwn(record, name) ? record[name] : null;
  return value === null ? '' : Object.is(value, -0) ? '-0' : String(value);
}
