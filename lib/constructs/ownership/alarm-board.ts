import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { AlarmBase, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { IKey, Key } from 'aws-cdk-lib/aws-kms';
import { ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { Construct, IConstruct } from 'constructs';
import { failOn, mismatch } from '../shared/checks';
import { generatedName, physicalName } from '../shared/names';
import { alarmsWithoutAction, attachRouter, routeAlarm } from './alarm-routing';
import { registerAlarm } from './alarms';
import { Layer, Severity } from './layer';
import { Owner, Owners } from './owner';

/**
 * Services that publish alerts. `Topic.grantPublish` also lets them use the topic's key; without that an alarm fires and nobody hears
 * (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html).
 */
const PUBLISHERS = ['cloudwatch.amazonaws.com', 'budgets.amazonaws.com'];

/** Properties of an `AlarmBoard`. */
export interface AlarmBoardProps {
  /** Who answers for which layer. */
  readonly owners: Owners;
  /**
   * Start of the names of topics and alarms: 1 to 100 lower-case letters, digits and hyphens.
   *
   * @default - generated from the construct path
   */
  readonly namePrefix?: string;
  /**
   * Key that encrypts the topics. Its policy must let Amazon CloudWatch, Amazon EventBridge and AWS Budgets use it.
   *
   * @default - a new key with such a policy
   */
  readonly encryptionKey?: IKey;
}

/**
 * Decides who hears of an alarm: one encrypted topic per owner and severity, and an alarm on its own undelivered notifications.
 *
 * Constructs only register their alarms with layer and severity. The board attached nearest above an alarm gives it its actions at synth.
 */
export class AlarmBoard extends Construct {
  /** Who answers for which layer. */
  public readonly owners: Owners;
  /** Key of the topics. */
  public readonly encryptionKey: IKey;
  private readonly topics = new Map<string, Topic>();
  private readonly namePrefix: string;

  constructor(scope: Construct, id: string, props: AlarmBoardProps) {
    super(scope, id);
    failOn(
      this,
      'InvalidAlarmBoard',
      mismatch('namePrefix', props.namePrefix, /^[a-z0-9-]{1,100}$/, '1 to 100 lower-case letters, digits and hyphens'),
    );
    this.owners = props.owners;
    this.namePrefix = props.namePrefix ?? generatedName(this, 100);
    this.encryptionKey = props.encryptionKey ?? this.createKey();
    for (const owner of this.owners.all()) {
      this.createTopic(owner, Severity.PAGE);
      this.createTopic(owner, Severity.TICKET);
    }
    attachRouter(this, this);
    this.owners.all().forEach((owner) => this.createUndeliveredAlarms(owner));
  }

  /**
   * Makes this board decide for every alarm in `scope`, whether it exists already or comes later, and makes an alarm without an
   * action there an error at synth.
   */
  public attachTo(scope: IConstruct): void {
    attachRouter(scope, this);
    scope.node.addValidation({ validate: () => alarmsWithoutAction(scope) });
  }

  /** Sends an alarm of your own to the owner of `layer`; its earlier actions are replaced. */
  public route(alarm: AlarmBase, layer: Layer, severity: Severity): void {
    routeAlarm(alarm, layer, severity);
  }

  /** The topic that carries alerts of `severity` to the owner of `layer`. */
  public topicFor(layer: Layer, severity: Severity): ITopic {
    return this.topics.get(topicKey(this.owners.of(layer), severity))!;
  }

  private createKey(): Key {
    return new Key(this, 'Key', { description: 'Alert topics', enableKeyRotation: true, removalPolicy: RemovalPolicy.DESTROY });
  }

  private createTopic(owner: Owner, severity: Severity): void {
    const topic = new Topic(this, topicKey(owner, severity), {
      topicName: physicalName([this.namePrefix, owner.team, severity], 256),
      displayName: `${owner.team} ${severity}`,
      masterKey: this.encryptionKey,
      enforceSSL: true,
    });
    PUBLISHERS.forEach((service) => topic.grantPublish(new ServicePrincipal(service)));
    (severity === Severity.PAGE ? owner.page : owner.ticket).forEach((destination) => topic.addSubscription(destination.bind()));
    this.topics.set(topicKey(owner, severity), topic);
  }

  /** Failed deliveries to a team are told to another one where there is one: its own topic is what does not work. */
  private createUndeliveredAlarms(owner: Owner): void {
    const watcher = this.owners.of(Layer.OBSERVABILITY) === owner ? Layer.INFRASTRUCTURE : Layer.OBSERVABILITY;
    for (const severity of [Severity.PAGE, Severity.TICKET]) {
      registerAlarm(this, `${topicKey(owner, severity)}-undelivered`, {
        alarmName: physicalName([this.namePrefix, owner.team, severity, 'undelivered'], 255),
        layer: watcher,
        severity: Severity.TICKET,
        summary: `Alerts to team ${owner.team} (${severity}) could not be delivered.`,
        firstAction: 'check the subscriptions of the topic and the policies of their queues.',
        runbook: 'alerts-undelivered',
        metric: new Metric({
          namespace: 'AWS/SNS',
          metricName: 'NumberOfNotificationsFailed',
          dimensionsMap: { TopicName: this.topics.get(topicKey(owner, severity))!.topicName },
          statistic: Stats.SUM,
          period: Duration.minutes(5),
        }),
        threshold: 1,
        evaluationPeriods: 1,
        treatMissingData: TreatMissingData.NOT_BREACHING,
      });
    }
  }
}

function topicKey(owner: Owner, severity: Severity): string {
  return `${owner.team}-${severity}`;
}
