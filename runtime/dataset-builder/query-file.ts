import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import type { FileRow } from '../intake/file-row';
import type { Output } from '../intake/object-output';
import { ParquetOutput } from '../intake/parquet-output';
import type { Ordinals } from './ordinals';
import { checkTime, readWhole, ReadingOptions, Superseded } from './reading';

/**
 * Writes the records of a version that count as one Parquet object: what a query engine can read that knows nothing of manifests. They are read a second
 * time, because which ones count, and the id that names the object, is known only when all were read once. The same version gives the same bytes, so
 * it does no harm when two builders write it. Errors: those of reading.
 */
export async function writeQueryFile(
  files: readonly FileRow[],
  contract: CompiledContract,
  superseded: Superseded,
  { s3, bucket, left, key }: Pick<ReadingOptions, 's3' | 'bucket' | 'left'> & { key: string },
): Promise<Output> {
  const output = new ParquetOutput(s3, bucket, key, contract);
  let records = 0;
  const between = async () => {
    checkTime(left, records);
    await output.drained();
  };
  try {
    for (const file of files.filter(({ validated }) => validated!.rows > 0)) {
      const isExcluded = membersOf(superseded.get(file.pk));
      let ordinal = 0;
      const take: Parameters<typeof readWhole>[2]['take'] = ({ fields, order }) => {
        records++;
        if (!isExcluded(++ordinal)) {
          output.writeValues(fields, order);
        }
      };
      await readWhole(file, contract, { s3, bucket, take, between });
    }
    return await output.finish();
  } catch (error) {
    await output.discard();
    throw error;
  }
}

/** Whether a record is in the set; asked for one after the other, in their order. */
function membersOf(ordinals: Ordinals | undefined): (ordinal: number) => boolean {
  const ranges = ordinals === undefined ? [].values() : ordinals.ranges();
  let range = ranges.next();
  return (ordinal) => {
    while (range.done !== true && range.value[1] < ordinal) {
      range = ranges.next();
    }
    return range.done !== true && range.value[0] <= ordinal;
  };
}
