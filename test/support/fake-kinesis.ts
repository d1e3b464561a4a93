import type { PutRecordsCommandInput, PutRecordsCommandOutput } from '@aws-sdk/client-kinesis';

export interface OnStream {
  key: string;
  text: string;
}

/** What happens to a call: the code with which single records are refused, or an error of the whole call, before or after it took effect. */
export interface CallPlan {
  refuse?: (record: OnStream, at: number) => string | undefined;
  error?: { when: 'before' | 'after'; name: string; fault?: 'client' | 'server' };
}

/** A stream as far as senders see it: it keeps what it took in the order in which it took it. */
export class FakeKinesis {
  readonly taken: OnStream[] = [];
  readonly calls: OnStream[][] = [];
  /** Told of each call before it happens. */
  plan: (call: number) => CallPlan = () => ({});

  readonly client = {
    send: (async ({ input }: { input: PutRecordsCommandInput }) => this.put(input)) as never,
  };

  private put({ Records = [] }: PutRecordsCommandInput): Pick<PutRecordsCommandOutput, 'FailedRecordCount' | 'Records'> {
    const records = Records.map(({ PartitionKey, Data }) => ({ key: PartitionKey!, text: Buffer.from(Data!).toString() }));
    refuseCall(Records);
    this.calls.push(records);
    const { refuse = () => undefined, error } = this.plan(this.calls.length - 1);
    const fail = () => Object.assign(new Error(error!.name), { name: error!.name, $fault: error!.fault });
    if (error?.when === 'before') {
      throw fail();
    }
    const results = records.map((record, at) => {
      const code = refuse(record, at);
      if (code !== undefined) {
        return { ErrorCode: code, ErrorMessage: 'refused' };
      }
      this.taken.push(record);
      return { SequenceNumber: String(this.taken.length), ShardId: 'shardId-000000000000' };
    });
    if (error?.when === 'after') {
      throw fail();
    }
    return { FailedRecordCount: results.filter((result) => 'ErrorCode' in result).length, Records: results };
  }
}

/** The limits of a call: https://docs.aws.amazon.com/kinesis/latest/APIReference/API_PutRecords.html. */
function refuseCall(records: NonNullable<PutRecordsCommandInput['Records']>): void {
  const sizes = records.map(({ Data, PartitionKey }) => Data!.length + Buffer.byteLength(PartitionKey!));
  const wrong =
    records.length < 1 ||
    records.length > 500 ||
    records.some(({ PartitionKey }) => PartitionKey!.length < 1 || PartitionKey!.length > 256) ||
    sizes.some((size) => size > 2 ** 20) ||
    sizes.reduce((sum, size) => sum + size, 0) > 5 * 2 ** 20;
  if (wrong) {
    throw Object.assign(new Error('the call breaks a limit'), { name: 'ValidationException', $fault: 'client' });
  }
}
