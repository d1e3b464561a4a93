import { mkdirSync, writeFileSync } from 'node:fs';
import { Duration, Stack } from 'aws-cdk-lib';
import { DockerImageAsset, Platform } from 'aws-cdk-lib/aws-ecr-assets';
import { EventBus } from 'aws-cdk-lib/aws-events';
import { Role, ServicePrincipal } from 'aws-cdk-lib/aws-iam';
import { Bucket } from 'aws-cdk-lib/aws-s3';
import {
  AggregateFunction,
  AlertDestination,
  DataContract,
  DataIntake,
  DataZones,
  DatasetCatalog,
  InferenceApi,
  InferenceEndpoint,
  InferenceImage,
  InstanceType,
  MeasuredCapacity,
  ModelRelease,
  ModelSource,
  Owner,
  Owners,
  PredictionBooks,
  PredictionBus,
  EventTime,
  RollingAggregate,
  Slo,
} from '../../lib';

function owners(): Owners {
  const team = new Owner({ team: 'ml-platform', contact: '#ml', page: [AlertDestination.email('ml@example.com')] });
  return Owners.byLayer({
    data: team,
    models: team,
    serving: team,
    delivery: team,
    integration: team,
    observability: team,
    infrastructure: team,
    product: team,
  });
}

/** Values for `declare const name: Type` in documentation, by type; each makes what it needs in the given stack. */
export const FIXTURES: Readonly<Record<string, (stack: Stack) => unknown>> = {
  IGrantable: (stack) => new Role(stack, 'Grantee', { assumedBy: new ServicePrincipal('lambda.amazonaws.com') }),
  DockerImageAsset: (stack) => {
    mkdirSync('server', { recursive: true });
    writeFileSync('server/Dockerfile', 'FROM scratch\n');
    return new DockerImageAsset(stack, 'FixtureServer', { directory: 'server', platform: Platform.LINUX_AMD64 });
  },
  MeasuredCapacity: () => {
    const measured = {
      model: 'chat/1',
      instance: 'ml.g6e.xlarge',
      image: 'djl-inference:0.36.0-lmi28.0.0-cu130',
      requestsPerSecondPerInstance: 4,
      tokensPerRequest: 1366,
    };
    const rest = { version: 1, latencyPercentile: 99, latencyBelowMs: 20_000, measuredOn: '2026-05-31', tool: 'fixture' };
    writeFileSync('fixture-capacity.json', JSON.stringify({ ...measured, ...rest }));
    return MeasuredCapacity.fromFile('fixture-capacity.json');
  },
  DatasetCatalog: (stack) =>
    new DatasetCatalog(stack, 'FixtureCatalog', { zones: new DataZones(stack, 'FixtureZones'), catalogName: 'fixture' }),
  ModelRelease: (stack) =>
    new ModelRelease(stack, 'FixtureRelease', {
      namePrefix: 'fixture',
      bus: EventBus.fromEventBusName(stack, 'FixtureBus', 'fixture'),
      artifacts: Bucket.fromBucketName(stack, 'FixtureArtifacts', 'artifacts'),
      imageRepositories: ['111122223333.dkr.ecr.eu-central-1.amazonaws.com/scikit-learn'],
    }),
  PredictionBooks: (stack) =>
    new PredictionBooks(stack, 'FixtureBooks', {
      bus: EventBus.fromEventBusName(stack, 'FixtureBooksBus', 'fixture'),
      apiName: 'fixture',
    }),
  DataIntake: (stack) =>
    new DataIntake(stack, 'FixtureIntake', {
      zones: new DataZones(stack, 'FixtureZones'),
      contract: DataContract.fromFile('contracts/flights.odcs.yaml'),
    }),
  InferenceApi: (stack) => {
    const { bus } = new PredictionBus(stack, 'FixtureBus', { busName: 'fixture' });
    return new InferenceApi(stack, 'FixtureApi', { endpointPrefix: 'fixture-', apiName: 'fixture', bus });
  },
  InferenceEndpoint: (stack) =>
    new InferenceEndpoint(stack, 'FixtureEndpoint', {
      endpointName: 'fixture-delay',
      model: ModelSource.fromAsset('model/package', { image: InferenceImage.scikitLearn('1.4-2') }),
      instance: InstanceType.ML_M5_LARGE,
      slo: Slo.latency({ percentile: 99, below: Duration.millis(500) }),
    }),
  Owners: owners,
  RollingAggregate: () =>
    new RollingAggregate({
      name: 'origin_delay',
      contract: DataContract.fromFile('contracts/flights.odcs.yaml'),
      entity: ['origin'],
      function: AggregateFunction.COUNT,
      window: Duration.minutes(60),
      eventTime: EventTime.column('time_hour'),
      asOf: EventTime.column('time_hour'),
    }),
};
