import { paginateDescribeAlarms } from '@aws-sdk/client-cloudwatch';
import {
  GetFunctionConfigurationCommand,
  ListEventSourceMappingsCommand,
  paginateListFunctions,
  UpdateEventSourceMappingCommand,
  UpdateFunctionConfigurationCommand,
} from '@aws-sdk/client-lambda';
import { setTimeout as sleep } from 'node:timers/promises';
import { PutRecordsCommand } from '@aws-sdk/client-kinesis';
import { DeleteMessageCommand, GetQueueUrlCommand, ReceiveMessageCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { UpdateCommand } from '@aws-sdk/lib-dynamodb';
import { recordOf } from '../../../examples/flight-delays/departures';
import { COLUMNS, linesOf, parseFlight } from '../../../examples/flight-delays/flights';
import { apiClient, localApiUrl } from '../../../local/start/clients';
import type { FileRow } from '../../../runtime/intake/file-row';
import type { Proof } from '../intake-proof';
import { until } from '../programs';
import { Arena, PREFIX } from '../release-faults/arena';

export const INTAKE = `${PREFIX}-flights`;
/** Who owns the data layer, and the queue that the config names for that team. */
export const OWNER = { team: 'flight-data', queue: `${PREFIX}-flight-data-alerts` };

export interface Notice {
  AlarmName: string;
  NewStateValue: string;
  AlarmDescription: string;
  StateChangeTime: string;
}

/** A deployed intake of flights, what may go wrong with it, and what its owner is told. */
export class DataWorld {
  private readonly notices: Notice[] = [];
  private used = 0;

  private constructor(
    readonly arena: Arena,
    readonly proof: Proof,
    readonly outputs: Record<string, string>,
    private readonly lines: readonly string[],
  ) {}

  static async of(arena: Arena, proof: Proof, outputs: Record<string, string>): Promise<DataWorld> {
    const lines = await linesOf(new Set([1]));
    // The tail number that the contract does not know: what is refused here, is so by intent.
    return new DataWorld(
      arena,
      proof,
      outputs,
      lines.filter((line) => !line.includes('D942DN')),
    );
  }

  private take(records: number): string[] {
    const taken = this.lines.slice(this.used, (this.used += records));
    if (taken.length < records) {
      throw new Error('the flights of January are all used');
    }
    return [...taken];
  }

  /** A file of records that no file before had; `edit` may change a line of it by its place, the header is 0. */
  file(records: number, edit: (line: string, at: number) => string = (line) => line): Buffer {
    return Buffer.from([COLUMNS.join(','), ...this.take(records)].map((line, at) => `${edit(line, at)}\n`).join(''));
  }

  /** Stores a file in the raw zone and, unless it is not to be waited for, waits until its version is final. */
  async send(name: string, bytes: Buffer, wait: 'accounted' | 'rejected' | undefined = 'accounted'): Promise<FileRow | undefined> {
    const version = await this.proof.send({ name, bytes });
    return wait === undefined ? undefined : this.final(version, wait);
  }

  final({ versionId }: { versionId: string }, state: string): Promise<FileRow> {
    return until(`a version being ${state}`, 300, async () =>
      (await this.proof.rows()).find((row) => row.versionId === versionId && row.state === state),
    );
  }

  /** Lets time pass for whatever looks at how long something has been there: nothing that is stored, or was accounted for, is younger. */
  async pass(seconds: number): Promise<void> {
    const { account, clients } = this.arena;
    const answer = await fetch(`${account.url}/_account/age`, { method: 'POST', body: JSON.stringify({ seconds }) });
    if (!answer.ok) {
      throw new Error(`the account made nothing older: ${await answer.text()}`);
    }
    for (const { pk, accountedAt } of (await this.proof.rows()).filter((row) => row.accountedAt !== undefined)) {
      const then = new Date(Date.parse(accountedAt!) - seconds * 1000).toISOString();
      await clients.dynamo.send(
        new UpdateCommand({
          ...{ TableName: this.outputs.flightsLedger, Key: { pk } },
          ...{ UpdateExpression: 'SET accountedAt = :then', ExpressionAttributeValues: { ':then': then } },
        }),
      );
    }
  }

  /** The deployed function with a description. */
  async function(description: RegExp): Promise<string> {
    const found: string[] = [];
    for await (const { Functions = [] } of paginateListFunctions({ client: this.arena.clients.lambda }, {})) {
      found.push(...Functions.filter(({ Description }) => description.test(Description ?? '')).map(({ FunctionName }) => FunctionName!));
    }
    if (found.length !== 1) {
      throw new Error(`functions described as ${description}: ${found.join(', ') || 'none'}`);
    }
    return found[0];
  }

  /** Gives a function code that is not there, so that each call of it fails; returns what mends it. */
  async crash(description: RegExp): Promise<() => Promise<void>> {
    const { lambda } = this.arena.clients;
    const FunctionName = await this.function(description);
    const { Handler } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const set = (handler: string) => lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Handler: handler }));
    await set('absent.handler');
    return async () => void (await set(Handler!));
  }

  /** Gives a function another value of an environment variable; returns what mends it. */
  async misconfigure(description: RegExp, name: string, value: string): Promise<() => Promise<void>> {
    const { lambda } = this.arena.clients;
    const FunctionName = await this.function(description);
    const { Environment } = await lambda.send(new GetFunctionConfigurationCommand({ FunctionName }));
    const before = Environment!.Variables!;
    const set = (Variables: Record<string, string>) =>
      lambda.send(new UpdateFunctionConfigurationCommand({ FunctionName, Environment: { Variables } }));
    await set({ ...before, [name]: value });
    return async () => void (await set(before));
  }

  /** Takes a function from its queue or stream, or gives it back. */
  async feed(description: RegExp, Enabled: boolean): Promise<void> {
    const { lambda } = this.arena.clients;
    const FunctionName = await this.function(description);
    const { EventSourceMappings = [] } = await lambda.send(new ListEventSourceMappingsCommand({ FunctionName }));
    for (const { UUID } of EventSourceMappings) {
      await lambda.send(new UpdateEventSourceMappingCommand({ UUID, Enabled }));
    }
  }

  /** How long a message that failed is hidden, seconds of real time: the account's clock does not make it shorter. */
  async hideFor(seconds: number): Promise<void> {
    const { sqs } = this.arena.clients;
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: INTAKE }));
    await sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { VisibilityTimeout: String(seconds) } }));
  }

  /** Its state, and whether it tells anybody itself. */
  async alarm(alarm: string): Promise<{ state: string; tells: boolean }> {
    for await (const { MetricAlarms = [], CompositeAlarms = [] } of paginateDescribeAlarms(
      { client: this.arena.clients.cloudWatch },
      { AlarmNames: [alarm], AlarmTypes: ['MetricAlarm', 'CompositeAlarm'] },
    )) {
      for (const { StateValue, AlarmActions = [] } of [...MetricAlarms, ...CompositeAlarms]) {
        return { state: StateValue!, tells: AlarmActions.length > 0 };
      }
    }
    throw new Error(`there is no alarm ${alarm}`);
  }

  /** Looks on while windows of 5 platform minutes end: the alarm must not ring for what is allowed. */
  async quiet(alarm: string): Promise<void> {
    const since = Date.now();
    await sleep((3 * 300_000) / this.arena.account.clockFactor);
    const told = await this.told(alarm, since);
    this.proof.holds(`${alarm} is quiet at its limit`, told.length === 0, told);
  }

  /** Puts flights on the stream. */
  async stream(records: number): Promise<void> {
    const Records = this.take(records).map((line) => ({ Data: Buffer.from(recordOf(parseFlight(line))), PartitionKey: 'EWR' }));
    await this.arena.clients.kinesis.send(new PutRecordsCommand({ StreamName: this.outputs.flightsStream, Records }));
  }

  /** Posts one flight after another until it is stopped. */
  posting(): { stop: () => Promise<void> } {
    const post = apiClient(localApiUrl(this.arena.account.url, this.outputs.RecordsUrl));
    let goes = true;
    const loop = async () => {
      for (; goes; await sleep(500)) {
        await post('POST', '/v1/datasets/flights/records', JSON.parse(recordOf(parseFlight(this.take(1)[0]))));
      }
    };
    const running = loop();
    running.catch(() => undefined);
    return {
      stop: () => {
        goes = false;
        return running;
      },
    };
  }

  /** What the owner of the data layer was told of an alarm since a moment, oldest first. */
  async told(alarm: string, since: number): Promise<Notice[]> {
    const { sqs } = this.arena.clients;
    const { QueueUrl } = await sqs.send(new GetQueueUrlCommand({ QueueName: OWNER.queue }));
    const { Messages = [] } = await sqs.send(new ReceiveMessageCommand({ QueueUrl, MaxNumberOfMessages: 10 }));
    for (const { Body, ReceiptHandle } of Messages) {
      this.notices.push(JSON.parse((JSON.parse(Body!) as { Message: string }).Message) as Notice);
      await sqs.send(new DeleteMessageCommand({ QueueUrl, ReceiptHandle }));
    }
    return this.notices
      .filter(({ AlarmName, StateChangeTime }) => AlarmName === alarm && Date.parse(StateChangeTime) >= since)
      .sort((a, b) => Date.parse(a.StateChangeTime) - Date.parse(b.StateChangeTime));
  }
}
