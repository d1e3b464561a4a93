import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { get, literal } from '../view/values';
/** The network of an endpoint's model has one subnet; jobs may have one. @internal */
export const modelInOneSubnet: Rule = {
  name: 'ModelInOneSubnet',
  mistake: Mistake.UNDERESTIMATED_INFRASTRUCTURE,
  level: NagMessageLevel.ERROR,
  types: ['AWS::SageMaker::Model', 'AWS::SageMaker::EndpointConfig'],
  what: "the network of an endpoint's model has one subnet",
  why: 'SageMaker wants subnets in two Availability Zones for an endpoint, also for one instance',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/host-vpc.html',
  fix: 'name subnets in two Availability Zones or more',
  finds: (resource, app) => {
    const subnets = get(resource.properties, 'VpcConfig', 'Subnets');
    const hosted = resource.type === 'AWS::SageMaker::EndpointConfig' || app.servesVariant(resource);
    return hosted && Array.isArray(subnets) && subnets.length === 1 && literal(subnets[0]) !== undefined;
  },
};
