import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { BlueprintConfig } from '../config/schema';
import {
  AlarmBoard,
  AlertDestination,
  Budget,
  Layer,
  Owner,
  Owners,
  OwnersByLayer,
  Severity,
  WorkloadBudget,
} from '../constructs/ownership';
import { physicalName } from '../constructs/shared/names';
import { WorkloadStack } from './workload-stack';

type Destination = BlueprintConfig['teams'][string]['page'][number];

/** Who owns what: alert topics and inboxes, the budget. */
export class OwnershipStack extends WorkloadStack {
  public readonly owners: Owners;
  public readonly board: AlarmBoard;
  public readonly budget: Budget;

  constructor(
    scope: Construct,
    id: string,
    private readonly config: BlueprintConfig,
  ) {
    super(scope, id, config, Layer.PRODUCT);
    this.owners = this.createOwners();
    this.board = new AlarmBoard(this, 'Board', { owners: this.owners, namePrefix: this.prefix });
    this.budget = Budget.monthly(config.budget.monthlyUsd);
    new WorkloadBudget(this, 'Budget', {
      budget: this.budget,
      workload: this.prefix,
      topic: this.board.topicFor(Layer.PRODUCT, Severity.TICKET),
    });
  }

  private createOwners(): Owners {
    const used = [...new Set(Object.values(this.config.owners))];
    const teams = new Map(used.map((team) => [team, this.createOwner(team)]));
    return Owners.byLayer(
      Object.fromEntries(Object.entries(this.config.owners).map(([layer, team]) => [layer, teams.get(team)!])) as unknown as OwnersByLayer,
    );
  }

  private createOwner(team: string): Owner {
    const { contact, page, ticket } = this.config.teams[team];
    return new Owner({ team, contact, page: page.map((d) => this.destination(d)), ticket: ticket?.map((d) => this.destination(d)) });
  }

  private destination({ email, queue, queueArn }: Destination): AlertDestination {
    if (email !== undefined) {
      return AlertDestination.email(email);
    }
    return AlertDestination.queue(queueArn !== undefined ? this.importedInbox(queueArn) : this.inbox(queue!));
  }

  private importedInbox(queueArn: string) {
    return (this.node.tryFindChild(queueArn) as Queue | undefined) ?? Queue.fromQueueArn(this, queueArn, queueArn);
  }

  /** The queue that a team's tooling reads: one per name, however many teams and severities use it. */
  private inbox(name: string): Queue {
    const existing = this.node.tryFindChild(name);
    if (existing !== undefined) {
      return existing as Queue;
    }
    const common = {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: RemovalPolicy.DESTROY,
    };
    const queueName = (suffix: string) => physicalName([this.prefix, name + suffix], 80);
    return new Queue(this, name, {
      ...common,
      retentionPeriod: Duration.days(7),
      queueName: queueName(''),
      visibilityTimeout: Duration.minutes(5),
      deadLetterQueue: { maxReceiveCount: 10, queue: new Queue(this, `${name}-unread`, { ...common, queueName: queueName('-unread') }) },
    });
  }
}
