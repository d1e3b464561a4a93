import { Template } from '../assembly';
import { Check, Problem } from '../check';
import { asList, literal, numeric, ofType, possible, waitsFor } from '../template';
import { named, written } from '../text';
import { scaledEndpoint } from './scaling';
import { rolloutProblems } from './rollouts';

/* eslint-disable @typescript-eslint/no-explicit-any -- properties of a template */

/** Families whose storage is local NVMe, which no KMS key encrypts (SageMaker API reference, CreateEndpointConfig). */
const NVME = /^ml\.(g4dn|g5|g6|g6e|g7e?|p4de?|p5|p5en?|p6|trn1n?|trn2|[cmr]\d+g?d)(-|\.)/;
const SECONDS: [key: string, low: number, high: number][] = [
  ['ModelDataDownloadTimeoutInSeconds', 60, 3600],
  ['ContainerStartupHealthCheckTimeoutInSeconds', 60, 3600],
  ['VolumeSizeInGB', 1, 512],
];
const FREQUENCIES = [10, 30, 60, 120, 180, 240, 300];

/** Models, endpoint configurations and endpoints whose parts clash or are missing: green at synth, red at deployment. */
export const endpoints: Check = {
  name: 'endpoints',
  run: ({ template }) => [
    ...each(template, 'AWS::SageMaker::Model', modelProblems),
    ...each(template, 'AWS::SageMaker::EndpointConfig', configProblems),
    ...each(template, 'AWS::SageMaker::Endpoint', endpointProblems),
    ...each(template, 'AWS::SageMaker::InferenceComponent', componentProblems),
  ],
};

function each(
  template: Template,
  type: string,
  problems: (properties: Record<string, any>, template: Template, id: string) => string[],
): Problem[] {
  return ofType(template, type).flatMap(([resource, { Properties }]) =>
    problems(Properties, template, resource).map((problem) => ({ resource, problem })),
  );
}

function modelProblems(model: Record<string, any>): string[] {
  const containers = [...asList(model.PrimaryContainer), ...asList(model.Containers)];
  const problems = containers.flatMap(containerProblems);
  if (containers.length === 0 && model.InferenceExecutionConfig === undefined) {
    problems.push('the model has neither PrimaryContainer nor Containers');
  }
  if (model.PrimaryContainer !== undefined && model.Containers !== undefined) {
    problems.push('PrimaryContainer and Containers exclude each other: put all into Containers');
  }
  if (containers.length > 15) {
    problems.push(`${containers.length} containers, at most 15`);
  }
  const named = containers.filter(({ ContainerHostname }) => ContainerHostname !== undefined).length;
  if (containers.length > 1 && named > 0 && named < containers.length) {
    problems.push('some containers have a ContainerHostname: give it to all or to none');
  }
  const hub = containers.some(({ Environment }) => /^[\w.-]+\/[\w.-]+$/.test(String(literal(Environment?.HF_MODEL_ID))));
  if (String(model.EnableNetworkIsolation) === 'true' && hub) {
    problems.push('network isolation is on but HF_MODEL_ID names a hub: the container has no network; put the weights into Amazon S3');
  }
  if (model.VpcConfig !== undefined && Array.isArray(model.VpcConfig.Subnets) && model.VpcConfig.Subnets.length < 2) {
    problems.push('VpcConfig has one subnet: SageMaker needs two Availability Zones');
  }
  return problems;
}

