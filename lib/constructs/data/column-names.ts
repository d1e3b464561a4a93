import { closest } from '../shared/checks';
import type { CompiledContract } from './data-contract/contract';

/** Problem when a contract has no column of that name. @internal */
export function unknownColumn(place: string, name: string, columns: CompiledContract['columns']): string[] {
  const names = columns.map((column) => column.name);
  if (names.includes(name)) {
    return [];
  }
  const meant = closest(name, names);
  return [
    `'${place}' names '${name}', which the contract does not have: ${meant === undefined ? 'see its columns' : `did you mean '${meant}'?`}`,
  ];
}
