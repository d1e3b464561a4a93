import { Duration, Lazy, RemovalPolicy, Size, Stack, Token } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Key } from 'aws-cdk-lib/aws-kms';
import { DataContract, DataIntake, DatasetCatalog, DatasetQueries, DatasetQueriesProps, DataZones } from '../../../lib';
import { QUERY_FILES } from '../../../lib/constructs/data/dataset-catalog/contract';
import { queryKey } from '../../../runtime/dataset-builder/core';
import { once, synth } from '../../support/synth';
import { contractOf, contractWith, FLIGHTS, Loose } from './contracts';
import { flat, statementsOf } from './statements';

interface Setting {
  catalog: DatasetCatalog;
  queries: DatasetQueries;
  zones: DataZones;
  stack: Stack;
}

const build = (given: Partial<DatasetQueriesProps> = {}, more: (setting: Setting) => void = () => undefined, keyed = false) =>
  synth((stack) => {
    const zones = new DataZones(stack, 'Zones', keyed ? { encryptionKey: new Key(stack, 'Key') } : {});
    const catalog = new DatasetCatalog(stack, 'Catalog', { zones, catalogName: 'air-dev' });
    catalog.addDataset(new DataIntake(stack, 'Flights', { zones, contract: DataContract.fromFile(FLIGHTS), intakeName: 'air' }));
    const queries = new DatasetQueries(stack, 'Queries', { catalog, name: 'air-dev', ...given });
    more({ catalog, queries, zones, stack });
    return queries;
  });
/** The plain one, made once: nobody changes it. */
const plain = once(() => build());
const added = ({ catalog, zones, stack }: Setting, contract: DataContract) =>
  catalog.addDataset(new DataIntake(stack, 'Orders', { zones, contract, intakeName: 'orders' }));
const roleIn = (stack: Stack) => new Role(stack, 'Role', { assumedBy: new ServicePrincipal('glue.amazonaws.com') });
const only = (template: Template, type: string): Loose => Object.values(template.findResources(type))[0].Properties;
const tableOf = (template: Template, name: string): Loose =>
  Object.values(template.findResources('AWS::Glue::Table')).find(({ Properties }) => Properties.TableInput.Name === name)!.Properties;
const datasetsOf = (template: Template): Loose => {
  const functions = Object.entries(template.findResources('AWS::Lambda::Function'));
  return JSON.parse(flat(functions.find(([id]) => id.startsWith('CatalogBuilder'))![1].Properties.Environment.Variables.DATASETS));
};