function containerProblems(container: Record<string, any>): string[] {
  const problems: string[] = [];
  const source = container.ModelDataSource?.S3DataSource;
  if (container.ModelDataUrl !== undefined && container.ModelDataSource !== undefined) {
    problems.push('ModelDataUrl and ModelDataSource exclude each other');
  }
  if (source?.S3DataType === 'S3Prefix' && typeof source.S3Uri === 'string' && !source.S3Uri.endsWith('/')) {
    problems.push(`S3Uri '${source.S3Uri}' is a prefix and must end with '/'`);
  }
  const url = literal(container.ModelDataUrl);
  if (url !== undefined && container.Mode !== 'MultiModel' && !String(url).endsWith('.tar.gz')) {
    problems.push(`ModelDataUrl '${url}' is no .tar.gz: SageMaker would not unpack it`);
  }
  if (
    container.Image === undefined &&
    container.ModelPackageName === undefined &&
    !Object.keys(container).some((key) => key.startsWith('Fn::'))
  ) {
    problems.push('a container has neither Image nor ModelPackageName: there is nothing to run');
  }
  if (container.Image !== undefined && container.ModelPackageName !== undefined) {
    problems.push('Image and ModelPackageName exclude each other: the package has its image');
  }
  if (container.ModelPackageName !== undefined && Object.keys(container.Environment ?? {}).length > 0) {
    problems.push('Environment beside ModelPackageName is refused: it belongs into the package');
  }
  if (/:latest$/.test(String(literal(container.Image)))) {
    problems.push(`image '${container.Image}' is mutable: use a version tag or a digest, or a scale-out mixes versions`);
  }
  if (Object.keys(container.Environment ?? {}).length > 100) {
    problems.push(`${Object.keys(container.Environment).length} environment variables, at most 100`);
  }
  return problems;
}

function configProblems(config: Record<string, any>): string[] {
  const variants = possible<any>(config.ProductionVariants);
  const shadowVariants = possible<any>(config.ShadowProductionVariants);
  const problems = variants.flatMap((variant) => variantProblems(variant, config));
  const names = [...variants, ...shadowVariants].map(({ VariantName }) => VariantName);
  if (new Set(names).size < names.length) {
    problems.push(`variant names are not unique: ${names.join(', ')}`);
  }
  const shadows = shadowVariants.length;
  if (shadows > 0 && (shadows !== 1 || variants.length !== 1)) {
    problems.push(`${variants.length} production and ${shadows} shadow variants: a shadow needs exactly one of each`);
  }
  const nvme = variants.filter(({ InstanceType }) => NVME.test(String(literal(InstanceType)))).length;
  if (config.KmsKeyId !== undefined && nvme > 0) {
    problems.push(
      'KmsKeyId with an instance type that has local NVMe storage: the key does not encrypt it and may be refused; leave it out or use another type',
    );
  }
  if (config.AsyncInferenceConfig !== undefined && config.AsyncInferenceConfig.OutputConfig?.S3OutputPath === undefined) {
    problems.push('AsyncInferenceConfig has no S3OutputPath: results would go nowhere');
  }
  if (String(config.EnableNetworkIsolation) === 'true' && variants.some(({ ModelName }) => ModelName !== undefined)) {
    problems.push('EnableNetworkIsolation of the configuration is for inference components: set it on the model');
  }
  const frequency = numeric(config.MetricsConfig?.MetricPublishFrequencyInSeconds);
  if (frequency !== undefined && !FREQUENCIES.includes(frequency)) {
    problems.push(`MetricPublishFrequencyInSeconds is ${frequency}: one of ${FREQUENCIES.join(', ')}`);
  }
  return [...problems, ...captureProblems(config.DataCaptureConfig)];
}

function captureProblems(capture: Record<string, any> | undefined): string[] {
  const modes = asList<any>(capture?.CaptureOptions).map(({ CaptureMode }) => CaptureMode);
  const odd = modes.filter((mode) => literal(mode) !== undefined && !['Input', 'Output', 'InputAndOutput'].includes(mode));
  return odd.map((mode) => `capture mode '${mode}' is none of Input, Output, InputAndOutput`);
}

