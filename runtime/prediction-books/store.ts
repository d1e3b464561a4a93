import { TransactionCanceledException } from '@aws-sdk/client-dynamodb';
import {
  DynamoDBDocumentClient,
  GetCommand,
  QueryCommand,
  QueryCommandInput,
  TransactWriteCommand,
  TransactWriteCommandInput,
} from '@aws-sdk/lib-dynamodb';
import { BOOKS, ENV, STATE } from '../../lib/constructs/integration/contract';
import { COUNTERS, dayOf, keyOf, onExpired, onLabelled, onMade, Prediction, shardOf, Tally, TallyRow } from './core';

export interface BooksOptions {
  client: Pick<DynamoDBDocumentClient, 'send'>;
  predictions: string;
  tally: string;
  /** Waits between attempts. Tests pass one that does not. */
  pause?: (ms: number) => Promise<void>;
}

/** Attempts when two transactions meet on one counter. At 16 shards even a few hundred writes per second seldom need a second one. */
const ATTEMPTS = 8;

type Write = NonNullable<TransactWriteCommandInput['TransactItems']>[number];

/**
 * The books: every prediction, and a tally that moves in the same transaction as its state. So a repeated, raced or crashed call can
 * neither lose nor double a count.
 */
export class PredictionBooks {
  public static fromEnv(env: NodeJS.ProcessEnv, client: Pick<DynamoDBDocumentClient, 'send'>): PredictionBooks {
    return new PredictionBooks({ client, predictions: env[ENV.predictionsTable] ?? '', tally: env[ENV.tallyTable] ?? '' });
  }

  constructor(private readonly options: BooksOptions) {}

  public async get(model: string, id: string): Promise<Prediction | undefined> {
    const { Item } = await this.options.client.send(
      new GetCommand({ TableName: this.options.predictions, Key: { [BOOKS.key]: keyOf(model, id) }, ConsistentRead: true }),
    );
    return Item as Prediction | undefined;
  }

  /** Enters an open prediction; false when its id is taken. */
  public record(prediction: Prediction): Promise<boolean> {
    const Item = { ...prediction, state: STATE.open, openShard: shardOf(prediction.key) };
    const put: Write = {
      Put: {
        TableName: this.options.predictions,
        Item,
        ConditionExpression: 'attribute_not_exists(#key)',
        ExpressionAttributeNames: { '#key': BOOKS.key },
      },
    };
    return this.commit([put, this.count(prediction, onMade())]);
  }

  /** Closes an open prediction with its ground truth; false when it is not open any more. */
  public label(prediction: Prediction, outcome: boolean, observedAt: string, now: Date): Promise<boolean> {
    const close = this.close(prediction, STATE.labelled, { outcome, observedAt, labelledAt: now.toISOString() });
    return this.commit([close, this.count(prediction, onLabelled(prediction, outcome))]);
  }

  /** Closes an open prediction without ground truth; false when it is not open any more. */
  public expire(prediction: Pick<Prediction, 'key' | 'model' | 'eventTime'>, now: Date): Promise<boolean> {
    return this.commit([this.close(prediction, STATE.expired, { expiredAt: now.toISOString() }), this.count(prediction, onExpired())]);
  }

  /** Open predictions of one shard whose label window is over, oldest first. */
  public async *due(shard: number, now: Date): AsyncGenerator<Pick<Prediction, 'key' | 'model' | 'eventTime'>> {
    yield* this.query<Prediction>({
      TableName: this.options.predictions,
      IndexName: BOOKS.openIndex,
      KeyConditionExpression: '#shard = :shard AND #expiresAt <= :now',
      ExpressionAttributeNames: { '#shard': BOOKS.openShard, '#expiresAt': BOOKS.expiresAt },
      ExpressionAttributeValues: { ':shard': String(shard), ':now': now.toISOString() },
    });
  }

  /** Counts per day of event time and model, both days included; all days when none is given. */
  public async tally(from = '0000-00-00', to = '9999-99-99'): Promise<TallyRow[]> {
    const merged = new Map<string, TallyRow>();
    for (let shard = 0; shard < BOOKS.shards; shard++) {
      for await (const row of this.tallyOf(String(shard), from, to)) {
        const bucket = `${row.day}#${row.model}`;
        const before = merged.get(bucket);
        const counts = COUNTERS.map((name) => [name, (before?.[name] ?? 0) + (row[name] ?? 0)]);
        merged.set(bucket, { day: row.day, model: row.model, ...(Object.fromEntries(counts) as unknown as Tally) });
      }
    }
    return [...merged.values()];
  }

