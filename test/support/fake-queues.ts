import type { SQSClient } from '@aws-sdk/client-sqs';

export interface FakeMessage {
  id: string;
  body: string;
  sentAt: number;
  visibleAt: number;
  receipt?: string;
}

type Input = Record<string, unknown> & { QueueUrl: string };
type Send = Pick<SQSClient, 'send'>['send'];

/** Standard queues of Amazon SQS: what was received is out of sight for a time, and comes back unless its newest receipt deletes it. */
export class FakeQueues {
  readonly queues = new Map<string, FakeMessage[]>();
  before: (operation: string, input: Input) => void | Promise<void> = () => undefined;
  after: (operation: string, input: Input) => void | Promise<void> = () => undefined;
  private counter = 0;

  constructor(private readonly now: () => Date) {}

  readonly client: Pick<SQSClient, 'send'> = {
    send: (async ({ constructor, input }: { constructor: { name: string }; input: Input }) => {
      const operation = constructor.name.replace('Command', '');
      await this.before(operation, input);
      const answer = this.run(operation, input);
      await this.after(operation, input);
      return answer;
    }) as unknown as Send,
  };

  of(url: string): FakeMessage[] {
    const found = this.queues.get(url) ?? [];
    this.queues.set(url, found);
    return found;
  }

  bodies(url: string): string[] {
    return this.of(url).map(({ body }) => body);
  }

  put(url: string, body: string): FakeMessage {
    const at = this.now().getTime();
    const message = { id: `m${++this.counter}`, body, sentAt: at, visibleAt: at };
    this.of(url).push(message);
    return message;
  }

  private run(operation: string, input: Input): object {
    const { QueueUrl: url, ReceiptHandle: receipt } = input;
    const at = this.now().getTime();
    switch (operation) {
      case 'SendMessage':
        return { MessageId: this.put(url, input.MessageBody as string).id };
      case 'ReceiveMessage':
        return this.receive(url, input);
      case 'DeleteMessage':
        this.queues.set(
          url,
          this.of(url).filter((message) => message.receipt !== receipt),
        );
        return {};
      case 'ChangeMessageVisibility':
        this.of(url)
          .filter((message) => message.receipt === receipt)
          .forEach((message) => (message.visibleAt = at + 1000 * (input.VisibilityTimeout as number)));
        return {};
      case 'GetQueueAttributes': {
        const visible = this.of(url).filter(({ visibleAt }) => visibleAt <= at).length;
        const hidden = this.of(url).length - visible;
        return { Attributes: { ApproximateNumberOfMessages: String(visible), ApproximateNumberOfMessagesNotVisible: String(hidden) } };
      }
      default:
        throw new Error(`the fake has no ${operation}`);
    }
  }

  private receive(url: string, { VisibilityTimeout, MaxNumberOfMessages }: Input): object {
    const at = this.now().getTime();
    const due = this.of(url).filter(({ visibleAt }) => visibleAt <= at);
    const taken = due.slice(0, MaxNumberOfMessages as number);
    taken.forEach((message) => {
      message.visibleAt = at + 1000 * (VisibilityTimeout as number);
      message.receipt = `r${++this.counter}`;
    });
    const Messages = taken.map(({ id, body, sentAt, receipt }) => ({
      ...{ MessageId: id, Body: body, ReceiptHandle: receipt },
      Attributes: { SentTimestamp: String(sentAt) },
    }));
    return Messages.length === 0 ? {} : { Messages };
  }
}
