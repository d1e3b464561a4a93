import { S3Client } from '@aws-sdk/client-s3';
import { ByteWriter, ParquetWriter } from 'hyparquet-writer';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import type { Fields } from './fields';
import { ObjectOutput } from './object-output';
import { ParquetColumn, Scratch } from './parquet-columns';
import { parquetSchema } from './parquet-kinds';
import { nullTest } from './rules';

/** What waits at most to be written as one row group: values, and bytes of the records that they come from. */
const VALUES = 2 ** 19;
const BYTES = 16 * 1024 * 1024;

/**
 * Streams records into one Apache Parquet object with the types of their contract, row group by row group. Its columns are compressed with gzip,
 * which every engine of Amazon Athena reads (https://docs.aws.amazon.com/athena/latest/ug/compression-support-hive.html). The columns are encoded here,
 * from the bytes of the records: a value is read once for each of its texts, not once for each record. The writer adds what stands around them.
 */
export class ParquetOutput extends ObjectOutput {
  private readonly columns: ParquetColumn[];
  private readonly encoded = new ByteWriter();
  private readonly parquet: ParquetWriter;
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
    this.parquet = new ParquetWriter({ writer: this.encoded, schema: parquetSchema(contract), createdBy: 'cdk-ai-workloads' });
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
    void this.parquet.finish();
    this.handOver();
  }

  private writeGroup(): void {
    if (this.waiting > 0) {
      const start = this.encoded.offset;
      const columns = this.columns.map((column) => column.write(this.encoded));
      this.parquet.row_groups.push({
        columns,
        num_rows: BigInt(this.waiting),
        total_byte_size: columns.reduce((sum, { meta_data }) => sum + meta_data!.total_uncompressed_size, 0n),
        total_compressed_size: BigInt(this.encoded.offset - start),
      });
      this.parquet.num_rows += BigInt(this.waiting);
      this.columns.forEach((column) => column.clear());
      this.waiting = 0;
      this.waitingBytes = 0;
      this.handOver();
    }
  }

  /** The writer goes on in the same memory. */
  private handOver(): void {
    this.entrance.write(Buffer.from(this.encoded.getBytes()));
    this.encoded.index = 0;
  }
}