  private tallyOf(shard: string, from: string, to: string): AsyncGenerator<TallyRow> {
    return this.query<TallyRow>({
      TableName: this.options.tally,
      KeyConditionExpression: '#shard = :shard AND #bucket BETWEEN :from AND :to',
      ExpressionAttributeNames: { '#shard': BOOKS.shard, '#bucket': BOOKS.bucket },
      ExpressionAttributeValues: { ':shard': shard, ':from': from, ':to': `${to}~` },
      ConsistentRead: true,
    });
  }

  private async *query<T>(input: QueryCommandInput): AsyncGenerator<T> {
    let start: Record<string, unknown> | undefined;
    do {
      const page = await this.options.client.send(new QueryCommand({ ...input, ExclusiveStartKey: start }));
      yield* (page.Items ?? []) as T[];
      start = page.LastEvaluatedKey;
    } while (start !== undefined);
  }

  /** Only an open prediction moves: of feedback and expiry that race for it, one wins. */
  private close(prediction: Pick<Prediction, 'key'>, state: string, fields: Record<string, unknown>): Write {
    const names = Object.keys(fields);
    return {
      Update: {
        TableName: this.options.predictions,
        Key: { [BOOKS.key]: prediction.key },
        ConditionExpression: '#state = :open',
        UpdateExpression: `SET #state = :state, ${names.map((name) => `#${name} = :${name}`).join(', ')} REMOVE #shard`,
        ExpressionAttributeNames: {
          '#state': 'state',
          '#shard': BOOKS.openShard,
          ...Object.fromEntries(names.map((name) => [`#${name}`, name])),
        },
        ExpressionAttributeValues: {
          ':open': STATE.open,
          ':state': state,
          ...Object.fromEntries(names.map((name) => [`:${name}`, fields[name]])),
        },
      },
    };
  }

  private count(prediction: Pick<Prediction, 'key' | 'model' | 'eventTime'>, counts: Partial<Tally>): Write {
    const day = dayOf(prediction.eventTime);
    const names = Object.keys(counts) as (keyof Tally)[];
    return {
      Update: {
        TableName: this.options.tally,
        Key: { [BOOKS.shard]: shardOf(prediction.key), [BOOKS.bucket]: `${day}#${prediction.model}` },
        UpdateExpression: `SET #day = :day, #model = :model ADD ${names.map((name) => `#${name} :${name}`).join(', ')}`,
        ExpressionAttributeNames: { '#day': 'day', '#model': 'model', ...Object.fromEntries(names.map((name) => [`#${name}`, name])) },
        ExpressionAttributeValues: {
          ':day': day,
          ':model': prediction.model,
          ...Object.fromEntries(names.map((name) => [`:${name}`, counts[name]])),
        },
      },
    };
  }

  private async commit(TransactItems: Write[]): Promise<boolean> {
    for (let attempt = 1; ; attempt++) {
      try {
        await this.options.client.send(new TransactWriteCommand({ TransactItems }));
        return true;
      } catch (error) {
        const codes = cancellationCodes(error);
        if (codes[0] === 'ConditionalCheckFailed') {
          return false;
        }
        if (attempt === ATTEMPTS || !codes.some((code) => RETRIED.has(code))) {
          throw error;
        }
        await (this.options.pause ?? pause)(Math.random() * 20 * 2 ** attempt);
      }
    }
  }
}

const RETRIED = new Set(['TransactionConflict', 'ThrottlingError', 'ProvisionedThroughputExceeded']);

function cancellationCodes(error: unknown): string[] {
  const cancelled = error instanceof TransactionCanceledException || (error as Error)?.name === 'TransactionCanceledException';
  return cancelled ? ((error as TransactionCanceledException).CancellationReasons ?? []).map(({ Code }) => Code ?? '') : [];
}

const pause = (ms: number) => new Promise<void>((resolve) => setTimeout(resolve, ms));
