import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { entries, get, literal, written } from '../view/values';
/** A variant on burstable instances is to be scaled. @internal */
export const burstableScaled: Rule = {
  name: 'BurstableScaled',
  mistake: Mistake.UNDERESTIMATED_INFRASTRUCTURE,
  level: NagMessageLevel.ERROR,
  types: ['AWS::ApplicationAutoScaling::ScalableTarget'],
  what: 'a variant on burstable instances is to be scaled',
  why: 'SageMaker does not scale ml.t2, ml.t3 and ml.t4g instances',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-auto-scaling-add-console.html',
  fix: 'use another instance type, such as ml.m5.large, or a fixed number',
  finds: (target, app) => {
    const { endpoint, variant } = app.scaledBy(target);
    const variants = endpoint === undefined ? [] : (entries(get(app.configOf(endpoint)?.properties, 'ProductionVariants')) ?? []);
    return variants.some((one) => written(get(one, 'VariantName')) === variant && /^ml\.t\d/.test(literal(get(one, 'InstanceType')) ?? ''));
  },
};
