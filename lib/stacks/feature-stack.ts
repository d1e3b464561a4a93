import { CfnOutput, CrossStackReferences, Duration, ReferenceStrength, RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { featuresOf } from '../config/feature-rules';
import { BlueprintConfig } from '../config/schema';
import { FeatureStore } from '../constructs/data';
import { Layer } from '../constructs/ownership';
import { WorkloadStack } from './workload-stack';

/** Online values of features. It stands apart because the API reads them and the data stack, which hears of the API's bus, writes them. */
export class FeatureStack extends WorkloadStack {
  public readonly store: FeatureStore;

  constructor(scope: Construct, id: string, config: BlueprintConfig) {
    super(scope, id, config, Layer.DATA);
    const { featureKeepDays, deleteDataWithStack } = config.data;
    this.store = new FeatureStore(this, 'Store', {
      features: featuresOf(config),
      keep: Duration.days(featureKeepDays),
      removalPolicy: deleteDataWithStack ? RemovalPolicy.DESTROY : RemovalPolicy.RETAIN,
    });
    CrossStackReferences.of(this.store.table).produce(ReferenceStrength.STRONG);
    new CfnOutput(this, 'FeatureTable', { value: this.store.table.tableName });
  }
}
