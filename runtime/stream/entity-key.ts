import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { jsonText } from '../intake/json-record';
import { numberAt } from '../intake/lexical';

/**
 * Names the entity that a record is about: the values of some columns as a JSON array of texts, the same for every spelling of the same
 * numbers.
 */
export class EntityKey {
  private readonly types: (string | undefined)[];

  constructor(
    { columns }: Pick<CompiledContract, 'columns'>,
    private readonly names: readonly string[],
  ) {
    this.types = names.map((name) => columns.find((column) => column.name === name)?.type);
  }

  public of(record: Record<string, unknown>): string {
    return JSON.stringify(this.names.map((name, i) => canonical(this.types[i], jsonText(record, name))));
  }
}

function canonical(type: string | undefined, text: string): string {
  if (type !== 'integer' && type !== 'number') {
    return text;
  }
  const bytes = Buffer.from(text);
  const value = numberAt(type, bytes, 0, bytes.length);
  return Number.isNaN(value) ? text : String(value === 0 ? 0 : value);
}
