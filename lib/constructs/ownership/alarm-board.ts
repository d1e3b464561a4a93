import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { AlarmBase, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { IKey, Key } from 'aws-cdk-lib/aws-kms';
import { ITopic, Topic } from 'aws-cdk-lib/aws-sns';
import { Construct, IConstruct } from 'constructs';
import { failOn, mismatch, unknownAtSynth } from '../shared/checks';
import { generatedName, physicalName } from '../shared/names';
import { alarmsWithoutAction, attachRouter, routeAlarm } from './alarm-routing';
import { registerAlarm } from './alarms';
import { Layer, Severity } from './layer';
import { Owner, Owners } from './owner';

/**
 * Services that publish alerts, each for this account alone. `Topic.grantPublish` also lets them use the topic's key; without that an alarm
 * fires and nobody hears (https://docs.aws.amazon.com/sns/latest/dg/sns-key-management.html). A rule of Amazon EventBridge that targets a
 * topic brings its own grant, which must not have this condition.
 */
const PUBLISHERS = ['cloudwatch.amazonaws.com', 'budgets.amazonaws.com'];

/** Properties of an `AlarmBoard`. */
export interface AlarmBoardProps {
  /** Who answers for which layer. */
  readonly owners: Owners;
  /**
   * Start of the names of topics and alarms: 1 to 100 lower-case letters, digits and hyphens, known at synth.
   *
   * @default - generated from the construct path
   */
  readonly namePrefix?: string;
  /**
   * Key that encrypts the topics. An imported one must let Amazon CloudWatch and AWS Budgets use `kms:Decrypt` and `kms:GenerateDataKey*`;
   * the policy of one that this app makes is extended.
   *
   * @default - a new key
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
    failOn(this, 'InvalidAlarmBoard', [
      ...unknownAtSynth('namePrefix', props.namePrefix),
      ...mismatch('namePrefix', props.namePrefix, /^[a-z0-9-]{1,100}$/, '1 to 100 lower-case letters, digits and hyphens'),
    ]);
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
    const conditions = { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } };
    PUBLISHERS.forEach((service) => topic.grantPublish(new ServicePrincipal(service, { conditions })));
    (severity === Severity.PAGE ? owner.page : owner.ticket).forEach((destination) => topic.addSubscription(destination.bind()));
    this.topics.set(topicKey(owner, severity), topic);
  }

  /** Failed deliveries to a team are told to another one where there is one: its own topic is what does not work. */
  private createUndeliveredAlarms(owner: Owner): void {
    for (const severity of [Severity.PAGE, Severity.TICKET]) {
      const alarm = registerAlarm(this, `${topicKey(owner, severity)}-undelivered`, {
        alarmName: physicalName([this.namePrefix, owner.team, severity, 'undelivered'], 255),
        layer: Layer.OBSERVABILITY,
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
      routeAlarm(alarm, this.watcherOf(owner), Severity.TICKET);
    }
  }

  /** A layer of another team: that of observability first, then whichever there is. */
  private watcherOf(owner: Owner): Layer {
    const layers = [Layer.OBSERVABILITY, Layer.INFRASTRUCTURE, ...Object.values(Layer)];
    return layers.find((layer) => this.owners.of(layer) !== owner) ?? Layer.OBSERVABILITY;
  }
}

function topicKey(owner: Owner, severity: Severity): string {
  return `${owner.team}-${severity}`;
}
