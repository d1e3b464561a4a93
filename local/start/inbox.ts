import { ChangeMessageVisibilityCommand, GetQueueUrlCommand, ReceiveMessageCommand } from '@aws-sdk/client-sqs';
import { Layer } from '../../lib/constructs/ownership/layer';
import type { Run } from './run';

export interface Notice {
  AlarmName: string;
  NewStateValue: string;
  StateChangeTime: string;
}

/**
 * The queue that the config names for the owner of a layer. What is read stays there for whoever it is meant for. A team has one, whoever
 * asks: a message that is being read is hidden from everybody else, so two readers would take notices from each other.
 */
export class Inbox {
  private static readonly known = new WeakMap<Run, Map<string, Inbox>>();
  private readonly read = new Map<string, { notice: Notice; handle: string }>();

  private constructor(
    private readonly run: Run,
    public readonly team: string,
    public readonly name: string,
    private readonly url: string,
  ) {}

  public static async ofOwner(run: Run, layer: Layer): Promise<Inbox> {
    const team = run.config.owners[layer];
    const queue = run.config.teams[team].page.find((destination) => destination.queue !== undefined)?.queue;
    if (queue === undefined) {
      throw new Error(
        `NoInbox: team '${team}' owns ${layer} but has no 'queue' under teams.${team}.page in the config, and no mail is sent here: add one`,
      );
    }
    const name = `${run.prefix}-${queue}`;
    const { QueueUrl } = await run.clients.sqs.send(new GetQueueUrlCommand({ QueueName: name }));
    const known = Inbox.known.get(run) ?? new Map<string, Inbox>();
    Inbox.known.set(run, known);
    const inbox = known.get(team) ?? new Inbox(run, team, name, QueueUrl!);
    known.set(team, inbox);
    return inbox;
  }

  /** What came for one alarm since a moment, oldest first. */
  public async notices(alarm: string, since: number): Promise<Notice[]> {
    const { Messages = [] } = await this.run.clients.sqs.send(new ReceiveMessageCommand({ QueueUrl: this.url, MaxNumberOfMessages: 10 }));
    for (const { MessageId, Body, ReceiptHandle } of Messages) {
      const { Message } = JSON.parse(Body!) as { Message: string };
      this.read.set(MessageId!, { notice: JSON.parse(Message) as Notice, handle: ReceiptHandle! });
    }
    return [...this.read.values()]
      .map(({ notice }) => notice)
      .filter(({ AlarmName, StateChangeTime }) => AlarmName === alarm && Date.parse(StateChangeTime) >= since)
      .sort((a, b) => Date.parse(a.StateChangeTime) - Date.parse(b.StateChangeTime));
  }

  /** Makes everything readable again at once. */
  public async giveBack(): Promise<void> {
    for (const { handle } of this.read.values()) {
      const visible = { QueueUrl: this.url, ReceiptHandle: handle, VisibilityTimeout: 0 };
      await this.run.clients.sqs.send(new ChangeMessageVisibilityCommand(visible));
    }
  }
}
