import { Duration } from 'aws-cdk-lib';
import { Alarm, TreatMissingData } from 'aws-cdk-lib/aws-cloudwatch';
import { Construct } from 'constructs';
import { AlarmSpec, registerAlarm } from '../../ownership/alarms';
import { Severity } from '../../ownership/layer';
import { SloAlarms, sloAlarmNames } from '../endpoint/slo-alarms';
import { Slo } from '../slo';
import { ServerlessEndpointMetrics } from './serverless-endpoint-metrics';
import { ServerlessSettings } from './serverless-settings';

/** The literal names of an endpoint's alarms: rollback lists and composites name them. @internal */
export function alarmNames(endpointName: string) {
  const name = (what: string) => `${endpointName}-${what}`;
  return {
    ...sloAlarmNames(endpointName),
    coldStarts: name('cold-starts'),
    saturated: name('saturated'),
    rollbackErrors: name('rollback-errors'),
    rollbackLatency: name('rollback-latency'),
  };
}

/** Names of the alarms that undo a deployment. @internal */
export function rollbackAlarmNames(endpointName: string, slo: Slo): string[] {
  const { rollbackErrors, rollbackLatency } = alarmNames(endpointName);
  return slo.latencyBelow === undefined ? [rollbackErrors] : [rollbackErrors, rollbackLatency];
}

/** Makes the alarms of one serverless endpoint. @internal */
export class ServerlessAlarms extends SloAlarms {
  private readonly names: ReturnType<typeof alarmNames>;

  constructor(
    scope: Construct,
    private readonly endpointName: string,
    private readonly serverless: ServerlessSettings,
    private readonly metrics: ServerlessEndpointMetrics,
  ) {
    const subject = {
      kind: 'endpoint',
      name: endpointName,
      logGroupName: `/aws/sagemaker/Endpoints/${endpointName}`,
      latencyAction: 'compare memory in use with the memory that there is: processors come with memory.',
    } as const;
    super(scope, subject, serverless, metrics);
    this.names = alarmNames(endpointName);
  }

  /** Alarms on one configuration: an alarm of the old one must not stop the deployment that repairs it. */
  public createRollback(endpointConfigName: string): Alarm[] {
    const fleet = this.metrics._ofConfig(endpointConfigName);
    const errors = this.createErrors('RollbackErrors', this.names.rollbackErrors, fleet);
    const latency = this.createLatency('RollbackLatency', this.names.rollbackLatency, fleet);
    return latency === undefined ? [errors] : [errors, latency];
  }

  /**
   * A slow cold start is no incident, one in every other quarter of an hour is a property of the endpoint. The largest overhead, because a few
   * cold starts vanish in the average of many requests.
   */
  public createColdStarts(): void {
    const { coldStartBelow } = this.serverless;
    this.createTicket('ColdStarts', {
      alarmName: this.names.coldStarts,
      summary: `Requests to endpoint ${this.endpointName} wait longer than ${coldStartBelow.toHumanString()} for SageMaker, cold starts included.`,
      firstAction: 'compare with ModelSetupTime, the part of it that a cold start takes.',
      runbook: 'serverless-cold-starts',
      metric: this.metrics.overheadLatency({ period: Duration.minutes(15) }),
      threshold: coldStartBelow.toMilliseconds({ integral: false }) * 1000,
      evaluationPeriods: 4,
      datapointsToAlarm: 2,
    });
  }

  /** SageMaker publishes nothing about requests that it throttled, so all that shows them is that everything is in use. */
  public createSaturated(): void {
    this.createTicket('Saturated', {
      alarmName: this.names.saturated,
      summary: `All concurrency of endpoint ${this.endpointName} has been in use for five minutes: further requests are throttled.`,
      firstAction: 'see whether more requests come or each takes longer.',
      runbook: 'serverless-saturated',
      metric: this.metrics.concurrencyUtilization({ period: Duration.minutes(1) }),
      threshold: 1,
      evaluationPeriods: 5,
    });
  }

  private createTicket(id: string, spec: Omit<AlarmSpec, 'layer' | 'severity' | 'treatMissingData'>): void {
    const { layer } = this.identity;
    registerAlarm(this.scope, id, { ...spec, layer, severity: Severity.TICKET, treatMissingData: TreatMissingData.NOT_BREACHING });
  }
}
