import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { entries, get, written } from '../view/values';
const CONTAINERS = [['PrimaryContainer'], ['Containers'], ['Specification', 'Container'], ['InferenceSpecification', 'Containers']];

const imagesOf = (properties: unknown): string[] =>
  CONTAINERS.flatMap((way) => entries(get(properties, ...way)) ?? [])
    .map((container) => written(get(container, 'Image')))
    .filter((image) => image !== undefined);

/** A model's image is named by no tag or by 'latest'. @internal */
export const modelImageMutable: Rule = {
  name: 'ModelImageMutable',
  mistake: Mistake.NO_MLOPS,
  level: NagMessageLevel.ERROR,
  types: ['AWS::SageMaker::Model', 'AWS::SageMaker::InferenceComponent', 'AWS::SageMaker::ModelPackage'],
  what: "a model's image is named by no tag or by 'latest'",
  why: 'SageMaker looks up what the name means at each deployment: a new image deploys nothing, because the template stays as it is, the next change of anything else brings it along, and a rollback of the template does not bring the old one back',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_DeployedImage.html',
  fix: 'name a version tag of an immutable repository, or a digest (@sha256:...)',
  finds: ({ properties }) => imagesOf(properties).some((image) => /:latest$/.test(image) || /\/[^:@/\u0001\u0002]+$/.test(image)),
};
