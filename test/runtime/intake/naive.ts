import { CompiledColumn, CompiledContract } from '../../../lib/constructs/data/data-contract/contract';

/**
 * A second reading of the rules that shares nothing with the validator: it has the whole file, walks it byte by byte, and takes its verdicts
 * from the platform (TextDecoder, JSON numbers, BigInt, Date) instead of from patterns.
 */
export interface NaiveRecord {
  offset: number;
  length: number;
  /** The values in the order of the contract, none being '', or the rule that refuses the record. */
  verdict: string[] | string;
}

export type NaiveFile = { rejected: string } | { records: NaiveRecord[] };

interface Cut {
  offset: number;
  bytes: Buffer;
}

/** Records as bytes, or undefined when a quote is open at the end. */
export function cutNaively(file: Buffer, quotes: boolean, maximum: number): Cut[] | undefined {
  const records: Cut[] = [];
  let at = file.subarray(0, 3).equals(Buffer.from('\ufeff')) ? 3 : 0;
  while (at < file.length) {
    const start = at;
    let state: 'start' | 'bare' | 'inside' | 'maybe closed' = 'start';
    let ended = false;
    while (at < file.length && !ended) {
      const byte = String.fromCharCode(file[at]);
      if (state === 'inside') {
        state = byte === '"' ? 'maybe closed' : 'inside';
      } else if (state === 'maybe closed' && byte === '"') {
        state = 'inside';
      } else if (byte === '\n') {
        ended = true;
      } else if (byte === ',') {
        state = 'start';
      } else {
        state = quotes && state === 'start' && byte === '"' ? 'inside' : 'bare';
      }
      at++;
    }
    let end = ended ? at - 1 : at;
    if (end - start > maximum + 1) {
      const newline = file.indexOf('\n', start + maximum + 1);
      end = newline < 0 ? file.length : newline;
      at = end + 1;
    } else if (state === 'inside') {
      return undefined;
    }
    const bytes = file.subarray(start, file[end - 1] === 0x0d && end > start ? end - 1 : end);
    if (bytes.length > 0) {
      records.push({ offset: start, bytes });
    }
  }
  return records;
}

function decode(bytes: Buffer, maximum: number): { text: string } | { fault: string } {
  if (bytes.length > maximum) {
    return { fault: 'too long' };
  }
  try {
    const text = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true }).decode(bytes);
    return text.includes('\0') ? { fault: 'NUL byte' } : { text };
  } catch {
    return { fault: 'invalid UTF-8' };
  }
}

function split(text: string): string[] | undefined {
  const fields: string[] = [];
  let rest = text;
  for (;;) {
    const match = /^(?:"((?:[^"]|"")*)"|([^",\r]*))(?:,|$)/s.exec(rest);
    if (match === null) {
      return undefined;
    }
    fields.push(match[1] === undefined ? match[2] : match[1].replace(/""/g, '"'));
    if (match[0].length === rest.length && !match[0].endsWith(',')) {
      return fields;
    }
    rest = rest.slice(match[0].length);
    if (rest === '' && match[0].endsWith(',')) {
      return [...fields, ''];
    }
  }
}

function typeFits(type: CompiledColumn['type'], text: string): boolean {
  switch (type) {
    case 'integer':
      try {
        return (text === '-0' || String(BigInt(text)) === text) && Math.abs(Number(text)) <= Number.MAX_SAFE_INTEGER;
      } catch {
        return false;
      }
    case 'number':
      try {
        return !/\s/.test(text) && typeof JSON.parse(text) === 'number' && Number.isFinite(JSON.parse(text));
      } catch {
        return false;
      }
    case 'boolean':
      return ['true', 'false'].includes(text);
    case 'date':
      return exists(text);
    case 'timestamp':
      return (
        exists(text.slice(0, 10)) && /^T\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d(:?\d\d)?)$/.test(text.slice(10)) && clock(text) && zone(text)
      );
    default:
      return true;
  }
}

const exists = (day: string) => {
  const date = new Date(`${day}T00:00:00Z`);
  return /^\d{4}-\d\d-\d\d$/.test(day) && !day.startsWith('0000') && !isNaN(date.getTime()) && date.toISOString().startsWith(day);
};
const clock = (text: string) => Number(text.slice(11, 13)) < 24 && Number(text.slice(14, 16)) < 60 && Number(text.slice(17, 19)) < 60;
const zone = (text: string) => {
  const [, hours, minutes] = /[+-](\d\d)(?::?(\d\d))?$/.exec(text.slice(19)) ?? [];
  return Number(hours ?? 0) < 24 && Number(minutes ?? 0) < 60;
};

function faultOf(column: CompiledColumn, text: string, nullTokens: readonly string[]): string | undefined {
  if (text === '' || nullTokens.includes(text)) {
    return column.required ? 'required' : undefined;
  }
  if (!typeFits(column.type, text)) {
    return 'type';
  }
  if (Number(text) < (column.minimum ?? -Infinity) || Number(text) > (column.maximum ?? Infinity)) {
    return 'range';
  }
  const length = Array.from(text).length;
  if (length < (column.minLength ?? 0) || length > (column.maxLength ?? Infinity)) {
    return 'length';
  }
  if (column.pattern !== undefined && text.search(new RegExp(column.pattern, 'u')) < 0) {
    return 'pattern';
  }
  return column.allowed !== undefined && !column.allowed.includes(text) ? 'allowed' : undefined;
}

/** Whether a header has only columns of the contract, each once, and all that a value or a primary key needs. */
function fits(header: string[], { columns, primaryKey }: CompiledContract): boolean {
  const times = (name: string) => header.filter((other) => other === name).length;
  const needed = (column: CompiledColumn) => column.required || primaryKey.includes(column.name);
  return (
    header.every((name) => columns.some((column) => column.name === name)) &&
    columns.every((column) => times(column.name) === 1 || (times(column.name) === 0 && !needed(column)))
  );
}

/** Judges a CSV file. */
export function judgeNaively(file: Buffer, contract: CompiledContract, maximum = 1048576): NaiveFile {
  const cuts = cutNaively(file, true, maximum);
  const names = contract.columns.map(({ name }) => name);
  const head = cuts?.[0] && decode(cuts[0].bytes, maximum);
  const header = head && 'text' in head ? split(head.text) : undefined;
  if (cuts === undefined) {
    return { rejected: 'open quote or header' };
  }
  if (header === undefined || !fits(header, contract)) {
    return { rejected: 'open quote or header' };
  }
  const seen = new Set<string>();
  const records = cuts.slice(1).map(({ offset, bytes }) => {
    const place = { offset, length: bytes.length };
    const decoded = decode(bytes, maximum);
    if ('fault' in decoded) {
      return { ...place, verdict: decoded.fault };
    }
    const values = split(decoded.text);
    if (values === undefined) {
      return { ...place, verdict: 'quoting' };
    }
    if (values.length !== header.length) {
      return { ...place, verdict: 'column count' };
    }
    const valueOf = (name: string) => (header.includes(name) ? values[header.indexOf(name)] : '');
    for (const column of contract.columns) {
      const fault = faultOf(column, valueOf(column.name), contract.nullTokens);
      if (fault !== undefined) {
        return { ...place, verdict: fault };
      }
    }
    const key = JSON.stringify(contract.primaryKey.map((name) => Number(valueOf(name)) + 0));
    if (contract.primaryKey.length > 0 && seen.has(key)) {
      return { ...place, verdict: 'duplicate key' };
    }
    seen.add(key);
    return { ...place, verdict: names.map(valueOf) };
  });
  return { records };
}
