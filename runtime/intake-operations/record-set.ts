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
  const records = new RecordSet();
  const sha256 = await eachQuarantined(s3, bucket, output, (record) => records.add(record));
  if (sha256 !== undefined && (sha256 !== output.sha256 || records.size !== output.rows)) {
    const [found, named] = [{ sha256, rows: records.size }, output].map(({ sha256, rows }) => `${rows} records, SHA-256 ${sha256}`);
    throw new Error(
      `DamagedQuarantine: ${output.key}, version ${output.versionId}, has ${found}; the ledger names ${named}: ` +
        'nothing can be released from it; restore what was changed, the object or the row, or send the file again under its key',
    );
  }
  return sha256 === undefined ? undefined : records;
}

/** Calls `found` with the number of each record in a quarantine output. Returns the SHA-256 of the object; undefined when it is gone. */
export async function eachQuarantined(
  s3: S3Client,
  bucket: string,
  output: Output,
  found: (record: number) => void,
): Promise<string | undefined> {
  const source = await Source.openOutput(s3, bucket, output);
  if (source === undefined) {
    return undefined;
  }
  const add = (line: string) => (line === '' ? undefined : found((JSON.parse(line) as { record: number }).record));
  let rest = '';
  for await (const piece of source.pieces()) {
    const lines = (rest + piece.toString('latin1')).split('\n');
    rest = lines.pop()!;
    lines.forEach(add);
  }
  add(rest);
  return source.digest();
}
