import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { modeOf } from '../view/mode';
import { get, literal, numeric } from '../view/values';
/** Requests and answers of the endpoint are not captured. @internal */
export const endpointWithoutCapture: Rule = {
  name: 'EndpointWithoutCapture',
  mistake: Mistake.UNMONITORED,
  level: NagMessageLevel.WARN,
  types: ['AWS::SageMaker::EndpointConfig'],
  what: 'requests and answers of the endpoint are not captured',
  why: 'drift and errors of the model cannot be found afterwards: what it was asked is gone',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/dg/model-monitor-data-capture-endpoint.html',
  fix: 'set DataCaptureConfig with a bucket and a sampling percentage above 0',
  finds: (config) => {
    const capture = get(config.properties, 'DataCaptureConfig');
    const off = literal(get(capture, 'EnableCapture')) === 'false' || numeric(get(capture, 'InitialSamplingPercentage')) === 0;
    return modeOf(config) === 'realtime' && (capture === undefined || off);
  },
};
