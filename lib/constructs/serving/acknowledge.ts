import { Stack, Validations } from 'aws-cdk-lib';
import { Construct } from 'constructs';

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
