import { CfnOutput, Duration } from 'aws-cdk-lib';
import { StringParameter } from 'aws-cdk-lib/aws-ssm';
import { Construct } from 'constructs';
import { BlueprintConfig } from '../config/schema';
import { FeatureStore } from '../constructs/data';
import { InferenceApi, ModelSignature, PredictionBus } from '../constructs/integration';
import { Layer } from '../constructs/ownership';
import { WorkloadStack } from './workload-stack';

export interface IntegrationStackProps {
  /** What signatures name as features. Undefined: no model takes any. */
  readonly features?: FeatureStore;
}

/** How the workload is reached: one API for all models with its prediction books, and the event bus. */
export class IntegrationStack extends WorkloadStack {
  public readonly bus: PredictionBus;
  public readonly api: InferenceApi;
  /** Moved by a replay of recorded data; undefined where time is real. */
  public readonly clockParameter?: StringParameter;

  constructor(scope: Construct, id: string, config: BlueprintConfig, { features }: IntegrationStackProps = {}) {
    super(scope, id, config, Layer.INTEGRATION);
    const { prefix, removalPolicy } = this;
    this.clockParameter = config.clock === 'replay' ? this.createClock(config) : undefined;
    this.bus = new PredictionBus(this, 'Bus', { busName: prefix });
    this.api = new InferenceApi(this, 'Api', {
      apiName: prefix,
      endpointPrefix: `${prefix}-`,
      bus: this.bus.bus,
      decisionOutput: config.objective?.decisionOutput,
      decisionLeadTime: Duration.minutes(config.objective?.decisionLeadMinutes ?? 0),
      labelWindow: Duration.hours(config.labelWindowHours),
      signatures: signaturesOf(config),
      features,
      featureTimeout: Duration.millis(config.data.featureTimeoutMs),
      clockParameter: this.clockParameter,
      removalPolicy,
    });
    new CfnOutput(this, 'ApiUrl', { value: this.api.url });
    new CfnOutput(this, 'PredictionsTable', { value: this.api.books.predictions.tableName });
    new CfnOutput(this, 'EventBusName', { value: this.bus.busName });
  }

  private createClock({ workload, stage }: BlueprintConfig): StringParameter {
    const parameterName = `/${workload}/${stage}/clock`;
    new CfnOutput(this, 'ClockParameter', { value: parameterName });
    return new StringParameter(this, 'Clock', {
      parameterName,
      stringValue: 'real',
      description: 'Workload clock: real, or replay(<ISO 8601 time>) while recorded data is replayed',
    });
  }
}

const signaturesOf = ({ endpoints }: BlueprintConfig): Record<string, ModelSignature> =>
  Object.fromEntries(Object.entries(endpoints).flatMap(([name, { signature }]) => (signature === undefined ? [] : [[name, signature]])));
