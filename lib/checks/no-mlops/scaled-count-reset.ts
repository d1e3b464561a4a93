import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { get, literal } from '../view/values';

const INSTANCES = 'sagemaker:variant:DesiredInstanceCount';

/** The number of instances is scaled, and each deployment resets it. @internal */
export const scaledCountReset: Rule = {
  name: 'ScaledCountReset',
  mistake: Mistake.NO_MLOPS,
  level: NagMessageLevel.ERROR,
  types: ['AWS::SageMaker::Endpoint'],
  what: 'the number of instances is scaled, and each deployment resets it',
  why: 'an update takes InitialInstanceCount from the new configuration unless variant properties are retained: a new model in the busy hour starts with the fleet of the quiet one',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateEndpoint.html',
  fix: 'set RetainAllVariantProperties to true',
  finds: (endpoint, app) => {
    const retained = get(endpoint.properties, 'RetainAllVariantProperties');
    return (
      (retained === undefined || literal(retained) === 'false') &&
      app
        .targets()
        .some(({ target, scaled }) => scaled.endpoint === endpoint && literal(get(target.properties, 'ScalableDimension')) === INSTANCES)
    );
  },
};
