import { NagMessageLevel } from 'cdk-nag';
import { Mistake, Rule } from '../rule';
import { get } from '../view/values';
/** A failed request of an asynchronous endpoint leaves no trace. @internal */
export const asyncFailureUnheard: Rule = {
  name: 'AsyncFailureUnheard',
  mistake: Mistake.UNMONITORED,
  level: NagMessageLevel.WARN,
  types: ['AWS::SageMaker::EndpointConfig'],
  what: 'a failed request of an asynchronous endpoint leaves no trace',
  why: 'the caller got a 202 long ago; without S3FailurePath or ErrorTopic it waits for an answer that never comes',
  source: 'https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_AsyncInferenceOutputConfig.html',
  fix: 'set OutputConfig.S3FailurePath, or NotificationConfig.ErrorTopic, or both',
  finds: ({ properties }) => {
    const output = get(properties, 'AsyncInferenceConfig', 'OutputConfig');
    return (
      output !== undefined && get(output, 'S3FailurePath') === undefined && get(output, 'NotificationConfig', 'ErrorTopic') === undefined
    );
  },
};
