import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { modeOf } from '../view/mode';
import { entries, get, isIntrinsic, literal, written } from '../view/values';
const isGiven = (value: unknown): boolean => value !== undefined && !isIntrinsic(value);

/** A serverless endpoint has something that serverless endpoints do not support. @internal */
export const serverlessExcluded: Rule = {
  name: 'ServerlessExcluded',
  mistake: Mistake.UNDERESTIMATED_INFRASTRUCTURE,
  level: NagMessageLevel.ERROR,
  types: ['AWS::SageMaker::EndpointConfig'],
  what: 'a serverless endpoint has something that serverless endpoints do not support',
  why: 'the configuration is refused',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/serverless-endpoints.html',
  fix: 'leave it out, or use instances',
  finds: (config, app) => {
    if (modeOf(config) !== 'serverless') {
      return [];
    }
    const variants = entries(get(config.properties, 'ProductionVariants')) ?? [];
    const models = variants.flatMap((variant) => app.named(written(get(variant, 'ModelName')), 'AWS::SageMaker::Model', config));
    const capture = get(config.properties, 'DataCaptureConfig');
    const given: [string, boolean][] = [
      ['DataCaptureConfig', isGiven(capture) && literal(get(capture, 'EnableCapture')) !== 'false'],
      ['several-variants', variants.length > 1],
      ['VpcConfig', models.some(({ properties }) => isGiven(get(properties, 'VpcConfig')))],
      ['EnableNetworkIsolation', models.some(({ properties }) => literal(get(properties, 'EnableNetworkIsolation')) === 'true')],
      ['inference-pipeline', models.some(({ properties }) => (entries(get(properties, 'Containers')) ?? []).length > 1)],
    ];
    return given.filter(([, is]) => is).map(([name]) => name);
  },
};
