import { ApplicationAutoScalingClient } from '@aws-sdk/client-application-auto-scaling';
import { DescribeModelCommand, DescribeModelPackageCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';

export interface EndpointClients {
  readonly registry: Pick<SageMakerClient, 'send'>;
  readonly scaling: Pick<ApplicationAutoScalingClient, 'send'>;
}

/** What a capacity file says of the model. */
export interface ModelFacts {
  /** Version in its registry, or the model's name. */
  readonly model: string;
  /** Name and tag, without registry. */
  readonly image: string;
}

/** A model of a package names its image there. */
export async function modelOf({ registry }: EndpointClients, name: string): Promise<ModelFacts> {
  const { PrimaryContainer, Containers = [] } = await registry.send(new DescribeModelCommand({ ModelName: name }));
  const container = PrimaryContainer ?? Containers[0];
  const version = container?.ModelPackageName;
  if (version === undefined) {
    return { model: name, image: labelOf(container?.Image) };
  }
  const { InferenceSpecification } = await registry.send(new DescribeModelPackageCommand({ ModelPackageName: version }));
  return {
    model: version.split('model-package/').at(-1)!,
    image: labelOf(container?.Image ?? InferenceSpecification?.Containers?.[0]?.Image),
  };
}

/** What `InferenceImage.label` calls an image: its address without the registry. */
export const labelOf = (image = 'unknown'): string => image.replace(/^[^/]*\.[^/]*\//, '');
