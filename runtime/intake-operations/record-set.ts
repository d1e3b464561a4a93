import { S3Client } from '@aws-sdk/client-s3';
import { Source } from '../intake/source';
import type { Output } from '../intake/object-output';

const FIRST_BYTES = 1024;

/** A set of record numbers: one bit for each up to the greatest. */
export class RecordSet {
  public size = 0;
  private bits = new Uint8Array(FIRST_BYTES);

  public add(record: number): void {
    const [byte, bit] = [record >>> 3, 1 << (record & 7)];
    if (byte >= this.bits.length) {
      const bits = new Uint8Array(Math.max(byte + 1, 2 * this.bits.length));
      bits.set(this.bits);
      this.bits = bits;
    }
    if ((this.bits[byte] & bit) === 0) {
      this.bits[byte] |= bit;
      this.size++;
    }
  }

  public has(record: number): boolean {
    const byte = record >>> 3;
    return byte < this.bits.length && (this.bits[byte] & (1 << (record & 7))) !== 0;
  }
}

/**
 * The numbers of the records in a quarantine output, at its pinned version. Undefined when it is gone. Errors: `DamagedQuarantine` when it is
 * not what the ledger names.
 */
export async function readQuarantine(s3: S3Client, bucket: string, output: Output): Promise<RecordSet | undefined> {
  const source = await Source.open({ bucket, key: output.key, versionId: output.versionId, sequencer: '' }, s3);
  if (source === undefined) {
    return undefined;
  }
  const records = new RecordSet();
  const add = (line: string) => (line === '' ? undefined : records.add((JSON.parse(line) as { record: number }).record));
  let rest = '';
  for await (const piece of source.pieces()) {
    const lines = (rest + piece.toString('latin1')).split('\n');
    rest = lines.pop()!;
    lines.forEach(add);
  }
  add(rest);
  const sha256 = source.digest();
  if (sha256 !== output.sha256 || records.size !== output.rows) {
    const [found, named] = [{ sha256, rows: records.size }, output].map(({ sha256, rows }) => `${rows} records, SHA-256 ${sha256}`);
    throw new Error(
      `DamagedQuarantine: ${output.key}, version ${output.versionId}, has ${found}; the ledger names ${named}: ` +
        'nothing can be released from it; restore what was changed, the object or the row, or send the file again under its key',
    );
  }
  return records;
}
