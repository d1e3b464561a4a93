import { ArnFormat, Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { ITable, StreamViewType, Table } from 'aws-cdk-lib/aws-dynamodb';
import { EventField, Rule, RuleTargetInput } from 'aws-cdk-lib/aws-events';
import { LambdaFunction } from 'aws-cdk-lib/aws-events-targets';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { IFunction } from 'aws-cdk-lib/aws-lambda';
import { Queue, QueueEncryption } from 'aws-cdk-lib/aws-sqs';
import { DefinitionBody, IStateMachine, StateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { EVENT_SOURCE, EventType } from '../integration/contract';
import { isDeadLetterQueue } from '../shared/acknowledgements';
import { failOn } from '../shared/checks';
import { keyedTable } from '../shared/keyed-table';
import { EventRule } from '../shared/lost-events';
import { physicalName } from '../shared/names';
import { tracedMachine } from '../shared/state-machine';
import { DELIVERY_METRIC, namesOf, PipelineSettings, RegistrationSettings, RUNS, TrainingTrigger } from './contract';
import { registerTrainingAlarms, trainingMetric } from './training-alarms';
import { pipelineProblems } from './training-checks';
import { ownPrograms, stageCode, TrainingCode } from './training-code';
import { TrainingFunctions, trainingFunctions } from './training-functions';
import { TrainingPipelineProps } from './training-pipeline-props';
import { jobRole, machineRole } from './training-roles';
import { trainingStates } from './training-states';

/** Time for preparing and for evaluating, each. */
const STEP = Duration.hours(2);

/**
 * Trains a model, judges the candidate and registers it for approval: prepare, train, evaluate, gate, register.
 *
 * A run starts for a new dataset version, for drift, on a schedule or by hand. One run per dataset version, code and parameters: starting
 * it again costs nothing. How it ends is recorded, announced on the bus and, when it failed, told to the owner of delivery.
 */
export class TrainingPipeline extends Construct {
  /** Runs, one row each, and how many started per day. */
  public readonly runs: ITable;
  /** Starts a run: invoke it with `{"trigger": "hand"}`, and `datasetId` or `parameters` if they are not the newest and the usual. */
  public readonly trigger: IFunction;
  /** The machine that executes runs. Start them by `trigger`: only it gives each run its row. */
  public readonly stateMachine: IStateMachine;
  private readonly name: string;
  private readonly undelivered: Queue;

  constructor(scope: Construct, id: string, props: TrainingPipelineProps) {
    super(scope, id);
    failOn(this, 'InvalidTrainingPipeline', [...pipelineProblems(props), ...props.image._problems(this)]);
    this.name = namesOf(props.namePrefix, props.model).group;
    this.undelivered = this.createQueue();
    this.runs = this.createTable(props.removalPolicy ?? RemovalPolicy.RETAIN);
    const code = stageCode(this, props.code, props.programs ?? ownPrograms(), props.features ?? []);
    const machineName = physicalName([this.name, 'training'], 80);
    const settings = this.settings(props, code);
    const role = jobRole(this, { ...props, code });
    props.image._bind(this, role);
    const functions = trainingFunctions(this, {
      ...{ pipeline: props, settings, code, runs: this.runs, undelivered: this.undelivered },
      rules: props.gate._rules(
        props.slo?.latencyBelow?.toMilliseconds(),
        props.signature?.inputs.map(({ name }) => name),
      ),
      machineArn: this.machineArn(machineName),
    });
    this.trigger = functions.trigger;
    this.stateMachine = this.createMachine(props, { machineName, code, role, functions, jobPrefix: settings.jobPrefix });
    const rules = [...this.createTriggers(props), this.createRepair(functions.record, machineName)];
    registerTrainingAlarms(this, { ...functions, rules, name: this.name, undelivered: this.undelivered });
  }

  /** Lets `grantee` start runs. */
  public grantStart(grantee: IGrantable): Grant {
    return this.trigger.grantInvoke(grantee);
  }

  /** Runs that failed. Count, sum over five minutes. */
  public metricFailed(): Metric {
    return trainingMetric(this.name, DELIVERY_METRIC.trainingFailed);
  }

  /** Candidates that the gate refused. Count, sum over five minutes. */
  public metricRefused(): Metric {
    return trainingMetric(this.name, DELIVERY_METRIC.candidateRefused);
  }

  /** Versions that were registered. Count, sum over five minutes. */
  public metricRegistered(): Metric {
    return trainingMetric(this.name, DELIVERY_METRIC.registered);
  }

  private settings(props: TrainingPipelineProps, code: TrainingCode): PipelineSettings {
    return {
      prefix: props.namePrefix,
      model: props.model,
      dataset: props.dataset,
      manifests: props.catalog.manifests.bucketName,
      codeRevision: code.revision,
      codeUri: code.codeUri,
      program: props.program ?? 'train.py',
      parameters: { ...props.parameters },
      featuresSha256: code.features?.sha256,
      maximumRunsPerDay: props.maximumRunsPerDay ?? 4,
      bucket: props.artifacts.bucket.bucketName,
      // A job's name has 63 characters; run, attempt and step need 28 of them.
      jobPrefix: physicalName([this.name], 35),
      evaluateUri: code.evaluate.uri,
    };
  }

  private registration({ artifacts, image, owner, purpose, intendedUses, limits }: TrainingPipelineProps): RegistrationSettings {
    const card = { owner, purpose, intendedUses, limits };
    return { group: this.name, bucket: artifacts.bucket.bucketName, environment: { ...image._environment }, card };
  }

  private createMachine(props: TrainingPipelineProps, parts: MachineParts): StateMachine {
    const { machineName, code, role, functions, jobPrefix } = parts;
    const timeout = props.timeout ?? Duration.hours(4);
    const wait = props.maximumWait ?? Duration.seconds(2 * timeout.toSeconds());
    const { trigger, gate, registrar, record } = functions;
    const executor = machineRole(this, { jobRole: role, jobPrefix, functions: [trigger, gate, registrar, record] });
    const states = trainingStates({
      image: props.image._resolvable(this, executor)!,
      registration: this.registration(props),
      ...{ jobRoleArn: role.roleArn, prepare: code.prepare, evaluate: code.evaluate, features: code.features },
      trainingInstance: props.trainingInstance.name,
      servingInstance: props.servingInstance.name,
      volumeGiB: props.volumeSize?.toGibibytes() ?? 30,
      stepSeconds: STEP.toSeconds(),
      trainingSeconds: timeout.toSeconds(),
      waitSeconds: (props.spot ?? true) ? wait.toSeconds() : undefined,
      ...{ triggerArn: trigger.functionArn, gateArn: gate.functionArn, registrarArn: registrar.functionArn, recordArn: record.functionArn },
    });
    return tracedMachine(this, 'Resource', 'MachineLogs', {
      stateMachineName: machineName,
      definitionBody: DefinitionBody.fromString(Stack.of(this).toJsonString(states)),
      role: executor,
    });
  }

  private createTriggers(props: TrainingPipelineProps): EventRule[] {
    const { bus, dataset, model, schedule } = props;
    const on = (id: string, detailType: EventType, detail: Record<string, string[]>, input: object): EventRule => {
      const ruleName = physicalName([this.name, id], 64);
      new Rule(this, id, {
        ruleName,
        eventBus: bus,
        description: `${detailType} starts training of ${model}`,
        eventPattern: { source: [EVENT_SOURCE], detailType: [detailType], detail },
        targets: [this.target(this.trigger, RuleTargetInput.fromObject(input))],
      });
      return { ruleName, busName: bus.eventBusName };
    };
    const onDataset = on(
      'OnDataset',
      EventType.DATASET_PUBLISHED,
      { dataset: [dataset] },
      { trigger: TrainingTrigger.DATASET, datasetId: EventField.fromPath('$.detail.id') },
    );
    const onDrift = on('OnDrift', EventType.DRIFT_DETECTED, { model: [model] }, { trigger: TrainingTrigger.DRIFT });
    if (schedule === undefined) {
      return [onDataset, onDrift];
    }
    const input = RuleTargetInput.fromObject({ trigger: TrainingTrigger.SCHEDULE });
    const targets = [this.target(this.trigger, input)];
    return [onDataset, onDrift, new Rule(this, 'OnSchedule', { schedule, description: `Starts training of ${model}`, targets })];
  }

  /** The machine records its own failures; this hears of those that it could not: aborted, timed out, or failed while recording. */
  private createRepair(record: IFunction, machineName: string): Rule {
    return new Rule(this, 'OnEnd', {
      description: `Records training runs of ${this.name} that ended without a record`,
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: { stateMachineArn: [this.machineArn(machineName)], status: ['FAILED', 'TIMED_OUT', 'ABORTED'] },
      },
      targets: [this.target(record)],
    });
  }

  private target(fn: IFunction, event?: RuleTargetInput): LambdaFunction {
    return new LambdaFunction(fn, { event, deadLetterQueue: this.undelivered, retryAttempts: 185 });
  }

  /** A literal: the trigger knows the machine, and the machine the trigger. */
  private machineArn(machineName: string): string {
    const arnFormat = ArnFormat.COLON_RESOURCE_NAME;
    return Stack.of(this).formatArn({ service: 'states', resource: 'stateMachine', resourceName: machineName, arnFormat });
  }

  private createTable(removalPolicy: RemovalPolicy): Table {
    return keyedTable(this, 'Runs', {
      partitionKey: RUNS.key,
      stream: StreamViewType.NEW_IMAGE,
      deletionProtection: removalPolicy !== RemovalPolicy.DESTROY,
      removalPolicy,
    });
  }

  private createQueue(): Queue {
    const queue = new Queue(this, 'Undelivered', {
      encryption: QueueEncryption.SQS_MANAGED,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    isDeadLetterQueue(queue);
    return queue;
  }
}

interface MachineParts {
  readonly machineName: string;
  readonly code: TrainingCode;
  readonly role: ReturnType<typeof jobRole>;
  readonly functions: TrainingFunctions;
  readonly jobPrefix: string;
}
