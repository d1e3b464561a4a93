import { Duration } from 'aws-cdk-lib';
import { Alarm, CompositeAlarm, IMetric, MathExpression, Metric, Stats, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { IQueue } from 'aws-cdk-lib/aws-sqs';
import { IStateMachine } from 'aws-cdk-lib/aws-stepfunctions';
import { Construct } from 'constructs';
import { registerAlarm, registerCompositeAlarm } from '../../ownership/alarms';
import { Layer, Severity } from '../../ownership/layer';
import { LOG_GROUP } from './batch-roles';
import { BatchSlo } from './batch-slo';

/** @internal */
export interface BatchAlarmsProps {
  readonly name: string;
  readonly slo: BatchSlo;
  readonly machine: IStateMachine;
  /** Starts that a schedule could not make; absent without one. */
  readonly notStarted?: IQueue;
}

const PERIOD = Duration.minutes(5);
const IDENTITY = { layer: Layer.SERVING, severity: Severity.PAGE };

/** Runs that failed, timed out or were aborted. Count, sum over five minutes. @internal */
export function failedRuns(machine: IStateMachine): MathExpression {
  const options = { statistic: Stats.SUM, period: PERIOD };
  return new MathExpression({
    expression: 'FILL(failed, 0) + FILL(late, 0) + FILL(aborted, 0)',
    label: 'failed runs',
    period: PERIOD,
    usingMetrics: { failed: machine.metricFailed(options), late: machine.metricTimedOut(options), aborted: machine.metricAborted(options) },
  });
}

/** Time that runs took. Milliseconds, largest value of five minutes. @internal */
export const runTime = (machine: IStateMachine): Metric => machine.metricTime({ statistic: Stats.MAXIMUM, period: PERIOD });

interface Cause {
  readonly what: string;
  readonly runbook: string;
  readonly summary: string;
  readonly firstAction: string;
}

/** One alarm that pages the owner, whichever of its causes it is. @internal */
export function createUnhealthy(scope: Construct, { name, slo, machine, notStarted }: BatchAlarmsProps): CompositeAlarm {
  const cause = (id: string, metric: IMetric, threshold: number, texts: Cause) => createCause(scope, id, name, metric, threshold, texts);
  const causes = [
    cause('Failed', failedRuns(machine), 1, {
      what: 'failed',
      runbook: 'batch-failed',
      summary: `A run of batch scoring ${name} failed: nothing of it is published.`,
      firstAction: `read the cause of the execution, then the log group ${LOG_GROUP}.`,
    }),
    cause('Late', runTime(machine), slo.within.toMilliseconds(), {
      what: 'late',
      runbook: 'batch-late',
      summary: `A run of batch scoring ${name} took longer than the ${slo.within.toHumanString()} that are promised.`,
      firstAction: 'compare the size of its input with that of earlier runs.',
    }),
  ];
  if (notStarted !== undefined) {
    const waiting = notStarted.metricApproximateNumberOfMessagesVisible({ statistic: Stats.MAXIMUM, period: PERIOD });
    causes.push(
      cause('NotStarted', waiting, 1, {
        what: 'not-started',
        runbook: 'batch-not-started',
        summary: `The schedule of batch scoring ${name} could not start a run.`,
        firstAction: 'read the message of the queue: its attributes say why.',
      }),
    );
  }
  return registerCompositeAlarm(scope, 'Unhealthy', {
    ...IDENTITY,
    alarmName: `${name}-unhealthy`,
    summary: `Batch scoring ${name} fails its readers: a run failed, is late or did not start.`,
    firstAction: 'see which of its child alarms is in ALARM.',
    runbook: 'batch-unhealthy',
    anyOf: causes,
  });
}

function createCause(scope: Construct, id: string, name: string, metric: IMetric, threshold: number, { what, ...texts }: Cause): Alarm {
  return registerAlarm(scope, id, {
    ...IDENTITY,
    ...texts,
    alarmName: `${name}-${what}`,
    metric,
    threshold,
    evaluationPeriods: 1,
    treatMissingData: TreatMissingData.NOT_BREACHING,
    silent: true,
  });
}
