import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { quote, textsOf } from './fields';
import { Framed } from './framing';

/** Names that a message lists at most: the reason must fit into a ledger row, whatever a file holds. */
const LISTED = 10;

/** The header of a file in the order of the contract. */
export function headerLine({ columns }: Pick<CompiledContract, 'columns'>): string {
  return columns.map(({ name }) => quote(name)).join(',');
}

/** Position in the file of each contract column, or why the header cannot be read or does not fit. */
export function readHeader(contract: CompiledContract, record: Framed): number[] | string {
  const names = record.fault === undefined ? textsOf(record) : undefined;
  return names === undefined ? `the header cannot be read: ${record.fault ?? 'quoting'}` : orderOf(contract, names);
}

function orderOf(contract: CompiledContract, names: readonly string[]): number[] | string {
  const known = new Set(contract.columns.map(({ name }) => name));
  const places = new Map<string, number>();
  const doubled: string[] = [];
  names.forEach((name, i) => (places.has(name) ? doubled.push(name) : places.set(name, i)));
  const problems = [
    ...problem('twice', doubled),
    ...problem(
      'missing',
      [...known].filter((name) => !places.has(name)),
    ),
    ...problem(
      'unknown',
      [...places.keys()].filter((name) => !known.has(name)),
    ),
  ];
  return problems.length > 0
    ? `the header does not fit the contract: ${problems.join('; ')}`
    : contract.columns.map(({ name }) => places.get(name)!);
}

function problem(what: string, names: readonly string[]): string[] {
  if (names.length === 0) {
    return [];
  }
  const listed = names.slice(0, LISTED).map((name) => JSON.stringify(name.slice(0, 40)));
  const more = names.length > LISTED ? ` and ${names.length - LISTED} more` : '';
  return [`${what}: ${listed.join(', ')}${more}`];
}
