import type { EndpointClients } from '../../../operations/measure/model';

type Command = { constructor: { name: string }; input: Record<string, string & string[]> };
type Fields = Record<string, unknown>;

/** The endpoint `air-dev-delay` as SageMaker describes it: one variant on one instance, version 3 of a model of the registry. */
export class FakeEndpoint {
  public status: string | undefined = 'InService';
  public configuration = 'first';
  public instances = 1;
  public desired?: number;
  public config: Fields = {};
  /** The component `chat-small`, where the variant hosts components. */
  public component: Fields = {
    ...{ EndpointName: 'air-dev-delay', InferenceComponentStatus: 'InService', Specification: { ModelName: 'model-a' } },
    RuntimeConfig: { CurrentCopyCount: 2, DesiredCopyCount: 2 },
  };
  public variant: Fields = { VariantName: 'main', ModelName: 'model-a', InstanceType: 'ml.m5.large' };
  public more: Fields[] = [];
  public container: Fields = { ModelPackageName: 'arn:aws:sagemaker:us-east-1:1:model-package/air-dev-delay/3' };
  /** Scalable targets, of the variant. */
  public targets: Fields[] = [];

  private readonly answers: Record<string, (input: Command['input']) => Fields> = {
    DescribeEndpointCommand: () => {
      if (this.status === undefined) {
        throw new Error('Could not find endpoint "air-dev-delay".');
      }
      const counts = { CurrentInstanceCount: this.instances, DesiredInstanceCount: this.desired ?? this.instances };
      const names = [this.variant, ...this.more].map(({ VariantName }) => VariantName);
      const variants = names.map((VariantName) => ({ VariantName, ...counts }));
      return {
        EndpointName: 'air-dev-delay',
        EndpointStatus: this.status,
        EndpointConfigName: this.configuration,
        ProductionVariants: variants,
      };
    },
    DescribeEndpointConfigCommand: ({ EndpointConfigName }) =>
      EndpointConfigName === this.configuration ? { ...this.config, ProductionVariants: [this.variant, ...this.more] } : {},
    DescribeModelCommand: ({ ModelName }) => (ModelName === 'model-a' ? { PrimaryContainer: this.container } : {}),
    DescribeInferenceComponentCommand: ({ InferenceComponentName }) => {
      if (InferenceComponentName !== 'chat-small') {
        throw new Error(`Could not find inference component "${InferenceComponentName}".`);
      }
      return this.component;
    },
    DescribeModelPackageCommand: ({ ModelPackageName }) => ({
      InferenceSpecification: {
        Containers: [
          {
            Image:
              ModelPackageName === this.container.ModelPackageName
                ? '683313688378.dkr.ecr.us-east-1.amazonaws.com/sagemaker-scikit-learn:1.4-2-cpu-py3'
                : 'another',
          },
        ],
      },
    }),
    DescribeScalableTargetsCommand: ({ ServiceNamespace, ResourceIds }) => {
      const [ResourceId] = ResourceIds;
      const dimensions: Record<string, string> = {
        'endpoint/air-dev-delay/variant/main': 'sagemaker:variant:DesiredInstanceCount',
        'inference-component/chat-small': 'sagemaker:inference-component:DesiredCopyCount',
      };
      const ScalableDimension = ServiceNamespace === 'sagemaker' ? dimensions[ResourceId] : undefined;
      const identity = { ResourceId, ScalableDimension };
      return { ScalableTargets: ScalableDimension !== undefined ? this.targets.map((target) => ({ ...identity, ...target })) : [] };
    },
  };

  private readonly client = { send: async ({ constructor, input }: Command) => this.answers[constructor.name](input) };
  public readonly clients = { registry: this.client, scaling: this.client } as unknown as EndpointClients;
}
