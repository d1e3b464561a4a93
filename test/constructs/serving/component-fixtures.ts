import { Duration, Size, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { Bucket, IBucket } from 'aws-cdk-lib/aws-s3';
import {
  AdapterComponent,
  AdapterComponentProps,
  ComponentEndpoint,
  ComponentEndpointProps,
  InferenceComponent,
  InferenceComponentProps,
  InstanceType,
  MeasuredCapacity,
  Slo,
} from '../../../lib/constructs/serving';
import { InferenceImage, ModelSource } from '../../../lib/constructs/models';
import { CAPACITY, folder } from './fixtures';

/** A part of a template, whose shape the test knows. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any
export type Shape = any;

export const slo = Slo.latency({ percentile: 99, below: Duration.seconds(10) });
export const gpuImage = InferenceImage.djlLmi('0.36.0-lmi18.0.0');

/** A bucket that several components of a test may name. */
const bucketOf = (stack: Stack) =>
  (stack.node.tryFindChild('Bucket') as IBucket | undefined) ?? Bucket.fromBucketName(stack, 'Bucket', 'my-models');

export const gpuTarball = (stack: Stack, key = 'models/chat/1/model.tar.gz') =>
  ModelSource.fromTarball(bucketOf(stack), key, { image: gpuImage });

export const shared = (stack: Stack, props: Partial<ComponentEndpointProps> = {}): ComponentEndpoint =>
  new ComponentEndpoint(stack, 'Shared', {
    endpointName: 'flights-dev-shared',
    instance: InstanceType.ML_G5_12XLARGE,
    maxInstances: 2,
    ...props,
  });

/** A component with the fewest properties and whatever the test adds. */
export const component = (endpoint: ComponentEndpoint, props: Partial<InferenceComponentProps> = {}, id = 'Chat'): InferenceComponent =>
  new InferenceComponent(endpoint.stack, id, {
    endpoint,
    model: props.model ?? gpuTarball(endpoint.stack),
    compute: { minMemory: Size.gibibytes(16), accelerators: 1 },
    slo,
    componentName: 'flights-dev-chat',
    ...props,
  });

export const adapter = (base: InferenceComponent, props: Partial<AdapterComponentProps> = {}): AdapterComponent =>
  new AdapterComponent(base.stack, 'Tone', {
    base,
    bucket: bucketOf(base.stack),
    key: 'tone/1/adapter.tar.gz',
    slo,
    componentName: 'flights-dev-tone',
    ...props,
  });

/** Measured under the conditions of `component()`. */
export const capacity = (over: object = {}): MeasuredCapacity => {
  const content = {
    ...CAPACITY,
    model: 'chat',
    instance: 'ml.g5.12xlarge',
    image: gpuImage.label,
    latencyBelowMs: 10_000,
    requestsPerSecondPerInstance: 5,
    ...over,
  };
  return MeasuredCapacity.fromFile(`${folder({ 'c.json': JSON.stringify(content) })}/c.json`);
};

export const resources = (template: Template, type: string): Shape[] => Object.values(template.findResources(`AWS::${type}`));

/** Statements of the policies that are attached to the role below the construct with this id. */
export const statementsOf = (template: Template, owner: string): Shape[] =>
  resources(template, 'IAM::Policy')
    .filter(({ Properties }) => JSON.stringify(Properties.Roles).includes(`"${owner}`))
    .flatMap(({ Properties }) => Properties.PolicyDocument.Statement);

export const warningsOf = (construct: { readonly node: { readonly metadata: { type: string; data?: unknown }[] } }): string[] =>
  construct.node.metadata.filter(({ type }) => type === 'aws:cdk:warning').map(({ data }) => data as string);
