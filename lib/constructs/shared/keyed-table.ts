import { AttributeType, BillingMode, Table, TableEncryption, TableProps } from 'aws-cdk-lib/aws-dynamodb';
import { Construct } from 'constructs';

/** What the tables of this library differ in. @internal */
export interface KeyedTableProps extends Pick<
  TableProps,
  'tableName' | 'stream' | 'timeToLiveAttribute' | 'deletionProtection' | 'removalPolicy'
> {
  /** Names of the keys, both texts. */
  readonly partitionKey: string;
  readonly sortKey?: string;
}

/** A table that is paid by request, encrypted and can be restored to any second of its last 35 days. @internal */
export function keyedTable(scope: Construct, id: string, { partitionKey, sortKey, ...props }: KeyedTableProps): Table {
  return new Table(scope, id, {
    partitionKey: { name: partitionKey, type: AttributeType.STRING },
    ...(sortKey === undefined ? {} : { sortKey: { name: sortKey, type: AttributeType.STRING } }),
    billingMode: BillingMode.PAY_PER_REQUEST,
    encryption: TableEncryption.AWS_MANAGED,
    pointInTimeRecoverySpecification: { pointInTimeRecoveryEnabled: true },
    ...props,
  });
}
