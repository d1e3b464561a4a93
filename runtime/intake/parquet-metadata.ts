import { ColumnType, CompiledColumn } from '../../lib/constructs/data/data-contract/contract';
import { ByteSink } from './byte-sink';
import { Bounds, KINDS, PHYSICAL } from './parquet-kinds';
import { ENCODING, GZIP, PAGE } from './parquet-page';
import { ThriftWriter } from './thrift';

const MAGIC = Buffer.from('PAR1');
/** Version of the format's metadata that knows the pages that are written. */
const VERSION = 2;
const [REQUIRED, OPTIONAL] = [0, 1];

/** What a column's chunk of a row group is. Positions in the file, bytes and counts. */
export interface Chunk {
  name: string;
  type: ColumnType;
  rows: number;
  nulls: number;
  start: number;
  pagesStart: number;
  end: number;
  /** Before compression, with the headers of the pages. */
  bytes: number;
  pages: number;
  dictionary: boolean;
  bounds?: Bounds;
}

/**
 * What a Parquet file says of itself at its end (https://parquet.apache.org/docs/file-format/metadata/). What it says of a row group is kept as it will be
 * written, a hundred bytes or so a column.
 */
export class ParquetMetadata {
  private readonly groups = new ByteSink();
  private readonly thrift = new ThriftWriter(this.groups);
  private count = 0;
  private rows = 0;

  constructor(private readonly columns: readonly CompiledColumn[]) {}

  public writeStart(sink: ByteSink): void {
    sink.append(MAGIC);
  }

  /** `RowGroup` */
  public addGroup(chunks: readonly Chunk[]): void {
    const [{ rows, start }] = chunks;
    const { thrift } = this;
    thrift.body(() => {
      thrift.structs(1, chunks, (chunk) => {
        thrift.i64(2, chunk.start);
        thrift.struct(3, () => this.chunk(chunk));
      });
      thrift.i64(
        2,
        chunks.reduce((sum, { bytes }) => sum + bytes, 0),
      );
      thrift.i64(3, rows);
      thrift.i64(6, chunks.at(-1)!.end - start);
    });
    this.count++;
    this.rows += rows;
  }

  /** `FileMetaData`, its length and four letters. */
  public writeEnd(sink: ByteSink): void {
    const start = sink.offset;
    const thrift = new ThriftWriter(sink);
    thrift.body(() => {
      thrift.i32(1, VERSION);
      thrift.structs(2, [undefined, ...this.columns], (column) => this.schemaElement(thrift, column));
      thrift.i64(3, this.rows);
      thrift.writtenStructs(4, this.count, this.groups.take());
      thrift.text(6, 'cdk-ai-workloads');
      // Values are ordered as their types say (`TypeDefinedOrder`).
      thrift.structs(7, this.columns, () => thrift.struct(1, () => undefined));
    });
    const length = Buffer.alloc(4);
    length.writeUInt32LE(sink.offset - start);
    sink.append(length);
    sink.append(MAGIC);
  }

  /** `SchemaElement`: the root, then the columns in their order; one that is required has no nulls. */
  private schemaElement(thrift: ThriftWriter, column?: CompiledColumn): void {
    if (column === undefined) {
      thrift.text(4, 'records');
      thrift.i32(5, this.columns.length);
      return;
    }
    const { physical, logical } = KINDS[column.type];
    thrift.i32(1, PHYSICAL[physical]);
    thrift.i32(3, column.required ? REQUIRED : OPTIONAL);
    thrift.text(4, column.name);
    logical?.(thrift);
  }

  /** `ColumnMetaData` */
  private chunk({ name, type, rows, nulls, start, pagesStart, end, bytes, pages, dictionary, bounds }: Chunk): void {
    const { thrift } = this;
    const encoding = dictionary ? ENCODING.dictionary : ENCODING.plain;
    thrift.i32(1, PHYSICAL[KINDS[type].physical]);
    thrift.i32s(2, dictionary ? [ENCODING.plain, encoding] : [encoding]);
    thrift.texts(3, [name]);
    thrift.i32(4, GZIP);
    thrift.i64(5, rows);
    thrift.i64(6, bytes);
    thrift.i64(7, end - start);
    thrift.i64(9, pagesStart);
    if (dictionary) {
      thrift.i64(11, start);
    }
    thrift.struct(12, () => this.statistics(nulls, bounds));
    const written: [number, number, number][] = [[PAGE.data, encoding, pages]];
    thrift.structs(13, dictionary ? [[PAGE.dictionary, ENCODING.plain, 1], ...written] : written, (numbers) =>
      numbers.forEach((value, i) => thrift.i32(i + 1, value)),
    );
  }

  /** `Statistics`: a bound that is no value of the column says so. */
  private statistics(nulls: number, { least, greatest, leastExact, greatestExact }: Partial<Bounds> = {}): void {
    const { thrift } = this;
    thrift.i64(3, nulls);
    if (greatest !== undefined) {
      thrift.binary(5, greatest);
    }
    if (least !== undefined) {
      thrift.binary(6, least);
    }
    if (greatestExact === false) {
      thrift.boolean(7, false);
    }
    if (leastExact === false) {
      thrift.boolean(8, false);
    }
  }
}
