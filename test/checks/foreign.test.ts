import * as alpha from '@aws-cdk/aws-sagemaker-alpha';
import { App, Stack } from 'aws-cdk-lib';
import { CfnScalableTarget } from 'aws-cdk-lib/aws-applicationautoscaling';
import { Alarm, Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { Repository } from 'aws-cdk-lib/aws-ecr';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import { CfnEndpoint, CfnEndpointConfig, CfnModel } from 'aws-cdk-lib/aws-sagemaker';
import { found } from './apps';

describe('AiWorkloadChecks on apps that are not ours [C1]', () => {
  test('finds in an endpoint of @aws-cdk/aws-sagemaker-alpha what its defaults leave', () => {
    const app = new App();
    const stack = new Stack(app, 'Shop');
    const image = alpha.ContainerImage.fromEcrRepository(Repository.fromRepositoryName(stack, 'Images', 'delay'));
    const modelData = alpha.ModelData.fromBucket(Bucket.fromBucketName(stack, 'Models', 'models'), 'delay/model.tar.gz');
    const model = new alpha.Model(stack, 'Model', { containers: [{ image, modelData }] });
    const variant = { model, variantName: 'AllTraffic', instanceType: alpha.InstanceType.M5_LARGE };
    const endpointConfig = new alpha.EndpointConfig(stack, 'Config', { instanceProductionVariants: [variant] });
    const endpoint = new alpha.Endpoint(stack, 'Endpoint', { endpointConfig });
    const count = endpoint.findInstanceProductionVariant('AllTraffic').autoScaleInstanceCount({ maxCapacity: 4 });
    count.scaleOnInvocations('Load', { maxRequestsPerSecond: 40 });
    app.synth();
    expect(found(app)).toEqual([
      'DeploymentWithoutRollback',
      'EndpointWithoutAlarm',
      'EndpointWithoutCapture',
      'EndpointWithoutOwner',
      'ModelImageMutable',
      'ModelReachesInternet',
      'ModelRoleFullAccess[AmazonSageMakerFullAccess]',
      'ScaledCountReset',
    ]);
  });

  test('finds in plain L1s, as tutorials write them, each mistake where it is', () => {
    const app = new App();
    const stack = new Stack(app, 'Shop');
    const model = new CfnModel(stack, 'Model', {
      modelName: 'llm',
      executionRoleArn: 'arn:aws:iam::111122223333:role/sagemaker',
      primaryContainer: { image: '763104351884.dkr.ecr.us-east-1.amazonaws.com/djl-inference:0.33.0-lmi15.0.0-cu128' },
    });
    const config = new CfnEndpointConfig(stack, 'Config', {
      kmsKeyId: 'alias/models',
      productionVariants: [{ variantName: 'v', modelName: model.attrModelName, instanceType: 'ml.g5.xlarge', initialInstanceCount: 1 }],
    });
    const endpoint = new CfnEndpoint(stack, 'Endpoint', { endpointName: 'llm', endpointConfigName: config.attrEndpointConfigName });
    new CfnScalableTarget(stack, 'Target', {
      serviceNamespace: 'sagemaker',
      scalableDimension: 'sagemaker:variant:DesiredInstanceCount',
      resourceId: 'endpoint/llm/variant/v',
      minCapacity: 0,
      maxCapacity: 2,
    });
    const metric = new Metric({
      namespace: 'AWS/SageMaker',
      metricName: 'ModelLatency',
      dimensionsMap: { EndpointName: endpoint.ref, VariantName: 'v' },
    });
    new Alarm(stack, 'Slow', { metric, threshold: 500, evaluationPeriods: 1 });
    app.synth();
    expect(found(app)).toEqual([
      'AlarmWithoutAction',
      'DeploymentWithoutRollback',
      'DimensionIsArn',
      'EndpointWithoutCapture',
      'EndpointWithoutOwner',
      'KeyWithLocalStorage',
      'LatencyInMilliseconds',
      'ModelReachesInternet',
      'NamedModelCannotChange',
      'RealTimeScalesToZero',
      'ScaledCountReset',
      'ScalingWithoutEffect[no-policy]',
      'TargetBeforeEndpoint',
    ]);
  });
});
