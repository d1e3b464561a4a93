import { CompiledContract } from '../../lib/constructs/data/contract';

/** The text that identifies a record: the same for every spelling of the same values. Undefined when the contract names no key. */
export function primaryKeyOf({ columns, primaryKey }: CompiledContract): ((values: readonly string[]) => string) | undefined {
  if (primaryKey.length === 0) {
    return undefined;
  }
  const parts = primaryKey.map((name) => columns.findIndex((column) => column.name === name));
  const numeric = parts.map((at) => columns[at].type === 'number' || columns[at].type === 'integer');
  return (values) => {
    let key = '';
    for (let i = 0; i < parts.length; i++) {
      const value = values[parts[i]];
      const spelt = numeric[i] && value !== '' ? canonical(value) : value;
      key += `${spelt.length}:${spelt}`;
    }
    return key;
  };
}

/** `1.0`, `1e0` and `1` are one number; null tokens stay what they are. */
function canonical(value: string): string {
  const number = Number(value);
  return Number.isNaN(number) ? value : String(number === 0 ? 0 : number);
}
