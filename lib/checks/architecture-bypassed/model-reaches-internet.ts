import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { get, literal } from '../view/values';
/** A model's container may open connections to anywhere. @internal */
export const modelReachesInternet: Rule = {
  name: 'ModelReachesInternet',
  mistake: Mistake.ARCHITECTURE_BYPASSED,
  level: NagMessageLevel.WARN,
  types: ['AWS::SageMaker::Model'],
  what: "a model's container may open connections to anywhere",
  why: 'neither network isolation nor a VPC stands between the container and the internet: a library in the image can send out what it is asked',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/mkt-algo-model-internet-free.html',
  fix: 'set EnableNetworkIsolation to true, or give the model a VpcConfig',
  finds: (model, app) => {
    const isolation = get(model.properties, 'EnableNetworkIsolation');
    return (
      (isolation === undefined || literal(isolation) === 'false') &&
      get(model.properties, 'VpcConfig') === undefined &&
      app.servesVariant(model)
    );
  },
};
