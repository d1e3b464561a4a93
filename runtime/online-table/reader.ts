import { DynamoDBDocumentClient, GetCommand } from '@aws-sdk/lib-dynamodb';
import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { OnlineSpec } from '../../lib/constructs/data/online-table/contract';
import { Clock } from '../shared/clock';
import { EntityKey } from '../stream/entity-key';
import { OnlineItem } from './core';

/** The newest record of an entity as a reader sees it. */
export interface OnlineFeatures {
  columns: Record<string, unknown>;
  eventTime: Date;
  /** When the stream took it. */
  arrivedAt: Date;
  /** From its event to now by the workload clock; negative for an event ahead of now. */
  ageSeconds: number;
}

/**
 * Reads the online table: what is known now, for a prediction that is made now. Training reads dataset versions instead, where every record
 * has its event time: this table has forgotten what it knew at an earlier moment.
 */
export class OnlineReader {
  private readonly key: EntityKey;

  constructor(
    private readonly dynamo: Pick<DynamoDBDocumentClient, 'send'>,
    private readonly table: string,
    contract: Pick<CompiledContract, 'columns' | 'nullTokens'>,
    spec: Pick<OnlineSpec, 'entity'>,
    private readonly clock: Clock,
    private readonly realNow: () => Date = () => new Date(),
  ) {
    this.key = new EntityKey(contract, spec.entity);
  }

  /** Undefined when nothing is known of the entity, or nothing that is young enough. `entity`: the values of its columns. */
  public async read(entity: Record<string, unknown>): Promise<OnlineFeatures | undefined> {
    const pk = this.key.of(entity);
    if (pk === undefined) {
      return undefined;
    }
    const Key = { pk };
    const { Item } = await this.dynamo.send(new GetCommand({ TableName: this.table, Key, ConsistentRead: true }));
    const item = Item as OnlineItem | undefined;
    // Amazon DynamoDB removes expired items within days (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/howitworks-ttl.html).
    if (item === undefined || item.expiresAt <= this.realNow().getTime() / 1000) {
      return undefined;
    }
    return {
      columns: JSON.parse(item.columns) as Record<string, unknown>,
      eventTime: new Date(item.eventTime),
      arrivedAt: new Date(item.arrivedAt),
      ageSeconds: ((await this.clock.now()).getTime() - item.eventTime) / 1000,
    };
  }
}