describe('DatasetQueries [D7]', () => {
  test('gives each dataset a table with the columns and types of its contract, also one that is added later', () => {
    const types = contractWith(
      ...['string', 'integer', 'number', 'boolean', 'date', 'timestamp'].map((type) => ({ name: `A_${type}`, logicalType: type })),
    );
    const { template, nag } = build({}, (setting) => added(setting, types));
    expect(tableOf(template, 'orders').TableInput.StorageDescriptor.Columns.filter(({ Name }: Loose) => Name.startsWith('a_'))).toEqual([
      { Name: 'a_string', Type: 'string' },
      { Name: 'a_integer', Type: 'bigint' },
      { Name: 'a_number', Type: 'double' },
      { Name: 'a_boolean', Type: 'boolean' },
      { Name: 'a_date', Type: 'date' },
      { Name: 'a_timestamp', Type: 'timestamp' },
    ]);
    const columns = DataContract.fromFile(FLIGHTS)._rules.columns.map(({ name }) => name);
    expect(tableOf(template, 'flights').TableInput.StorageDescriptor.Columns.map(({ Name }: Loose) => Name)).toEqual(columns);
    expect(nag).toEqual([]);
  });

  test('projects the partition of a version from its id to where the builder writes, so that a query must name the version', () => {
    const { TableInput } = tableOf(plain().template, 'flights');
    const { Parameters, PartitionKeys, StorageDescriptor, TableType } = TableInput;
    expect([TableType, PartitionKeys]).toEqual(['EXTERNAL_TABLE', [{ Name: 'dataset_version', Type: 'string' }]]);
    expect(Parameters).toMatchObject({
      classification: 'parquet',
      'projection.enabled': 'true',
      'projection.dataset_version.type': 'injected',
    });
    const folder = flat(Parameters['storage.location.template']).replace('${dataset_version}', 'abc');
    expect(`${folder}records.parquet`).toBe(`s3://<ZonesValidated>/${queryKey('flights', 'abc')}`);
    expect(folder.startsWith(flat(StorageDescriptor.Location))).toBe(true);
    expect(QUERY_FILES.partition).toBe('dataset_version');
  });

  test('has the builder write objects for queries of each dataset, with the contract that the table has the columns of; without it none', () => {
    const { template } = build({}, (setting) => added(setting, contractOf()));
    expect(datasetsOf(template)).toMatchObject({
      flights: { query: DataContract.fromFile(FLIGHTS)._hash },
      orders: { query: contractOf()._hash },
    });
    const without = synth((stack) => {
      const zones = new DataZones(stack, 'Zones');
      const catalog = new DatasetCatalog(stack, 'Catalog', { zones });
      catalog.addDataset(new DataIntake(stack, 'Flights', { zones, contract: DataContract.fromFile(FLIGHTS), intakeName: 'air' }));
      return catalog;
    });
    expect(Object.keys(datasetsOf(without.template).flights)).toEqual(['ledger', 'contract']);
  });

  test('has names in lower case whose only special character is the underscore [row 175]', () => {
    const named = contractOf((d) => void (d.id = 'late-orders'));
    const { template } = build({}, (setting) => {
      added(setting, named);
      expect([setting.queries.database, setting.queries.table('late-orders'), setting.queries.workGroup]).toEqual([
        'air_dev',
        'late_orders',
        'air-dev',
      ]);
    });
    expect(only(template, 'AWS::Glue::Database').DatabaseInput.Name).toBe('air_dev');
    expect(flat(tableOf(template, 'late_orders').DatabaseName)).toBe('<QueriesDatabase>');
    const generated = build({ name: undefined }).template;
    expect(only(generated, 'AWS::Glue::Database').DatabaseInput.Name).toMatch(/^[a-z0-9_]+$/);
  });

  test('limits what a query scans, enforces that, and publishes what was scanned', () => {
    expect(only(plain().template, 'AWS::Athena::WorkGroup')).toMatchObject({
      Name: 'air-dev',
      WorkGroupConfiguration: {
        EnforceWorkGroupConfiguration: true,
        PublishCloudWatchMetricsEnabled: true,
        RequesterPaysEnabled: false,
        BytesScannedCutoffPerQuery: 10 * 2 ** 30,
        ResultConfiguration: { EncryptionConfiguration: { EncryptionOption: 'SSE_S3' } },
      },
    });
  });

  test('keeps results encrypted, for a week, in a bucket that logs who reads them', () => {
    const { template } = plain();
    const { ResultConfiguration } = only(template, 'AWS::Athena::WorkGroup').WorkGroupConfiguration;
    expect(flat(ResultConfiguration.OutputLocation)).toBe('s3://<QueriesResults>/results/');
    const [, { Properties, DeletionPolicy }] = Object.entries(template.findResources('AWS::S3::Bucket')).find(([id]) =>
      id.startsWith('QueriesResults'),
    )!;
    expect(Properties).toMatchObject({
      LifecycleConfiguration: { Rules: [{ ExpirationInDays: 7, AbortIncompleteMultipartUpload: { DaysAfterInitiation: 1 } }] },
      BucketEncryption: { ServerSideEncryptionConfiguration: [{ ServerSideEncryptionByDefault: { SSEAlgorithm: 'AES256' } }] },
      LoggingConfiguration: { LogFilePrefix: 'queries/' },
    });
    expect(DeletionPolicy).toBe('Retain');
  });

  test('encrypts results with the key of the zones, where they have one', () => {
    const { template } = build({}, () => undefined, true);
    const { EncryptionConfiguration } = only(template, 'AWS::Athena::WorkGroup').WorkGroupConfiguration.ResultConfiguration;
    expect([EncryptionConfiguration.EncryptionOption, flat(EncryptionConfiguration.KmsKey)]).toEqual(['SSE_KMS', '<Key>']);
  });

  test('deletes results with the stack when both switches say so', () => {
    const { template } = build({ removalPolicy: RemovalPolicy.DESTROY, deleteObjects: true });
    const [, { DeletionPolicy }] = Object.entries(template.findResources('AWS::S3::Bucket')).find(([id]) =>
      id.startsWith('QueriesResults'),
    )!;
    expect(DeletionPolicy).toBe('Delete');
  });
});

