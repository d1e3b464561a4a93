import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';

/** No alarm of this app watches the endpoint. @internal */
export const endpointWithoutAlarm: Rule = {
  name: 'EndpointWithoutAlarm',
  mistake: Mistake.UNMONITORED,
  level: NagMessageLevel.WARN,
  types: ['AWS::SageMaker::Endpoint'],
  what: 'no alarm of this app watches the endpoint',
  why: 'errors, slowness and missing capacity are found by its users',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/monitoring-cloudwatch.html',
  fix: 'alarm on errors and latency by EndpointName and VariantName; for inference components by InferenceComponentName',
  finds: (endpoint, app) =>
    !app.watchedByUnknown() && [endpoint, ...app.componentsOf(endpoint)].every((one) => app.alarmsOn(one).length === 0),
};
