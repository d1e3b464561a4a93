import { numberAt } from '../intake/lexical';

/**
 * One text for every spelling of a number: `7`, `7.0` and `70e-1` are one, and JSON lets an integer be written in each of these ways. A text that is no
 * number of the type stays what it is.
 */
export function numberText(type: 'integer' | 'number', text: string): string {
  const bytes = Buffer.from(text);
  const value = numberAt('number', bytes, 0, bytes.length);
  const known = type === 'integer' ? Number.isSafeInteger(value) : !Number.isNaN(value);
  return known ? String(value === 0 ? 0 : value) : text;
}
