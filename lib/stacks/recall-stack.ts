import { CfnOutput } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { BlueprintConfig } from '../config/schema';
import { DatasetCatalog } from '../constructs/data';
import { DataRecall, ModelRelease } from '../constructs/delivery';
import { PredictionBooks } from '../constructs/integration';
import { Layer } from '../constructs/ownership';
import { WorkloadStack } from './workload-stack';

export interface RecallStackProps {
  readonly catalog: DatasetCatalog;
  readonly books: PredictionBooks;
  /** Undefined: no model is trained. */
  readonly release?: ModelRelease;
}

/** How data is taken out of use. It stands behind data, delivery and integration, because what it stops is in all of them. */
export class RecallStack extends WorkloadStack {
  constructor(scope: Construct, id: string, config: BlueprintConfig, props: RecallStackProps) {
    super(scope, id, config, Layer.DATA);
    const { machine } = new DataRecall(this, 'Recall', { ...props, recallName: this.prefix });
    new CfnOutput(this, 'RecallMachine', { value: machine.stateMachineArn });
  }
}
