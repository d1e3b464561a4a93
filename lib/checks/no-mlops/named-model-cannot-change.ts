import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { get, isOpen, written } from '../view/values';
/** A model or an endpoint configuration has a fixed name. @internal */
export const namedModelCannotChange: Rule = {
  name: 'NamedModelCannotChange',
  mistake: Mistake.NO_MLOPS,
  level: NagMessageLevel.WARN,
  types: ['AWS::SageMaker::Model', 'AWS::SageMaker::EndpointConfig'],
  what: 'a model or an endpoint configuration has a fixed name',
  why: 'each change of it is a replacement, and AWS CloudFormation refuses to replace what has a fixed name: the next version of the model cannot be deployed',
  source: 'https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/aws-properties-name.html',
  fix: 'leave the name out, and refer to the resource by its attribute',
  finds: ({ type, properties }) => {
    const name = written(get(properties, type === 'AWS::SageMaker::Model' ? 'ModelName' : 'EndpointConfigName'));
    return name !== undefined && !isOpen(name);
  },
};
