import { PutRuleCommand, PutTargetsCommand } from '@aws-sdk/client-eventbridge';
import { CreateQueueCommand, DeleteMessageBatchCommand, ReceiveMessageCommand, SetQueueAttributesCommand } from '@aws-sdk/client-sqs';
import { EVENT_SOURCE } from '../../lib/constructs/integration/contract';
import { LOCAL_ACCOUNT } from '../account-environment';
import type { Clients } from './clients';

/** A subscriber of the workload's bus, as another team would add one: it counts what is announced, copies once. */
export class EventObserver {
  private readonly seen = new Map<string, Set<string>>();

  private constructor(
    private readonly clients: Clients,
    private readonly queueUrl: string,
  ) {}

  public static async subscribe(clients: Clients, bus: string): Promise<EventObserver> {
    const name = `${bus}-observer`;
    const arn = `arn:aws:sqs:${LOCAL_ACCOUNT.region}:${LOCAL_ACCOUNT.account}:${name}`;
    const { QueueUrl } = await clients.sqs.send(new CreateQueueCommand({ QueueName: name }));
    const allow = { Effect: 'Allow', Principal: { Service: 'events.amazonaws.com' }, Action: 'sqs:SendMessage', Resource: arn };
    const Policy = JSON.stringify({ Version: '2012-10-17', Statement: [allow] });
    await clients.sqs.send(new SetQueueAttributesCommand({ QueueUrl, Attributes: { Policy } }));
    const pattern = JSON.stringify({ source: [EVENT_SOURCE] });
    await clients.events.send(new PutRuleCommand({ Name: name, EventBusName: bus, EventPattern: pattern }));
    await clients.events.send(new PutTargetsCommand({ Rule: name, EventBusName: bus, Targets: [{ Id: 'observer', Arn: arn }] }));
    return new EventObserver(clients, QueueUrl!);
  }

  /** Distinct events by type, so far. */
  public async counts(): Promise<Record<string, number>> {
    for (;;) {
      const receive = new ReceiveMessageCommand({ QueueUrl: this.queueUrl, MaxNumberOfMessages: 10, WaitTimeSeconds: 0 });
      const { Messages = [] } = await this.clients.sqs.send(receive);
      if (Messages.length === 0) {
        return Object.fromEntries([...this.seen].map(([type, ids]) => [type, ids.size]));
      }
      for (const { Body } of Messages) {
        const { 'detail-type': type, detail } = JSON.parse(Body!) as { 'detail-type': string; detail: { eventId: string } };
        this.seen.set(type, (this.seen.get(type) ?? new Set()).add(detail.eventId));
      }
      const Entries = Messages.map(({ ReceiptHandle }, i) => ({ Id: String(i), ReceiptHandle }));
      await this.clients.sqs.send(new DeleteMessageBatchCommand({ QueueUrl: this.queueUrl, Entries }));
    }
  }
}
