/**
 * Refused for the moment, with nothing created: the same name may be tried again. The first name covers what has no name of its own; the
 * second is a quota that is used up (https://docs.aws.amazon.com/step-functions/latest/dg/connect-sagemaker.html).
 *
 * @internal
 */
export const JOB_RETRIES = [
  { ErrorEquals: ['SageMaker.AmazonSageMakerException', 'ThrottlingException'], IntervalSeconds: 10, MaxAttempts: 6, BackoffRate: 2 },
  { ErrorEquals: ['SageMaker.ResourceLimitExceededException'], IntervalSeconds: 300, MaxAttempts: 12, BackoffRate: 1 },
];
