import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { instantText, microsOf } from '../intake/instants';
import { jsonText } from '../intake/json-record';
import { lexicalTest } from '../intake/lexical';
import { numberText } from './number-text';

/**
 * Names the entity that a record is about: the values of some columns as a JSON array of texts, the same for every spelling of the same
 * numbers and instants. No value is the empty text, whether it is null, left out or a null token of the contract.
 */
export class EntityKey {
  private readonly types: (string | undefined)[];
  private readonly nullTokens: readonly string[];

  constructor(
    { columns, nullTokens }: Pick<CompiledContract, 'columns' | 'nullTokens'>,
    private readonly names: readonly string[],
  ) {
    this.nullTokens = nullTokens;
    this.types = names.map((name) => columns.find((column) => column.name === name)?.type);
  }

  /** Undefined when one of the columns has an object or an array: then the record is about no entity. One that keeps its contract has none. */
  public of(record: Record<string, unknown>): string | undefined {
    const texts = this.names.map((name) => this.textOf(record, name));
    return texts.includes(undefined) ? undefined : JSON.stringify(texts.map((text, i) => canonical(this.types[i], text!)));
  }

  /** Null tokens are compared as the intake does: with the text of a value, before its spelling is made one. */
  private textOf(record: Record<string, unknown>, name: string): string | undefined {
    const text = record[name] === undefined ? '' : jsonText(record, name);
    return text !== undefined && this.nullTokens.includes(text) ? '' : text;
  }
}

const isTimestamp = lexicalTest('timestamp')!;

function canonical(type: string | undefined, text: string): string {
  if (type === 'timestamp') {
    const bytes = Buffer.from(text);
    return isTimestamp(bytes, 0, bytes.length) ? instantText(microsOf(text)) : text;
  }
  return type === 'integer' || type === 'number' ? numberText(type, text) : text;
}
