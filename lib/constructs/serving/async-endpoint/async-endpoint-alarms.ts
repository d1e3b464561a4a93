import { Duration } from 'aws-cdk-lib';
import { Alarm, CompositeAlarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { AlarmSpec, registerAlarm, registerCompositeAlarm } from '../../ownership/alarms';
import { Layer, Severity } from '../../ownership/layer';
import { AsyncEndpointMetrics } from './async-endpoint-metrics';
import { AsyncSettings, failureWindow, startSeconds } from './async-settings';

/** The literal names of an endpoint's alarms: rollback lists, composites and policies name them. @internal */
export function alarmNames(endpointName: string) {
  const name = (what: string) => `${endpointName}-${what}`;
  return {
    errors: name('errors'),
    late: name('late'),
    noCapacity: name('no-capacity'),
    uploads: name('uploads'),
    notifications: name('notifications'),
    rollbackErrors: name('rollback-errors'),
    unhealthy: name('unhealthy'),
  };
}

/** So many failures in a window are no accident; the error topic tells of one. */
const FEWEST_FAILURES = 2;
const MINUTE = Duration.minutes(1);

/** Makes the alarms of one asynchronous endpoint. @internal */
export class AsyncEndpointAlarms {
  private readonly names: ReturnType<typeof alarmNames>;

  constructor(
    private readonly scope: Construct,
    private readonly endpointName: string,
    private readonly settings: AsyncSettings,
    private readonly metrics: AsyncEndpointMetrics,
  ) {
    this.names = alarmNames(endpointName);
  }

  /** One alarm that pages the owner, whichever of its causes it is. */
  public createUnhealthy(): CompositeAlarm {
    return registerCompositeAlarm(this.scope, 'Unhealthy', {
      ...this.identity,
      alarmName: this.names.unhealthy,
      summary: `Endpoint ${this.endpointName} fails its users: failures, late or lost answers, or no instance.`,
      firstAction: 'see which of its child alarms is in ALARM.',
      runbook: 'async-endpoint-unhealthy',
      anyOf: [this.createErrors(), this.createLate(), this.createNoCapacity(), this.createUploads(), this.createNotifications()],
    });
  }

  /** On the fleet of one configuration: an alarm of the old fleet must not stop the deployment that repairs it. */
  public createRollback(endpointConfigName: string): Alarm {
    const period = failureWindow(this.settings);
    return this.createSilent('RollbackErrors', {
      alarmName: this.names.rollbackErrors,
      summary: `The new fleet of endpoint ${this.endpointName} answers with errors.`,
      firstAction: `read the log group /aws/sagemaker/Endpoints/${this.endpointName}.`,
      runbook: 'async-endpoint-errors',
      metric: this.metrics._serverErrorRateOf(endpointConfigName, FEWEST_FAILURES, { period }),
      threshold: this.errorThreshold,
      evaluationPeriods: 1,
    });
  }

  private get identity() {
    return { layer: Layer.SERVING, severity: Severity.PAGE };
  }

  /** Ten times the error budget, at least 5 % and at most half. */
  private get errorThreshold(): number {
    return Number(Math.min(0.5, Math.max(0.05, 10 * this.settings.slo._errorBudget)).toPrecision(3));
  }

  private createErrors(): Alarm {
    return this.createSilent('Errors', {
      alarmName: this.names.errors,
      summary: `Invocations of endpoint ${this.endpointName} fail.`,
      firstAction: `read the log group /aws/sagemaker/Endpoints/${this.endpointName}.`,
      runbook: 'async-endpoint-errors',
      metric: this.metrics._failureRateAbove(FEWEST_FAILURES, { period: failureWindow(this.settings) }),
      threshold: this.errorThreshold,
      evaluationPeriods: 1,
    });
  }

  private createLate(): Alarm {
    const { within } = this.settings.slo;
    return this.createSilent('Late', {
      alarmName: this.names.late,
      summary: `An invocation of endpoint ${this.endpointName} has waited longer than the ${within.toHumanString()} that are promised.`,
      firstAction: 'compare the backlog with the number of instances and their maximum.',
      runbook: 'async-endpoint-late',
      metric: this.metrics.oldestRequestAge({ period: MINUTE }),
      threshold: within.toSeconds(),
      evaluationPeriods: 2,
    });
  }

  /** A start that lasts longer than SageMaker waits for one is none: the account's quota is used up, or the container does not start. */
  private createNoCapacity(): Alarm {
    const minutes = Math.ceil(startSeconds(this.settings) / 60);
    return this.createSilent('NoCapacity', {
      alarmName: this.names.noCapacity,
      summary: `Invocations of endpoint ${this.endpointName} wait and no instance has come for ${minutes} minutes.`,
      firstAction: `see the scaling activities of the endpoint and the quota of ${this.settings.instance.name}.`,
      runbook: 'async-endpoint-no-capacity',
      metric: this.metrics.backlogWithoutCapacity({ period: MINUTE }),
      threshold: 1,
      evaluationPeriods: minutes,
    });
  }

  private createUploads(): Alarm {
    return this.createSilent('Uploads', {
      alarmName: this.names.uploads,
      summary: `Answers of endpoint ${this.endpointName} could not be written and are lost.`,
      firstAction: 'check the bucket, its key and the execution role.',
      runbook: 'async-endpoint-uploads',
      metric: this.metrics.responseUploadFailures({ period: Duration.minutes(5) }),
      threshold: 1,
      evaluationPeriods: 1,
    });
  }

  private createNotifications(): Alarm {
    return this.createSilent('Notifications', {
      alarmName: this.names.notifications,
      summary: `Nobody was told of answers or failures of endpoint ${this.endpointName}.`,
      firstAction: 'check the topics, their key and the execution role.',
      runbook: 'async-endpoint-notifications',
      metric: this.metrics.notificationFailures({ period: Duration.minutes(5) }),
      threshold: 1,
      evaluationPeriods: 1,
    });
  }

  private createSilent(
    id: string,
    spec: Pick<AlarmSpec, 'alarmName' | 'summary' | 'firstAction' | 'runbook' | 'metric' | 'threshold' | 'evaluationPeriods'>,
  ): Alarm {
    return registerAlarm(this.scope, id, { ...this.identity, ...spec, treatMissingData: TreatMissingData.NOT_BREACHING, silent: true });
  }
}
