import { Stack } from 'aws-cdk-lib';
import { CfnDatabase, CfnTable } from 'aws-cdk-lib/aws-glue';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { ColumnType, CompiledContract } from '../data-contract/contract';
import { QUERY_FILES } from '../dataset-catalog/contract';

/** Of the Parquet types that the builder writes (https://docs.aws.amazon.com/athena/latest/ug/data-types.html). */
const TYPES: Record<ColumnType, string> = {
  string: 'string',
  integer: 'bigint',
  number: 'double',
  boolean: 'boolean',
  date: 'date',
  timestamp: 'timestamp',
};

/** Longest name of a column, bytes (https://docs.aws.amazon.com/athena/latest/ug/tables-databases-columns-names.html). */
const LONGEST_NAME = 255;

/** Name of a database or table: lower case, and of special characters only the underscore, so that no query has to quote it. @internal */
export const sqlName = (name: string): string => name.replaceAll('-', '_');

/** Prefix of what queries of a dataset read. @internal */
export const queryPrefix = (dataset: string): string => `datasets/${dataset}/${QUERY_FILES.folder}/`;

/** What columns a table cannot have: it knows names in lower case only. @internal */
export function columnProblems({ dataset, columns }: CompiledContract): string[] {
  const names = columns.map(({ name }) => name.toLowerCase());
  return columns.flatMap(({ name }, i) => [
    ...(names.indexOf(names[i]) < i
      ? [
          `columns '${columns[names.indexOf(names[i])].name}' and '${name}' of '${dataset}' are one to Amazon Athena, which knows lower case only`,
        ]
      : []),
    ...(names[i] === QUERY_FILES.partition ? [`column '${name}' of '${dataset}' has the name of the column that says the version`] : []),
    ...(Buffer.byteLength(name) > LONGEST_NAME
      ? [`column '${name.slice(0, 20)}...' of '${dataset}' has a name of over ${LONGEST_NAME} bytes`]
      : []),
  ]);
}

/**
 * An external table over the objects for queries. Its partitions are no list that must be kept: a query says which versions it wants, and their ids say
 * where they lie (https://docs.aws.amazon.com/athena/latest/ug/partition-projection-dynamic-id-partitioning.html).
 *
 * @internal
 */
export function createQueryTable(
  scope: Construct,
  database: CfnDatabase,
  bucket: IBucket,
  { dataset, columns }: CompiledContract,
): CfnTable {
  const location = bucket.s3UrlForObject(queryPrefix(dataset));
  return new CfnTable(scope, `Table-${dataset}`, {
    catalogId: Stack.of(scope).account,
    databaseName: database.ref,
    tableInput: {
      name: sqlName(dataset),
      description: `Versions of the dataset ${dataset}: name those that you want by ${QUERY_FILES.partition}`,
      tableType: 'EXTERNAL_TABLE',
      partitionKeys: [{ name: QUERY_FILES.partition, type: 'string' }],
      parameters: {
        classification: 'parquet',
        'projection.enabled': 'true',
        [`projection.${QUERY_FILES.partition}.type`]: 'injected',
        'storage.location.template': `${location}${QUERY_FILES.partition}=\${${QUERY_FILES.partition}}/`,
      },
      storageDescriptor: {
        columns: columns.map(({ name, type }) => ({ name: name.toLowerCase(), type: TYPES[type] })),
        location,
        inputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
        outputFormat: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
        serdeInfo: { serializationLibrary: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe' },
      },
    },
  });
}
