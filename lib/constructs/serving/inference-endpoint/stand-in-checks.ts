import { Construct } from 'constructs';
import { imageProblems } from '../endpoint/endpoint-checks';
import { chooseAmi } from '../inference-ami';
import { VariantSettings } from './endpoint-settings';
import type { InferenceEndpointProps } from './inference-endpoint';

/** What is wrong with the endpoint's own model on the instances of a variant, which serve it until a version of theirs is approved. @internal */
export function standInProblems(scope: Construct, { model, modelSize }: InferenceEndpointProps, variant: VariantSettings): string[] {
  if (variant.model._registry === undefined) {
    return [];
  }
  const { instance, givenVolume } = variant;
  const ami = chooseAmi(instance, model.image, variant.amiVersion);
  const problems = [
    ...imageProblems(instance, model.image),
    ...(modelSize?._problems(scope, instance, givenVolume) ?? []),
    ...ami.problems,
    ...(ami.version === variant.ami.version
      ? []
      : [
          `'amiVersion' is ${variant.ami.version ?? 'none'} for its image and ${ami.version ?? 'none'} for that of the endpoint: give one for both`,
        ]),
  ];
  return problems.map((problem) => `${problem} (it serves the model of the endpoint until a version of its own is approved)`);
}
