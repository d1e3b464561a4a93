import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { entries, get, literal } from '../view/values';
/** Data capture stores requests or answers, but not both. @internal */
export const captureHalf: Rule = {
  name: 'CaptureHalf',
  mistake: Mistake.DATA_NOT_READY,
  level: NagMessageLevel.WARN,
  types: ['AWS::SageMaker::EndpointConfig'],
  what: 'data capture stores requests or answers, but not both',
  why: 'drift is found in what came in and quality in what went out: with one half, neither labels nor features can be joined to a prediction',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_CaptureOption.html',
  fix: "capture both: CaptureOptions with CaptureMode 'Input' and 'Output'",
  finds: ({ properties }) => {
    const capture = get(properties, 'DataCaptureConfig');
    const options = entries(get(capture, 'CaptureOptions'));
    if (capture === undefined || literal(get(capture, 'EnableCapture')) === 'false' || options === undefined) {
      return false;
    }
    const modes = options.map((option) => literal(get(option, 'CaptureMode')));
    return !modes.includes(undefined) && !modes.includes('InputAndOutput') && !(modes.includes('Input') && modes.includes('Output'));
  },
};
