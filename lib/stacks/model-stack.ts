import { CfnOutput, Duration } from 'aws-cdk-lib';
import { IEventBus, Schedule } from 'aws-cdk-lib/aws-events';
import { Construct } from 'constructs';
import { BlueprintConfig, TrainingConfig } from '../config/schema';
import { DatasetCatalog, RollingAggregate } from '../constructs/data';
import { QualityGate, TrainingPipeline } from '../constructs/delivery';
import { ApprovedVersion, ModelArtifacts, ModelRegistry } from '../constructs/models';
import { Layer } from '../constructs/ownership';
import { InstanceType } from '../constructs/serving';
import { sloOf } from './capacity';
import { imageOf } from './images';
import { WorkloadStack } from './workload-stack';

export interface ModelStackProps {
  /** Route name of the model. */
  readonly name: string;
  readonly artifacts: ModelArtifacts;
  readonly catalog: DatasetCatalog;
  readonly bus: IEventBus;
  /** Features of the file: those that its signature names are in its training data. */
  readonly features?: RollingAggregate[];
}

/** One trained model: its registry, the pointer to its approved version, and its training. */
export class ModelStack extends WorkloadStack {
  constructor(scope: Construct, id: string, config: BlueprintConfig, { name, features = [], ...shared }: ModelStackProps) {
    super(scope, id, config, Layer.MODELS);
    const { model, instance, slo, signature } = config.endpoints[name];
    const training = model.training!;
    const identity = { namePrefix: this.prefix, model: name };
    const registry = new ModelRegistry(this, 'Registry', { ...identity, trustedAccounts: config.models.trustedAccounts });
    new ApprovedVersion(this, 'Approved', { ...identity, removalPolicy: this.removalPolicy });
    const pipeline = new TrainingPipeline(this, 'Training', {
      ...identity,
      ...{ registry, ...shared },
      dataset: training.dataset,
      code: training.code,
      image: imageOf(config.endpoints[name].image),
      trainingInstance: InstanceType.fromCatalogue(training.instance),
      servingInstance: InstanceType.fromCatalogue(instance),
      parameters: training.parameters,
      gate: gateOf(training),
      slo: sloOf(slo),
      signature,
      features: features.filter((feature) => signature?.inputs.some((input) => input.feature === feature.name)),
      spot: training.spot,
      maximumRunsPerDay: training.runsPerDay,
      schedule: training.everyDays === undefined ? undefined : Schedule.rate(Duration.days(training.everyDays)),
      owner: config.teams[config.owners[Layer.MODELS]].contact,
      purpose: training.purpose,
      intendedUses: training.intendedUses,
      limits: training.limits,
      removalPolicy: this.removalPolicy,
    });
    new CfnOutput(this, `${name}Registry`, { value: registry.groupName });
    new CfnOutput(this, `${name}TrainingTrigger`, { value: pipeline.trigger.functionName });
    new CfnOutput(this, `${name}TrainingMachine`, { value: pipeline.stateMachine.stateMachineArn });
    new CfnOutput(this, `${name}TrainingRuns`, { value: pipeline.runs.tableName });
  }
}

function gateOf({ gate }: TrainingConfig): QualityGate {
  const [lowestAuc, highestAuc] = gate.aucBand;
  const { margin, tolerance, calibrationGap, minimumRows } = gate;
  return QualityGate.averagePrecision({ lowestAuc, highestAuc, margin, tolerance, calibrationGap, minimumRows });
}
