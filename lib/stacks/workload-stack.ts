import { RemovalPolicy, Stack, Tags } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { BlueprintConfig } from '../config/schema';
import { Layer } from '../constructs/ownership';
import { physicalName } from '../constructs/shared/names';

/** A stack of one layer: named `<workload>-<stage>-<id>`, tagged with its owner, protected from deletion in prod. */
export abstract class WorkloadStack extends Stack {
  /** Starts every physical name of the workload in this stage. */
  protected readonly prefix: string;
  /** What happens to state when it leaves the stack: in prod it is kept. */
  protected readonly removalPolicy: RemovalPolicy;

  constructor(scope: Construct, id: string, config: BlueprintConfig, layer: Layer) {
    const production = config.stage === 'prod';
    super(scope, id, {
      stackName: physicalName([config.workload, config.stage, id], 128),
      description: `${config.workload} ${config.stage}: ${id}, owned by ${config.owners[layer]}`,
      env: { account: config.account, region: config.region },
      terminationProtection: production,
    });
    this.prefix = physicalName([config.workload, config.stage]);
    this.removalPolicy = production ? RemovalPolicy.RETAIN : RemovalPolicy.DESTROY;
    Object.entries({ workload: this.prefix, stage: config.stage, layer, owner: config.owners[layer] }).forEach(([key, value]) =>
      Tags.of(this).add(key, value),
    );
  }
}
