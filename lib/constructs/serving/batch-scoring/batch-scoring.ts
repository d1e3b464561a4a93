import { Duration, Stack } from 'aws-cdk-lib';
import { CompositeAlarm, MathExpression, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Connections, IConnectable, ISecurityGroup } from 'aws-cdk-lib/aws-ec2';
import { EventBus, IEventBus } from 'aws-cdk-lib/aws-events';
import { Grant, IGrantable, IPrincipal, Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Schedule, ScheduleExpression } from 'aws-cdk-lib/aws-scheduler';
import { StepFunctionsStartExecution } from 'aws-cdk-lib/aws-scheduler-targets';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { DefinitionBody, IStateMachine, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { allowRead } from '../../data/grants';
import { isDeadLetterQueue } from '../../shared/acknowledgements';
import { failOn } from '../../shared/checks';
import { generatedName, physicalName } from '../../shared/names';
import { tracedMachine } from '../../shared/state-machine';
import { createHostedModel, createSecurityGroups } from '../endpoint/endpoint-host';
import { ofTransforms, recordNeed } from '../quota/quota-manifest';
import { containerRole, machineRole } from './batch-roles';
import { createUnhealthy, failedRuns, runTime } from './batch-scoring-alarms';
import { batchProblems, warn } from './batch-scoring-checks';
import { BatchScoringProps } from './batch-scoring-props';
import { BatchSettings, settingsOf } from './batch-settings';
import { batchStates } from './batch-states';

/**
 * Scores every object below a prefix of Amazon S3 with one model: a state machine with one transform job
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/batch-transform.html).
 *
 * Each run writes into a folder of its own. One object that fails makes the run fail, and only a run of which everything is scored is announced
 * on the bus, as `Batch Scoring Completed` with `scoring`, `run`, `startedAt`, `input`, `output` and `model`: read what an event names, not what lies there.
 */
export class BatchScoring extends Construct implements IConnectable, IGrantable {
  /** Name of the scoring: a literal. */
  public readonly scoringName: string;
  /** The machine that executes runs. */
  public readonly stateMachine: IStateMachine;
  /** Role of the containers. */
  public readonly role: Role;
  /** In ALARM when a run failed, was late or did not start: the one alarm that pages. */
  public readonly unhealthyAlarm: CompositeAlarm;
  private readonly settings: BatchSettings;
  private readonly securityGroups: ISecurityGroup[];

  constructor(scope: Construct, id: string, props: BatchScoringProps) {
    super(scope, id);
    this.scoringName = props.scoringName ?? generatedName(this);
    this.settings = settingsOf(props, this.scoringName);
    failOn(this, 'InvalidBatchScoring', batchProblems(this, props, this.settings));
    warn(this, props);

    this.securityGroups = createSecurityGroups(this, this.scoringName, props);
    this.role = containerRole(this, props, this.settings);
    const modelName = this.createModel(props);
    const bus = props.bus ?? EventBus.fromEventBusName(this, 'Bus', 'default');
    this.stateMachine = this.createMachine(props, bus, modelName);
    recordNeed(this, {
      name: this.scoringName,
      quotas: [ofTransforms(props.instance.name)],
      most: this.settings.instanceCount,
      update: 0,
    });
    const notStarted = props.schedule && this.createSchedule(props.schedule);
    this.unhealthyAlarm = createUnhealthy(this, { name: this.scoringName, slo: props.slo, machine: this.stateMachine, notStarted });
  }

  /** The principal that containers act as. */
  public get grantPrincipal(): IPrincipal {
    return this.role;
  }

  /** The security groups of the containers; an error when they are in no VPC. */
  public get connections(): Connections {
    if (this.securityGroups.length === 0) {
      throw new Error(`InvalidBatchScoring: only a scoring with 'vpc' has connections [at ${this.node.path}]`);
    }
    return new Connections({ securityGroups: this.securityGroups });
  }

  /** Lets `grantee` start runs. */
  public grantStart(grantee: IGrantable): Grant {
    return Grant.addToPrincipal({ grantee, actions: ['states:StartExecution'], resourceArns: [this.stateMachine.stateMachineArn] });
  }

  /** Lets `grantee` read the scores of all runs. */
  public grantReadOutput(grantee: IGrantable): Grant {
    const { bucket, prefix } = this.settings.output;
    return allowRead(grantee, bucket, `${prefix}/*`);
  }

  /** Runs that failed, timed out or were aborted. Count, sum over five minutes. */
  public metricFailed(): MathExpression {
    return failedRuns(this.stateMachine);
  }

  /** Time that runs took. Milliseconds, largest value of five minutes. */
  public metricTime(): Metric {
    return runTime(this.stateMachine);
  }

  /** The name of the model; undefined where each run makes one of the version that is approved then. */
  private createModel(props: BatchScoringProps): string | undefined {
    const { model } = props;
    if (model._registry !== undefined) {
      model.image._bind(this, this.role);
      model._registry.grantReadVersions(this.role);
      return undefined;
    }
    return createHostedModel(this, props, this.settings, this.role, this.securityGroups).attrModelName;
  }

  private createMachine(props: BatchScoringProps, bus: IEventBus, modelName: string | undefined): StateMachine {
    const role = machineRole(this, { settings: this.settings, containers: this.role, bus, registry: props.model._registry });
    const states = batchStates(this, {
      ...{ props, settings: this.settings, modelName, busName: bus.eventBusName },
      roleArn: this.role.roleArn,
      securityGroupIds: this.securityGroups.map(({ securityGroupId }) => securityGroupId),
    });
    const machine = tracedMachine(this, 'Resource', 'MachineLogs', {
      stateMachineName: physicalName([this.scoringName, 'scoring'], 80),
      definitionBody: DefinitionBody.fromString(Stack.of(this).toJsonString(states)),
      role,
    });
    // A run needs what its containers may do, which nothing in the definition refers to.
    machine.node.addDependency(this.role);
    return machine;
  }

  /** Starts runs; a start that fails for an hour lies in the queue that is returned. */
  private createSchedule(schedule: ScheduleExpression): Queue {
    const queue = new Queue(this, 'NotStartedRuns', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    isDeadLetterQueue(queue);
    const role = new Role(this, 'ScheduleRole', {
      description: `Starts runs of batch scoring ${this.scoringName}`,
      assumedBy: new ServicePrincipal('scheduler.amazonaws.com', {
        conditions: { StringEquals: { 'aws:SourceAccount': Stack.of(this).account } },
      }),
    });
    const target = new StepFunctionsStartExecution(this.stateMachine, { role, deadLetterQueue: queue, maxEventAge: Duration.hours(1) });
    new Schedule(this, 'Schedule', { schedule, target, description: `Starts batch scoring ${this.scoringName}` });
    return queue;
  }
}