describe('who may query a dataset', () => {
  const statements = (keyed = false) => {
    const { template } = build({}, ({ queries, stack }) => queries.grantQuery('flights', roleIn(stack)), keyed);
    return statementsOf(template, 'Role');
  };
  const arn = (service: string, resource: string) => `arn:<AWS::Partition>:${service}:<AWS::Region>:<AWS::AccountId>:${resource}`;

  test('may query its table in the work group, read what it reads, and keep results: nothing else', () => {
    expect(statements()).toEqual([
      {
        actions: ['GetWorkGroup', 'StartQueryExecution', 'StopQueryExecution', 'GetQueryExecution', 'GetQueryResults'].map(
          (a) => `athena:${a}`,
        ),
        resources: [arn('athena', 'workgroup/air-dev')],
      },
      {
        actions: ['glue:GetDatabase', 'glue:GetTable'],
        resources: ['catalog', 'database/default', 'database/air_dev', 'table/air_dev/flights'].map((resource) => arn('glue', resource)),
      },
      { actions: ['s3:GetBucketLocation'], resources: ['<ZonesValidated>', '<QueriesResults>'] },
      {
        actions: ['s3:ListBucket'],
        resources: ['<ZonesValidated>'],
        condition: { StringLike: { 's3:prefix': 'datasets/flights/query/*' } },
      },
      { actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: ['<ZonesValidated>/datasets/flights/query/*'] },
      { actions: ['s3:GetObject', 's3:GetObjectVersion'], resources: ['<QueriesResults>/*'] },
      { actions: ['s3:PutObject', 's3:AbortMultipartUpload'], resources: ['<QueriesResults>/*'] },
      { actions: ['s3:ListMultipartUploadParts'], resources: ['<QueriesResults>/*'] },
    ]);
  });

  test('may use the key of the zones for that', () => {
    const keyed = statements(true).filter(({ actions }) => actions.some((action) => action.startsWith('kms:')));
    expect(keyed.flatMap(({ actions }) => actions)).toEqual(expect.arrayContaining(['kms:Decrypt', 'kms:GenerateDataKey']));
    expect(new Set(keyed.flatMap(({ resources }) => resources))).toEqual(new Set(['<Key>']));
  });
});

describe('what DatasetQueries refuses', () => {
  test.each<[Partial<DatasetQueriesProps>, string]>([
    [{ name: 'Air' }, "'name' must be 1 to 80 lower-case letters, digits and hyphens, got 'Air'"],
    [{ name: 'a'.repeat(81) }, "'name' must be 1 to 80"],
    [{ name: Lazy.string({ produce: () => 'late' }) }, "'name' must be known at synth"],
    [{ scanLimit: Size.bytes(9_999_999) }, "'scanLimit (bytes)' must be between 10000000 and 1000000000000000, got 9999999"],
    [{ scanLimit: Size.bytes(1e15 + 2) }, "'scanLimit (bytes)' must be between"],
    [{ scanLimit: Size.bytes(Token.asNumber({ Ref: 'Bytes' })) }, "'scanLimit' must be known at synth"],
    [{ resultRetention: Duration.hours(23) }, "'resultRetention (days)' must be between 1 and 365"],
    [{ resultRetention: Duration.hours(36) }, "'resultRetention (days)' must be a whole number, got 1.5"],
    [{ resultRetention: Duration.days(366) }, "'resultRetention (days)' must be between 1 and 365, got 366"],
    [{ resultRetention: Duration.days(Token.asNumber({ Ref: 'Days' })) }, "'resultRetention' must be known at synth"],
    [{ deleteObjects: true }, "'deleteObjects' deletes nothing while the buckets are kept"],
  ])('fails on what is out of bounds (%#)', (props, problem) => {
    expect(() => build(props)).toThrow('InvalidDatasetQueries: ');
    expect(() => build(props)).toThrow(problem);
  });

  test.each<[Partial<DatasetQueriesProps>, number]>([
    [{ scanLimit: Size.bytes(10_000_000), resultRetention: Duration.days(1), name: 'a' }, 10_000_000],
    [{ scanLimit: Size.bytes(1e15), resultRetention: Duration.days(365), name: 'a'.repeat(80) }, 1e15],
  ])('accepts what is at the bounds (%#)', (props, limit) => {
    expect(only(build(props).template, 'AWS::Athena::WorkGroup').WorkGroupConfiguration.BytesScannedCutoffPerQuery).toBe(limit);
  });

  test.each<[Loose[], string]>([
    [[{ name: 'Amount' }, { name: 'amount' }], "columns 'Amount' and 'amount' of 'orders' are one to Amazon Athena"],
    [[{ name: 'Dataset_Version' }], "column 'Dataset_Version' of 'orders' has the name of the column that says the version"],
    [[{ name: 'x'.repeat(256) }], "column 'xxxxxxxxxxxxxxxxxxxx...' of 'orders' has a name of over 255 bytes"],
  ])('fails on columns that a table cannot have (%#)', (columns, problem) => {
    const contract = contractWith(...columns.map((column) => ({ logicalType: 'string', ...column })));
    expect(() => build({}, (setting) => added(setting, contract))).toThrow(`InvalidDatasetQueries: `);
    expect(() => build({}, (setting) => added(setting, contract))).toThrow(problem);
  });

  test('fails on a second one for the same catalogue, and on a dataset that it does not have', () => {
    expect(() => build({}, ({ catalog, stack }) => new DatasetQueries(stack, 'More', { catalog, name: 'more' }))).toThrow(
      'InvalidDatasetCatalog: it has its DatasetQueries already: use that one [at Test/Catalog]',
    );
    expect(() => build({}, ({ queries, stack }) => queries.grantQuery('flight', roleIn(stack)))).toThrow(
      "UnknownDataset: there is no dataset 'flight': add its intake to the catalogue [at Test/Queries]",
    );
  });
});
