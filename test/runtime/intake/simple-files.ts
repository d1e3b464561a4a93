import { gunzipSync } from 'node:zlib';
import { parquetReadObjects } from 'hyparquet';
import { CompiledContract } from '../../../lib/constructs/data/data-contract/contract';
import { audit, Evidence } from './audit';
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

/** The same for outputs in Parquet, read by a library. */
export async function problemsInParquet(world: World): Promise<string[]> {
  const objects = await Promise.all(
    world.s3.versions.map(async (version) => {
      if (!version.key.endsWith('.parquet')) {
        return version;
      }
      const file = Uint8Array.from(version.bytes).buffer;
      const rows = await parquetReadObjects({ file, compressors: { GZIP: (bytes) => gunzipSync(bytes) } });
      return { ...version, lines: ['id,amount', ...rows.map(({ id, amount }) => `${id},${amount}`)] };
    }),
  );
  return problemsOf(world, objects);
}

/** What is wrong with what readers see. */
export function problemsOf(world: World, objects: Evidence['objects'] = world.s3.versions): string[] {
  return audit({
    objects,
    items: world.db.items(TABLE),
    header: 'id,amount',
    isGood: (line) => /,\d+$/.test(line),
  });
}
