import { Duration } from 'aws-cdk-lib';
import { ComparisonOperator, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { IRule } from 'aws-cdk-lib/aws-events';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { AlarmSpec, registerAlarm, registerCompositeAlarm } from '../../ownership/alarms';
import { Layer, Severity } from '../../ownership/layer';
import { lostEvents } from '../../shared/lost-events';
import { physicalName } from '../../shared/names';
import { failedExecutions } from '../../shared/operation-machine';
import type { DataContract } from '../data-contract/data-contract';
import { INTAKE_SECONDS } from './contract';
import { latencyOf } from './data-intake-functions';
import { DataIntakeMetrics } from './data-intake-metrics';

/** @internal */
export interface IntakeAlarmsProps {
  readonly intakeName: string;
  readonly contract: DataContract;
  readonly metrics: DataIntakeMetrics;
  /** Brings the events of new files. */
  readonly arrivals: IRule;
  readonly validator: Lambda;
  /** Absent when the contract does not let files be split. */
  readonly splitting?: IStateMachine;
  readonly janitor: Lambda;
  /** What a person lets the intake do. */
  readonly operations: IStateMachine;
  /** Changes of the ledger that could not be recorded or announced. */
  readonly lostChanges: IQueue;
}

/** The alarms of an intake: what hinders it, what senders did wrong, and the limits of the contract. @internal */
export function registerIntakeAlarms(scope: Construct, props: IntakeAlarmsProps): void {
  registerStuck(scope, props);
  registerSenders(scope, props);
  registerLimits(scope, props);
  registerHelpers(scope, props);
  registerSplitting(scope, props);
  registerOperations(scope, props);
}

type Rest = Omit<AlarmSpec, 'alarmName' | 'layer' | 'severity' | 'evaluationPeriods' | 'treatMissingData'> & Partial<AlarmSpec>;

/** A ticket on one period; silence is no news unless said otherwise. */
function ticket({ intakeName }: IntakeAlarmsProps, name: string, rest: Rest): AlarmSpec {
  return {
    alarmName: physicalName([intakeName, name], 255),
    layer: Layer.DATA,
    severity: Severity.TICKET,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
    ...rest,
  };
}

/** Files do not get through. Its causes follow from each other, so one alarm speaks for all. */
function registerStuck(scope: Construct, props: IntakeAlarmsProps): void {
  const { contract, metrics, arrivals, validator } = props;
  const wait = latencyOf(contract).toSeconds();
  const cause = (id: string, name: string, rest: Omit<Rest, 'runbook'>) =>
    registerAlarm(scope, id, ticket(props, name, { ...rest, runbook: 'files-stuck', silent: true }));
  const causes = [
    cause('DeadLettersAlarm', 'dead-letters', {
      summary: `A file of ${contract.dataset} could not be validated in 5 attempts or within ${INTAKE_SECONDS.settled / 60} minutes, or its event could not be delivered.`,
      firstAction: 'read the message and search the log of the validator for its key.',
      metric: metrics.deadLetters(),
      threshold: 1,
    }),
    cause('EventsLostAlarm', 'events-lost', {
      summary: `Events of new files of ${contract.dataset} could be delivered neither to its queue nor to its dead letters.`,
      firstAction: 'see whether both queues exist and let Amazon EventBridge in.',
      metric: lostEvents(arrivals),
      threshold: 1,
    }),
    cause('WaitingAlarm', 'files-waiting', {
      summary: `A file of ${contract.dataset} has waited ${wait / 60} minutes for its validation.`,
      firstAction: 'see whether the validator runs, fails or is throttled.',
      metric: metrics.ageOfOldestMessage(),
      threshold: wait,
    }),
    cause('UnaccountedAlarm', 'files-unaccounted', {
      summary: `A file of ${contract.dataset} is neither accounted for nor rejected ${wait / 60} minutes after it arrived.`,
      firstAction: 'look its key up in the ledger.',
      metric: metrics.filesUnaccounted(),
      threshold: 1,
    }),
    cause('CrashingAlarm', 'validator-crashing', {
      summary: `The validator of ${contract.dataset} crashes or runs out of time.`,
      firstAction: 'read the last lines of its log.',
      metric: validator.metricErrors({ statistic: Stats.SUM, period: Duration.minutes(15) }),
      threshold: 3,
    }),
  ];
  registerCompositeAlarm(scope, 'StuckAlarm', {
    alarmName: physicalName([props.intakeName, 'files-stuck'], 255),
    layer: Layer.DATA,
    severity: Severity.PAGE,
    summary: `Files of ${contract.dataset} do not get through: what they bring is in no dataset.`,
    firstAction: 'see which of its child alarms is in ALARM.',
    runbook: 'files-stuck',
    anyOf: causes,
  });
}

function registerSenders(scope: Construct, props: IntakeAlarmsProps): void {
  const { contract, metrics } = props;
  registerAlarm(
    scope,
    'RejectedAlarm',
    ticket(props, 'files-rejected', {
      summary: `A file of ${contract.dataset} was refused as a whole.`,
      firstAction: 'read its reason in the ledger or in its File Rejected event, and tell the sender.',
      runbook: 'file-rejected',
      metric: metrics.filesRejected(),
      threshold: 1,
    }),
  );
}

/** Limits that the contract states itself; how long a file may wait is with what keeps files from getting through. */
function registerLimits(scope: Construct, props: IntakeAlarmsProps): void {
  registerQuarantineLimit(scope, props);
  registerFreshness(scope, props);
  registerThroughput(scope, props);
}

function registerQuarantineLimit(scope: Construct, props: IntakeAlarmsProps): void {
  const { dataset, maxQuarantinePercent } = props.contract;
  if (maxQuarantinePercent !== undefined) {
    registerAlarm(
      scope,
      'QuarantineAlarm',
      ticket(props, 'quarantine-high', {
        summary: `More than ${maxQuarantinePercent} % of the records in a file of ${dataset} went to quarantine.`,
        firstAction: 'see by which rule: the counts are in the ledger and in the File Accounted event.',
        runbook: 'quarantine-high',
        metric: props.metrics.quarantinePercent(),
        threshold: maxQuarantinePercent,
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
      }),
    );
  }
}

function registerFreshness(scope: Construct, props: IntakeAlarmsProps): void {
  const { dataset, freshness } = props.contract;
  if (freshness !== undefined) {
    const hours = freshness.toHours({ integral: false });
    registerAlarm(
      scope,
      'LateAlarm',
      ticket(props, 'data-late', {
        summary: `No file has brought records of ${dataset} for more than ${hours} hours.`,
        firstAction: 'see whether files arrive in the raw zone; if not, ask the sender.',
        runbook: 'data-late',
        metric: props.metrics.hoursSinceFile({ period: Duration.minutes(15) }),
        threshold: hours,
        comparisonOperator: ComparisonOperator.GREATER_THAN_THRESHOLD,
        // The janitor measures it: while that is silent, nothing is known to have changed.
        treatMissingData: TreatMissingData.IGNORE,
      }),
    );
  }
}

/** What the ledger accounts for, and not the sums of a metric: a file that is sent twice counts once, and a new intake is not short at once. */
function registerThroughput(scope: Construct, props: IntakeAlarmsProps): void {
  const { dataset, minimumRows, minimumRowsPeriod } = props.contract;
  if (minimumRows === undefined) {
    return;
  }
  registerAlarm(
    scope,
    'VolumeAlarm',
    ticket(props, 'volume-low', {
      summary: `Fewer than ${minimumRows} valid records of ${dataset} came in the last ${minimumRowsPeriod!.toHours()} hours.`,
      firstAction: 'see whether files are missing, short, or in quarantine.',
      runbook: 'volume-low',
      metric: props.metrics.validRowsOfPeriod({ period: Duration.minutes(15) }),
      threshold: minimumRows,
      comparisonOperator: ComparisonOperator.LESS_THAN_THRESHOLD,
      // The janitor measures it: while that is silent, nothing is known to have changed.
      treatMissingData: TreatMissingData.IGNORE,
    }),
  );
}

function registerHelpers(scope: Construct, props: IntakeAlarmsProps): void {
  const { contract, janitor, lostChanges } = props;
  registerAlarm(
    scope,
    'UnrecordedAlarm',
    ticket(props, 'changes-lost', {
      summary: `Files of ${contract.dataset} became final, but their commit record or their event is missing.`,
      firstAction: 'read the message: it names the range of the stream; then the log of the recorder for the error.',
      runbook: 'changes-lost',
      metric: lostChanges.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: Duration.minutes(5) }),
      threshold: 1,
    }),
  );
  registerAlarm(
    scope,
    'JanitorAlarm',
    ticket(props, 'janitor-failing', {
      summary: `The janitor of ${contract.dataset} fails: lost events are not made up for, and lateness is not measured.`,
      firstAction: 'read the log of the function for the error.',
      runbook: 'janitor-failing',
      metric: janitor.metricErrors({ statistic: Stats.SUM, period: Duration.minutes(15) }),
      threshold: 2,
    }),
  );
}

/** The janitor sends the file again when the lease of the failed attempt has lapsed. */
function registerSplitting(scope: Construct, props: IntakeAlarmsProps): void {
  const { contract, splitting } = props;
  if (splitting === undefined) {
    return;
  }
  registerAlarm(
    scope,
    'SplittingAlarm',
    ticket(props, 'splitting-failed', {
      summary: `A large file of ${contract.dataset} could not be validated in ranges.`,
      firstAction: 'read the cause of the failed execution.',
      runbook: 'splitting-failed',
      metric: failedExecutions(splitting),
      threshold: 1,
    }),
  );
}

/** Somebody has asked, and perhaps gone home. */
function registerOperations(scope: Construct, props: IntakeAlarmsProps): void {
  const { contract, operations } = props;
  registerAlarm(
    scope,
    'OperationsAlarm',
    ticket(props, 'operation-failed', {
      summary: `What a person asked of the intake of ${contract.dataset} was not completed.`,
      firstAction: 'read the report of the failed execution, or its cause.',
      runbook: 'operation-failed',
      metric: failedExecutions(operations),
      threshold: 1,
    }),
  );
}