function variantProblems(variant: Record<string, any>, config: Record<string, any>): string[] {
  const problems = SECONDS.map(([key, low, high]): [string, number | undefined, number, number] => [key, numeric(variant[key]), low, high])
    .filter(([, value, low, high]) => value !== undefined && (value < low || value > high))
    .map(([key, value, low, high]) => `${key} is ${value}: ${low} to ${high}`);
  const serverless = variant.ServerlessConfig;
  if (serverless !== undefined) {
    const memory = numeric(serverless.MemorySizeInMB);
    if (memory !== undefined && (memory % 1024 !== 0 || memory < 1024 || memory > 6144)) {
      problems.push(`MemorySizeInMB is ${memory}: 1024 to 6144 in steps of 1024`);
    }
    if ((numeric(serverless.ProvisionedConcurrency) ?? 0) > (numeric(serverless.MaxConcurrency) ?? Infinity)) {
      problems.push(`ProvisionedConcurrency is ${serverless.ProvisionedConcurrency}: at most MaxConcurrency, ${serverless.MaxConcurrency}`);
    }
    if (variant.InstanceType !== undefined || variant.InitialInstanceCount !== undefined) {
      problems.push('InstanceType or InitialInstanceCount beside ServerlessConfig');
    }
    if (config.DataCaptureConfig !== undefined || config.KmsKeyId !== undefined) {
      problems.push('a serverless variant has neither data capture nor a volume key');
    }
  } else if (variant.InstanceType === undefined && variant.InstancePools === undefined) {
    problems.push(`variant '${variant.VariantName}' has neither InstanceType nor ServerlessConfig`);
  }
  if (variant.ModelName === undefined && config.ExecutionRoleArn === undefined) {
    problems.push(`variant '${variant.VariantName}' has no ModelName and the configuration no ExecutionRoleArn`);
  }
  if (variant.ModelName !== undefined && variant.ManagedInstanceScaling?.Status === 'ENABLED') {
    problems.push('ManagedInstanceScaling is for inference components: a variant with a ModelName scales by a scalable target');
  }
  return problems;
}

function endpointProblems(endpoint: Record<string, any>, template: Template, id: string): string[] {
  const problems: string[] = [];
  const name = literal(endpoint.EndpointName);
  if (name !== undefined && name !== String(name).toLowerCase()) {
    problems.push(`EndpointName '${name}' has capitals: its ARN is lower case, so policies that name it as written deny`);
  }
  const deployment = endpoint.DeploymentConfig ?? {};
  if (deployment.BlueGreenUpdatePolicy !== undefined && deployment.RollingUpdatePolicy !== undefined) {
    problems.push('BlueGreenUpdatePolicy and RollingUpdatePolicy exclude each other');
  }
  if (asList(endpoint.ExcludeRetainedVariantProperties).length > 0 && String(endpoint.RetainAllVariantProperties) !== 'true') {
    problems.push('ExcludeRetainedVariantProperties means nothing without RetainAllVariantProperties');
  }
  if (scaled(id, template) && String(endpoint.RetainAllVariantProperties) !== 'true') {
    problems.push('the endpoint scales but RetainAllVariantProperties is not true: each deployment resets the instance count');
  }
  const needed = asList<any>(deployment.AutoRollbackConfiguration?.Alarms).map((alarm) =>
    named(written(alarm?.AlarmName), 'AWS::CloudWatch::Alarm', 'AlarmName', template),
  );
  for (const alarm of needed) {
    if (alarm !== undefined && !waitsFor(template, id, alarm)) {
      problems.push(`it rolls back on alarm '${alarm}' but does not depend on it: the alarm may not exist when the endpoint is made`);
    }
  }
  return [...problems, ...rolloutProblems(deployment)];
}

/** Provisioned concurrency is none of the properties that an update can retain: https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_VariantProperty.html */
function scaled(id: string, template: Template): boolean {
  return ofType(template, 'AWS::ApplicationAutoScaling::ScalableTarget').some(
    ([, { Properties }]) =>
      Properties.ScalableDimension !== 'sagemaker:variant:DesiredProvisionedConcurrency' &&
      scaledEndpoint(Properties.ResourceId, template)?.endpoint === id,
  );
}

function componentProblems(component: Record<string, any>, template: Template, id: string): string[] {
  const problems: string[] = [];
  const specification = component.Specification ?? {};
  const needs = specification.ComputeResourceRequirements;
  if (needs !== undefined && (numeric(needs.MinMemoryRequiredInMb) ?? 128) < 128) {
    problems.push(`MinMemoryRequiredInMb is ${needs.MinMemoryRequiredInMb}: at least 128`);
  }
  if (needs !== undefined && needs.MinMemoryRequiredInMb === undefined) {
    problems.push('ComputeResourceRequirements has no MinMemoryRequiredInMb');
  }
  if ((numeric(component.RuntimeConfig?.CopyCount) ?? 1) < 1) {
    problems.push('CopyCount is 0: a component starts with at least one copy');
  }
  const endpoint = named(written(component.EndpointName), 'AWS::SageMaker::Endpoint', 'EndpointName', template);
  if (endpoint !== undefined && !waitsFor(template, id, endpoint)) {
    problems.push(`it does not depend on endpoint '${endpoint}': it would be made first and deleted last`);
  }
  return problems;
}
