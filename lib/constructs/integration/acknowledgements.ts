import { Validations } from 'aws-cdk-lib';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { Queue } from 'aws-cdk-lib/aws-sqs';

/** Says why a function of ours may keep two findings of cdk-nag. @internal */
export function withoutPolicyFindings(fn: Lambda): void {
  Validations.of(fn).acknowledge(
    {
      id: 'AwsSolutions-IAM5[Resource::*]',
      reason: 'AWS X-Ray takes trace segments without naming a resource: its two write actions allow only "*"',
    },
    {
      id: 'AwsSolutions-IAM4[Policy::arn:<AWS::Partition>:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole]',
      reason: 'the policy holds nothing but writing logs, and AWS keeps it current',
    },
  );
}

/** Says why a queue needs no dead-letter queue. @internal */
export function isDeadLetterQueue(queue: Queue): void {
  Validations.of(queue).acknowledge({
    id: 'AwsSolutions-SQS3',
    reason: 'it is the dead-letter queue: what lies here waits for a person, with an alarm',
  });
}
