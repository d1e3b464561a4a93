import { Framed, textOf } from './framing';

/** The fields of a CSV record; undefined when its quoting is not RFC 4180, which allows neither quote nor carriage return in a bare field. */
export function fieldsOf(record: Framed): string[] | undefined {
  const text = textOf(record);
  if (record.quoted) {
    return splitQuoted(text);
  }
  return record.returns && text.includes('\r') ? undefined : text.split(',');
}

function splitQuoted(text: string): string[] | undefined {
  const fields: string[] = [];
  for (let position = 0; ; position++) {
    const field = text[position] === '"' ? quotedField(text, position) : bareField(text, position);
    if (field === undefined) {
      return undefined;
    }
    fields.push(field.value);
    position = field.end;
    if (position === text.length) {
      return fields;
    }
    if (text[position] !== ',') {
      return undefined;
    }
  }
}

interface Field {
  value: string;
  /** Position of what follows: a comma or the end, if the quoting is right. */
  end: number;
}

function bareField(text: string, start: number): Field | undefined {
  const comma = text.indexOf(',', start);
  const end = comma < 0 ? text.length : comma;
  const value = text.slice(start, end);
  return /["\r]/.test(value) ? undefined : { value, end };
}

function quotedField(text: string, start: number): Field | undefined {
  let value = '';
  for (let position = start + 1; ;) {
    const quote = text.indexOf('"', position);
    if (quote < 0) {
      return undefined;
    }
    value += text.slice(position, quote);
    if (text[quote + 1] !== '"') {
      return { value, end: quote + 1 };
    }
    value += '"';
    position = quote + 2;
  }
}

/** A value as a CSV field. */
export function quote(value: string): string {
  return /[",\r\n]/.test(value) ? `"${value.replaceAll('"', '""')}"` : value;
}
