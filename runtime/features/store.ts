import { ConditionalCheckFailedException } from '@aws-sdk/client-dynamodb';
import { DynamoDBDocumentClient, PutCommand, QueryCommand } from '@aws-sdk/lib-dynamodb';
import { AggregateDefinition, FEATURES } from '../../lib/constructs/data/features/contract';
import { aggregated, entityOf, Fields, isBeyondTime, observationOf, partitionOf, Window } from './core';

/** A valid record of a dataset. */
export interface Arrival {
  fields: Fields;
  /** Names the record by its primary key, the same for every spelling of it: at most 1,024 bytes. */
  record: string;
  /** Which of two versions of a record is the newer one, compared as text. The same record delivered again has the same. */
  order: string;
}

/**
 * What becomes of a record: `stale` means that this version, or a newer one, is there already; `late` that no read can cover it any more; `beyond time`
 * that its event time is further from 1970 than a `Date` can be, so that it has none.
 */
export type Applied = 'counted' | 'without value' | 'stale' | 'late' | 'beyond time';

export interface FeatureStoreOptions {
  client: Pick<DynamoDBDocumentClient, 'send'>;
  table: string;
  /** How far reads may look back, and records may be late. Seconds. */
  keepSeconds: number;
}

/** What a window holds. */
export interface Aggregate {
  value: number | null;
  records: number;
  /** Event time of the newest record, milliseconds since 1970; absent when there is none. */
  newest?: number;
}

/**
 * Online values: one item per feature and record, found by event time through a local index, which is read strongly consistent
 * (https://docs.aws.amazon.com/amazondynamodb/latest/developerguide/LSI.html). A record is one conditional write of its own item, so it counts
 * once however often it is delivered, a correction takes its place, and an older version never comes back.
 */
export class FeatureStore {
  constructor(private readonly options: FeatureStoreOptions) {}

  /**
   * Counts a record. `now` is of the workload clock, which event times are held against; items expire by real time, because that is what
   * Amazon DynamoDB goes by.
   */
  public async apply(definition: AggregateDefinition, arrival: Arrival, now: Date, real = new Date()): Promise<Applied> {
    const { keepSeconds, table } = this.options;
    const observation = observationOf(definition, arrival.fields);
    const entity = entityOf(definition, arrival.fields);
    if (entity === undefined) {
      return 'without value';
    }
    const late = observation !== undefined && observation.time <= now.getTime() - keepSeconds * 1000;
    const item = {
      [FEATURES.key]: partitionOf(definition.name, entity),
      [FEATURES.record]: arrival.record,
      [FEATURES.order]: arrival.order,
      [FEATURES.expires]: Math.ceil(real.getTime() / 1000) + keepSeconds,
      // One that counts nowhere is written too: it may correct one that counted, and it keeps older versions from coming back.
      ...(observation && !late && { [FEATURES.time]: observation.time, [FEATURES.value]: String(observation.value) }),
    };
    if (!(await this.put(table, item, arrival.order))) {
      return 'stale';
    }
    if (observation !== undefined) {
      return late ? 'late' : 'counted';
    }
    return isBeyondTime(definition, arrival.fields) ? 'beyond time' : 'without value';
  }

  private async put(TableName: string, Item: Record<string, unknown>, order: string): Promise<boolean> {
    try {
      await this.options.client.send(
        new PutCommand({
          TableName,
          Item,
          ConditionExpression: 'attribute_not_exists(#key) OR #order < :order',
          ExpressionAttributeNames: { '#key': FEATURES.key, '#order': FEATURES.order },
          ExpressionAttributeValues: { ':order': order },
        }),
      );
      return true;
    } catch (error) {
      if (error instanceof ConditionalCheckFailedException) {
        return false;
      }
      throw error;
    }
  }

  /** The aggregate over a window, from every record that was applied before. */
  public async read(definition: AggregateDefinition, entity: string, window: Window, signal?: AbortSignal): Promise<Aggregate> {
    const values: number[] = [];
    let newest: number | undefined;
    for await (const item of this.items(partitionOf(definition.name, entity), window, signal)) {
      values.push(Number(item[FEATURES.value]));
      newest = item[FEATURES.time] as number; // the index is in the order of time
    }
    return { value: aggregated(definition.function, values), records: values.length, ...(newest === undefined ? {} : { newest }) };
  }

  private async *items(partition: string, { after, until }: Window, abortSignal?: AbortSignal): AsyncGenerator<Record<string, unknown>> {
    let start: Record<string, unknown> | undefined;
    do {
      const page = await this.options.client.send(
        new QueryCommand({
          TableName: this.options.table,
          IndexName: FEATURES.timeIndex,
          ConsistentRead: true,
          KeyConditionExpression: '#key = :partition AND #time BETWEEN :first AND :last',
          ExpressionAttributeNames: { '#key': FEATURES.key, '#time': FEATURES.time },
          ExpressionAttributeValues: { ':partition': partition, ':first': after + 1, ':last': until },
          ExclusiveStartKey: start,
        }),
        { abortSignal },
      );
      yield* page.Items ?? [];
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
  }
}
