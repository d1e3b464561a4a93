import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { MAXIMUM_RECORD_BYTES } from '../../lib/constructs/data/data-intake/contract';
import { quote, textsOf } from './fields';
import { Framed } from './framing';

/** Names that a message lists at most: the reason must fit into a ledger row, whatever a file holds. */
const LISTED = 10;

/** The header of a file in the order of the contract. */
export function headerLine({ columns }: Pick<CompiledContract, 'columns'>): string {
  return columns.map(({ name }) => quote(name)).join(',');
}

/** Position of a contract column that a file does not have. */
export const ABSENT = -1;

/**
 * Position in the file of each contract column, or why the header cannot be read or does not fit. A column that needs no value may be absent: it
 * has none in any record, as a key that a record of JSON Lines leaves out. Each column of a primary key needs one (`readColumns` of contracts).
 */
export function readHeader(contract: CompiledContract, record: Framed): number[] | string {
  if (record.fault !== undefined) {
    return `the header cannot be read: ${FAULTS[record.fault]}`;
  }
  const before: string[] = [];
  const names = textsOf(record, before);
  return names === undefined ? `the header cannot be read: ${misquoted(before.length + 1)}` : orderOf(contract, names);
}

const UTF8 = 'send the file in UTF-8, with or without a byte order mark, plain or compressed once with gzip';
/** Why a header cannot be read, and what to do. */
const FAULTS: Record<NonNullable<Framed['fault']>, string> = {
  'too long': `it is longer than ${MAXIMUM_RECORD_BYTES} bytes: begin the file with a header of at most that, and end each line with LF or CR LF`,
  'invalid UTF-8': `it is not in UTF-8: ${UTF8}`,
  'NUL byte': `it has a NUL byte, as texts in UTF-16 have: ${UTF8}`,
};

/** `field`: its number, from 1 on. */
function misquoted(field: number): string {
  const rules = 'end each line with LF or CR LF, put a name with a quote, comma or line end between quotes, and double each quote inside';
  return `in field ${field} a quote or a carriage return stands where RFC 4180 allows none: ${rules}`;
}

/** Why a file without a header is rejected. */
export function noHeader(contract: CompiledContract): string {
  const [names] = problem(
    'its columns',
    contract.columns.map(({ name }) => name),
  );
  return `the file is empty: there is no header, which a file without records has too: send it with a header in its first line, ${names}`;
}

function orderOf(contract: CompiledContract, names: readonly string[]): number[] | string {
  const known = new Set(contract.columns.map(({ name }) => name));
  const needed = new Set(contract.columns.filter(({ required }) => required).map(({ name }) => name));
  const places = new Map<string, number>();
  const doubled: string[] = [];
  names.forEach((name, i) => (places.has(name) ? doubled.push(name) : places.set(name, i)));
  const unknown = [...places.keys()].filter((name) => !known.has(name));
  const absent = [...known].filter((name) => !places.has(name));
  const missing = absent.filter((name) => needed.has(name));
  // An unknown name may be one of those, misspelt.
  const leftOut = unknown.length === 0 ? [] : absent.filter((name) => !needed.has(name));
  const problems = [
    ...problem('twice', doubled),
    ...problem('missing', missing),
    ...problem('unknown', unknown),
    ...problem('not there, which is allowed', leftOut),
  ];
  return problems.length > 0
    ? `the header does not fit the contract: ${problems.join('; ')}`
    : contract.columns.map(({ name }) => places.get(name) ?? ABSENT);
}

function problem(what: string, names: readonly string[]): string[] {
  if (names.length === 0) {
    return [];
  }
  const listed = names.slice(0, LISTED).map((name) => JSON.stringify(name.slice(0, 40)));
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : '';
  return [`${what}: ${listed.join(', ')}${more}`];
}
