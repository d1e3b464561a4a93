import { CompiledContract } from '../../../lib/constructs/data/contract';
import { audit } from './audit';
import { column } from './contracts';
import { TABLE, World } from './world';

/** Two columns; a record is good when its amount is a number. Small enough for an audit that shares no code with the validator. */
export const SIMPLE: CompiledContract = {
  dataset: 'simple',
  version: '1.0.0',
  format: 'csv',
  columns: [column('id', 'string', { required: true }), column('amount', 'integer', { required: true })],
  nullTokens: [],
  primaryKey: ['id'],
};

/** A file of so many records; about one in four is bad. Other seeds give other records. */
export function simpleFile(seed: string, records = 6): string {
  const lines = Array.from({ length: records }, (_, i) => `${seed}-${i},${i % 4 === 3 ? 'bad' : i}`);
  return ['id,amount', ...lines, ''].join('\n');
}

/** What is wrong with what readers see. */
export function problemsOf(world: World): string[] {
  return audit({
    objects: world.s3.versions,
    items: world.db.items(TABLE),
    header: 'id,amount',
    isGood: (line) => /,\d+$/.test(line),
  });
}
