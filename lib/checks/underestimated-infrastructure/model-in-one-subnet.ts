import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { get, literal } from '../view/values';
/** A model's network has one subnet. @internal */
export const modelInOneSubnet: Rule = {
  name: 'ModelInOneSubnet',
  mistake: Mistake.UNDERESTIMATED_INFRASTRUCTURE,
  level: NagMessageLevel.ERROR,
  types: ['AWS::SageMaker::Model', 'AWS::SageMaker::EndpointConfig'],
  what: "a model's network has one subnet",
  why: 'SageMaker wants two Availability Zones for an endpoint, so that one may fail',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html',
  fix: 'name subnets in two Availability Zones or more',
  finds: ({ properties }) => {
    const subnets = get(properties, 'VpcConfig', 'Subnets');
    return Array.isArray(subnets) && subnets.length === 1 && literal(subnets[0]) !== undefined;
  },
};
