import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { shapeOf } from '../../constructs/serving/instance-catalogue';
import { entries, get, literal } from '../view/values';
/** A KMS key is asked for instances with local NVMe storage. @internal */
export const keyWithLocalStorage: Rule = {
  name: 'KeyWithLocalStorage',
  mistake: Mistake.UNDERESTIMATED_INFRASTRUCTURE,
  level: NagMessageLevel.WARN,
  types: ['AWS::SageMaker::EndpointConfig'],
  what: 'a KMS key is asked for instances with local NVMe storage',
  why: 'that storage is encrypted by the instance: depending on Region and API version the call fails, or the key does nothing',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CreateEndpointConfig.html',
  fix: 'leave KmsKeyId out; where a policy demands it, acknowledge this',
  finds: ({ properties }) =>
    get(properties, 'KmsKeyId') !== undefined &&
    (entries(get(properties, 'ProductionVariants')) ?? []).some(
      (variant) => shapeOf(literal(get(variant, 'InstanceType')) ?? '')?.nvmeGb !== undefined,
    ),
};
