import { Duration, RemovalPolicy, Size, Stack } from 'aws-cdk-lib';
import { ITable, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { EventField, IEventBus, Match, Rule, RuleTargetInput, Schedule } from 'aws-cdk-lib/aws-events';
import { LambdaFunction, SfnStateMachine } from 'aws-cdk-lib/aws-events-targets';
import { IRole } from 'aws-cdk-lib/aws-iam';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { IStateMachine, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { isDeadLetterQueue, withoutPolicyFindings } from '../shared/acknowledgements';
import { failOn, mismatch, outsideRange, unknownAmount, unknownAtSynth } from '../shared/checks';
import { handlerFunction } from '../shared/handler-function';
import { keyedTable } from '../shared/keyed-table';
import { followChanges } from '../shared/table-follower';
import { acknowledgeSteps, tracedMachine } from '../shared/state-machine';
import { DELIVERY_ENV, RELEASES } from './contract';
import { registerReleaseAlarms } from './model-release-alarms';
import { createReleaseJanitor } from './model-release-janitor';
import { grantMachine, releaseRole } from './model-release-roles';
import { releaseStates } from './model-release-states';

/** Properties of a `ModelRelease`. */
export interface ModelReleaseProps {
  /**
   * `<workload>-<stage>`: start of the names of model package groups, endpoints and serving stacks. 1 to 39 lower-case letters, digits and
   * single hyphens, known at synth.
   */
  readonly namePrefix: string;
  /** Bus that hears `Model Released` and `Model Release Failed`. */
  readonly bus: IEventBus;
  /** Bucket of the artefacts. A version whose artefact lies elsewhere, or below the name of another model, is refused. */
  readonly artifacts: IBucket;
  /**
   * Repositories of the images that may serve, as an image's URI names them without tag and digest:
   * `<account>.dkr.ecr.<region>.amazonaws.com/<repository>`. A version with another image is refused. At least one.
   */
  readonly imageRepositories: string[];
  /**
   * How often every model is looked at, in case that an event was lost. 10 minutes to 1 day.
   *
   * @default Duration.hours(1)
   */
  readonly reconcileEvery?: Duration;
  /**
   * How long a stack or an endpoint may take before a person is called. 10 minutes to 8 hours: longer than the update takes with the largest
   * fleet (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_BlueGreenUpdatePolicy.html names 8 hours as the longest).
   *
   * @default Duration.hours(2)
   */
  readonly maxDuration?: Duration;
  /**
   * What happens to the release table when it leaves the stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/** A pause between two looks; longer where the whole would not fit into 25,000 events, of which a look makes up to 12. */
const PAUSE_SECONDS = 15;
const LOOKS = 1800;

/**
 * Releases approved versions of all models of a workload: it brings the version that serves in line with the newest approved one, verifies
 * it, and goes back when that fails. It may be woken at any time, by anything, and killed after any step.
 */
export class ModelRelease extends Construct {
  /** One row per release, mark and lease; see `docs/runbooks/delivery.md`. */
  public readonly table: ITable;
  /** Wake it with `{"model": "<name>"}`. */
  public readonly stateMachine: IStateMachine;
  /** Role that AWS CloudFormation uses for a release. */
  public readonly releaseRole: IRole;
  /** Starts the names of what it releases. @internal */
  public readonly _namePrefix: string;
  private readonly undelivered: Queue;

  constructor(scope: Construct, id: string, props: ModelReleaseProps) {
    super(scope, id);
    failOn(this, 'InvalidModelRelease', problemsOf(props));
    const { namePrefix } = props;
    this._namePrefix = namePrefix;
    const table = this.createTable(props.removalPolicy ?? RemovalPolicy.RETAIN);
    const release = releaseRole(this, 'ReleaseRole', namePrefix);
    const maximumWait = props.maxDuration ?? Duration.hours(2);
    this.table = table;
    this.releaseRole = release;
    this.undelivered = this.createQueue('Undelivered');
    const unannounced = this.createQueue('Unannounced');
    const machineArn = Stack.of(this).formatArn({ service: 'states', resource: `stateMachine:${namePrefix}-release` });
    const executionArns = Stack.of(this).formatArn({ service: 'states', resource: `execution:${namePrefix}-release:*` });
    const steps = this.createSteps(props, { machineArn, roleArn: release.roleArn, maximumWait });
    grantMachine(steps, { prefix: namePrefix, table, release, stateMachineArn: machineArn, executionArns });
    const machine = this.createMachine(namePrefix, steps, maximumWait);
    this.stateMachine = machine;
    const rules = this.createWakes(namePrefix, machine, steps, { machineArn, every: props.reconcileEvery ?? Duration.hours(1) });
    this.createAnnouncer(table, props.bus, unannounced);
    const { janitor, rule } = createReleaseJanitor(this, namePrefix, this.undelivered);
    registerReleaseAlarms(this, {
      ...{ prefix: namePrefix, machine, janitor, rules: [...rules, rule] },
      ...{ undelivered: this.undelivered, unannounced },
    });
  }

  private createTable(removalPolicy: RemovalPolicy): Table {
    return keyedTable(this, 'Releases', {
      partitionKey: RELEASES.key,
      sortKey: RELEASES.sort,
      stream: StreamViewType.NEW_AND_OLD_IMAGES,
      deletionProtection: removalPolicy !== RemovalPolicy.DESTROY,
      removalPolicy,
    });
  }

  private createQueue(id: string): Queue {
    const queue = new Queue(this, id, { encryption: QueueEncryption.SQS_MANAGED, enforceSSL: true, retentionPeriod: Duration.days(14) });
    isDeadLetterQueue(queue);
    return queue;
  }

  private createSteps(props: ModelReleaseProps, given: { machineArn: string; roleArn: string; maximumWait: Duration }): Lambda {
    return handlerFunction(this, 'Steps', {
      handler: 'model-release',
      description: 'Steps of the release machine',
      timeout: Duration.seconds(60),
      memory: Size.mebibytes(512),
      environment: {
        [DELIVERY_ENV.prefix]: props.namePrefix,
        [DELIVERY_ENV.releases]: this.table.tableName,
        [DELIVERY_ENV.releaseRole]: given.roleArn,
        [DELIVERY_ENV.stateMachine]: given.machineArn,
        [DELIVERY_ENV.artifacts]: props.artifacts.bucketName,
        [DELIVERY_ENV.images]: Stack.of(this).toJsonString(props.imageRepositories),
        [DELIVERY_ENV.maximumWait]: String(given.maximumWait.toSeconds()),
      },
    });
  }

  private createMachine(prefix: string, steps: Lambda, maximumWait: Duration): StateMachine {
    const timeout = maximumWait.plus(Duration.hours(1));
    const pause = Duration.seconds(Math.max(PAUSE_SECONDS, Math.ceil(timeout.toSeconds() / LOOKS)));
    const machine = tracedMachine(this, 'Machine', 'MachineLogs', {
      stateMachineName: `${prefix}-release`,
      definitionBody: releaseStates(this, steps, pause),
      timeout,
    });
    acknowledgeSteps(machine, steps);
    return machine;
  }

  /** Approvals and rejections, the machine's own failures, and the clock. */
  private createWakes(prefix: string, machine: StateMachine, steps: Lambda, given: { machineArn: string; every: Duration }): Rule[] {
    const delivery = { deadLetterQueue: this.undelivered, retryAttempts: 20, maxEventAge: Duration.hours(2) };
    const approvals = new Rule(this, 'Approvals', {
      description: 'Wakes the release machine when the approval of a version changes',
      eventPattern: {
        source: ['aws.sagemaker'],
        detailType: ['SageMaker Model Package State Change'],
        detail: { ModelPackageGroupName: Match.prefix(`${prefix}-`) },
      },
      targets: [
        new SfnStateMachine(machine, {
          ...delivery,
          input: RuleTargetInput.fromObject({ group: EventField.fromPath('$.detail.ModelPackageGroupName') }),
        }),
      ],
    });
    const failures = new Rule(this, 'Failures', {
      description: 'Starts the work of a failed execution again',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { status: ['FAILED', 'TIMED_OUT', 'ABORTED'], stateMachineArn: [given.machineArn] },
      },
      targets: [
        new LambdaFunction(steps, {
          ...delivery,
          event: RuleTargetInput.fromObject({
            action: 'Revive',
            execution: EventField.fromPath('$.detail.executionArn'),
            input: EventField.fromPath('$.detail.input'),
          }),
        }),
      ],
    });
    const reconcile = new Rule(this, 'Reconcile', {
      description: 'Looks at every model, in case that an event was lost',
      schedule: Schedule.rate(given.every),
      targets: [
        new LambdaFunction(steps, { ...delivery, event: RuleTargetInput.fromObject({ action: 'WakeAll', id: EventField.eventId }) }),
      ],
    });
    return [approvals, failures, reconcile];
  }

  private createAnnouncer(table: Table, bus: IEventBus, unannounced: Queue): void {
    const announcer = handlerFunction(this, 'Announcer', {
      handler: 'release-events',
      description: 'Announces releases on the event bus',
      environment: { [DELIVERY_ENV.eventBus]: bus.eventBusName },
      timeout: Duration.seconds(30),
      memory: Size.mebibytes(256),
    });
    followChanges(announcer, table, unannounced);
    bus.grantPutEventsTo(announcer);
    withoutPolicyFindings(announcer);
  }
}

function problemsOf({ namePrefix, imageRepositories, reconcileEvery, maxDuration }: ModelReleaseProps): string[] {
  return [
    ...unknownAtSynth('namePrefix', namePrefix),
    ...mismatch('namePrefix', namePrefix, /^(?=.{1,39}$)[a-z0-9]+(-[a-z0-9]+)*$/, '1 to 39 lower-case letters, digits and single hyphens'),
    ...(imageRepositories.length === 0
      ? ["'imageRepositories' must name at least one repository, got none: no version could be released"]
      : []),
    ...unknownAmount('reconcileEvery', reconcileEvery),
    ...unknownAmount('maxDuration', maxDuration),
    ...((reconcileEvery?.isUnresolved() ?? true) ? [] : outsideRange('reconcileEvery in minutes', reconcileEvery!.toMinutes(), 10, 1440)),
    ...((maxDuration?.isUnresolved() ?? true) ? [] : outsideRange('maxDuration in minutes', maxDuration!.toMinutes(), 10, 480)),
  ];
}
