import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Archive, EventBus, IEventBus, IRuleTarget, Rule } from 'aws-cdk-lib/aws-events';
import { Grant, IGrantable, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { IQueue, Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { registerAlarm } from '../ownership/alarms';
import { Layer, Severity } from '../ownership/layer';
import { failOn, mismatch, notWhole, outsideRange, unknownAtSynth } from '../shared/checks';
import { lostEvents } from '../shared/lost-events';
import { generatedName, physicalName } from '../shared/names';
import { isDeadLetterQueue } from '../shared/acknowledgements';
import { EVENT_SOURCE, EventType } from './contract';

/** Properties of a `PredictionBus`. */
export interface PredictionBusProps {
  /**
   * Name of the bus: 1 to 48 letters, digits, dots, hyphens and underscores, known at synth. Other stacks name it literally.
   *
   * @default - generated from the construct path
   */
  readonly busName?: string;
  /**
   * How long events can be replayed: 1 to 3650 whole days.
   *
   * @default Duration.days(90)
   */
  readonly archiveRetention?: Duration;
  /**
   * What happens to events that could not be delivered when the stack is deleted.
   *
   * @default RemovalPolicy.DESTROY - they are copies; the archive and the books hold the originals
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** What a rule on the bus listens to and where it delivers. */
export interface EventSubscription {
  /** Types to deliver, at least one. */
  readonly types: EventType[];
  /** Receiver. A dead-letter queue of its own is respected; otherwise the bus gives its one. */
  readonly target: IRuleTarget;
}

/**
 * The workload's event bus: every prediction, label and dataset version is announced on it, archived and can be replayed.
 *
 * Subscribers get each event at least once; the `eventId` in the detail tells copies apart.
 */
export class PredictionBus extends Construct {
  /** The bus. */
  public readonly bus: IEventBus;
  /** Name of the bus, a literal. */
  public readonly busName: string;
  private readonly removalPolicy: RemovalPolicy;
  private undelivered?: Queue;

  constructor(scope: Construct, id: string, props: PredictionBusProps = {}) {
    super(scope, id);
    const days = props.archiveRetention?.toDays({ integral: false });
    failOn(this, 'InvalidPredictionBus', [
      ...unknownAtSynth('busName', props.busName),
      ...mismatch('busName', props.busName, /^(?!aws\.)[A-Za-z0-9._-]{1,48}$/, "1 to 48 letters, digits, '.', '-' or '_', not 'aws.'"),
      ...outsideRange('archiveRetention (days)', days, 1, 3650),
      ...notWhole('archiveRetention (days)', days),
    ]);
    this.busName = props.busName ?? generatedName(this, 48);
    const bus = new EventBus(this, 'Resource', { eventBusName: this.busName, description: 'Events of an AI workload' });
    this.bus = bus;
    this.removalPolicy = props.removalPolicy ?? RemovalPolicy.DESTROY;
    this.createArchive(bus, props.archiveRetention ?? Duration.days(90));
  }

  /** Events that a subscriber of this bus did not take, for 14 days. Made for the first subscriber, with an alarm. */
  public get deadLetterQueue(): IQueue {
    if (this.undelivered === undefined) {
      this.undelivered = this.createDeadLetterQueue();
      this.createUndeliveredAlarm(this.undelivered);
    }
    return this.undelivered;
  }

  /** Lets `grantee` publish events. */
  public grantPutEvents(grantee: IGrantable): Grant {
    return this.bus.grantPutEventsTo(grantee);
  }

  /**
   * Delivers events of the given types to a target, with retries for a day, the bus's dead-letter queue and an alarm when that queue
   * could not take an event either.
   *
   * Errors: no type given.
   */
  public onEvents(id: string, subscription: EventSubscription): Rule {
    failOn(this, 'InvalidEventSubscription', subscription.types.length === 0 ? [`'types' of '${id}' is empty: name at least one`] : []);
    const ruleName = physicalName([this.busName, id], 64);
    const rule = new Rule(this, id, {
      // A literal: on a custom bus `Ref` answers `<bus>|<rule>`, which no metric has as its dimension.
      ruleName,
      eventBus: this.bus,
      description: `${subscription.types.join(', ')} to ${id}`,
      eventPattern: { source: [EVENT_SOURCE], detailType: subscription.types },
    });
    rule.addTarget(this.withDeadLetterQueue(rule, subscription.target));
    this.createLostAlarm(id, ruleName);
    return rule;
  }

  private withDeadLetterQueue(rule: Rule, target: IRuleTarget): IRuleTarget {
    this.deadLetterQueue.grantSendMessages(
      new ServicePrincipal('events.amazonaws.com', { conditions: { ArnEquals: { 'aws:SourceArn': rule.ruleArn } } }),
    );
    return {
      bind: (bound, id) => {
        const config = target.bind(bound, id);
        return { ...config, deadLetterConfig: config.deadLetterConfig ?? { arn: this.deadLetterQueue.queueArn } };
      },
    };
  }

  private createArchive(bus: EventBus, retention: Duration): void {
    new Archive(this, 'Archive', {
      archiveName: physicalName([this.busName.replace(/\./g, '-')], 48),
      description: 'Every event of the workload, for replay',
      sourceEventBus: bus,
      eventPattern: { source: [EVENT_SOURCE] },
      retention,
    });
  }

  private createDeadLetterQueue(): Queue {
    const queue = new Queue(this, 'Undelivered', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
      removalPolicy: this.removalPolicy,
    });
    isDeadLetterQueue(queue);
    return queue;
  }

  private createUndeliveredAlarm(queue: IQueue): void {
    registerAlarm(this, 'UndeliveredAlarm', {
      alarmName: physicalName([this.busName, 'events', 'undelivered'], 255),
      layer: Layer.INTEGRATION,
      severity: Severity.TICKET,
      summary: 'A subscriber did not take events: they wait in the dead-letter queue of the bus.',
      firstAction: 'read one message of the queue: its attributes name the rule and the error.',
      runbook: 'events-undelivered',
      metric: queue.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: Duration.minutes(5) }),
      threshold: 1,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }

  private createLostAlarm(id: string, ruleName: string): void {
    registerAlarm(this, `${id}LostAlarm`, {
      alarmName: physicalName([this.busName, id, 'events', 'lost'], 255),
      layer: Layer.INTEGRATION,
      severity: Severity.TICKET,
      summary: `Events for ${id} could be delivered neither to their target nor to the dead-letter queue.`,
      firstAction: 'check that target and dead-letter queue exist and let Amazon EventBridge in, then replay from the archive.',
      runbook: 'events-lost',
      metric: lostEvents({ ruleName, busName: this.busName }),
      threshold: 1,
      evaluationPeriods: 1,
      treatMissingData: TreatMissingData.NOT_BREACHING,
    });
  }
}
