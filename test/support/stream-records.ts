import type { DynamoDBRecord } from 'aws-lambda';
import type { FakeDynamoDb } from './fake-dynamodb';

/** A table's stream, as it shows what really happened to the table. */
export function streamOf(db: FakeDynamoDb, table: string): DynamoDBRecord[] {
  return db.changes
    .map((change, i) => ({ ...change, sequence: String(1000 + i) }))
    .filter((change) => change.table === table)
    .map(({ before, after, sequence }) => ({
      eventName: before === undefined ? 'INSERT' : 'MODIFY',
      dynamodb: { SequenceNumber: sequence, OldImage: before, NewImage: after } as DynamoDBRecord['dynamodb'],
    }));
}

interface Entry {
  DetailType: string;
  Detail: string;
  Source: string;
  EventBusName: string;
}

/** An event bus that keeps what it took; `refuse` says how many entries of a call it takes before it refuses one. */
export class FakeBus {
  readonly entries: Entry[] = [];
  refuse: (entries: Entry[]) => number | undefined = () => undefined;

  readonly client = {
    send: (({ input }: { input: { Entries: Entry[] } }) => {
      const refused = this.refuse(input.Entries);
      this.entries.push(...input.Entries.filter((_, i) => i !== refused));
      const Entries = input.Entries.map((_, i) => (i === refused ? { ErrorCode: 'ThrottlingException' } : { EventId: 'x' }));
      return Promise.resolve({ FailedEntryCount: refused === undefined ? 0 : 1, Entries });
    }) as never,
  };

  details<T = Record<string, unknown>>(): T[] {
    return this.entries.map(({ Detail }) => JSON.parse(Detail) as T);
  }
}
