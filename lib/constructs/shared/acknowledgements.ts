import { Stack, Validations } from 'aws-cdk-lib';
import { Function as Lambda } from 'aws-cdk-lib/aws-lambda';
import { Queue } from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';

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

/**
 * Acknowledges cdk-nag's finding of a wildcard in `arn`. The finding's id contains the ARN as the template shows it, which may change when
 * a reference to another stack is resolved; so the id is computed again at synth.
 *
 * @internal
 */
export function acknowledgeResource(scope: Construct, arn: string, reason: string): void {
  const acknowledge = () => Validations.of(scope).acknowledge({ id: `AwsSolutions-IAM5[Resource::${shown(scope, arn)}]`, reason });
  const early = shown(scope, arn);
  acknowledge();
  scope.node.addValidation({
    validate: () => {
      if (shown(scope, arn) !== early) {
        acknowledge();
      }
      return [];
    },
  });
}

function shown(scope: Construct, arn: string): string {
  return flatten(Stack.of(scope).resolve(arn));
}

/** The way cdk-nag writes a resolved value in a finding. */
function flatten(value: unknown): string {
  if (typeof value === 'string') {
    return value.replaceAll('${', '<').replaceAll('}', '>');
  }
  const intrinsic = value as Record<string, unknown>;
  if (intrinsic['Fn::Join'] !== undefined) {
    const [separator, parts] = intrinsic['Fn::Join'] as [string, unknown[]];
    return parts.map(flatten).join(separator);
  }
  if (intrinsic['Fn::GetAtt'] !== undefined) {
    return `<${(intrinsic['Fn::GetAtt'] as unknown[]).map(flatten).join('.')}>`;
  }
  if (intrinsic.Ref !== undefined) {
    return `<${flatten(intrinsic.Ref)}>`;
  }
  return flattenRest(intrinsic);
}

function flattenRest(intrinsic: Record<string, unknown>): string {
  const inner = intrinsic['Fn::Sub'] ?? intrinsic['Fn::ImportValue'];
  return inner === undefined ? JSON.stringify(intrinsic) : flatten(inner);
}
