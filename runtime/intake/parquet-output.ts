import { S3Client } from '@aws-sdk/client-s3';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { ByteSink } from './byte-sink';
import type { Fields } from './fields';
import { ObjectOutput } from './object-output';
import { ParquetColumn, Scratch } from './parquet-columns';
import { ParquetMetadata } from './parquet-metadata';
import { nullTest } from './rules';

/** What waits at most to be written as one row group: values, and bytes of the records that they come from. */
const VALUES = 2 ** 19;
const BYTES = 16 * 1024 * 1024;

/**
 * Streams records into one Apache Parquet object with the types of their contract, row group by row group. Its columns are compressed with gzip,
 * which every engine of Amazon Athena reads (https://docs.aws.amazon.com/athena/latest/ug/compression-support-hive.html). They are encoded from
 * the bytes of the records: a value is read once for each of its texts, not once for each record.
 */
export class ParquetOutput extends ObjectOutput {
  private readonly columns: ParquetColumn[];
  private readonly encoded = new ByteSink();
  private readonly metadata: ParquetMetadata;
  /** Records that wait at most. */
  private readonly most: number;
  private waiting = 0;
  private waitingBytes = 0;

  constructor(client: S3Client, Bucket: string, Key: string, contract: CompiledContract) {
    super(client, { Bucket, Key, ContentType: 'application/vnd.apache.parquet' });
    const isNull = nullTest(contract.nullTokens);
    this.most = Math.max(1, Math.floor(VALUES / contract.columns.length));
    const scratch = new Scratch();
    this.columns = contract.columns.map((column) => new ParquetColumn(column, isNull, this.most, scratch));
    this.metadata = new ParquetMetadata(contract.columns);
    this.metadata.writeStart(this.encoded);
  }

  /** Takes the values of a record; `order`: where each column's value lies. */
  public writeValues({ bytes, starts, ends }: Fields, order: Int32Array): void {
    for (let i = 0; i < order.length; i++) {
      const at = order[i];
      this.columns[i].add(bytes, starts[at], ends[at]);
      this.waitingBytes += ends[at] - starts[at];
    }
    this.rows++;
    this.waiting++;
    if (this.waiting === this.most || this.waitingBytes >= BYTES) {
      this.writeGroup();
    }
  }

  protected override complete(): void {
    this.writeGroup();
    this.metadata.writeEnd(this.encoded);
    this.handOver();
  }

  private writeGroup(): void {
    if (this.waiting > 0) {
      this.metadata.addGroup(this.columns.map((column) => column.write(this.encoded)));
      this.columns.forEach((column) => column.clear());
      this.waiting = 0;
      this.waitingBytes = 0;
      this.handOver();
    }
  }

  private handOver(): void {
    this.entrance.write(this.encoded.take());
  }
}
