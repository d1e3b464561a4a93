import { createHash } from 'node:crypto';
import { Names } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';

/**
 * Joins parts to a lower-case physical name and replaces the tail by a hash when it would be longer than `max`.
 * SageMaker lower-cases ARNs, so every name is lower case from the start
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/automating-sagemaker-with-eventbridge.html).
 *
 * @internal
 */
export function physicalName(parts: string[], max = 63): string {
  const name = parts.join('-').toLowerCase();
  if (name.length <= max) {
    return name;
  }
  const hash = createHash('sha256').update(name).digest('hex').slice(0, 8);
  return `${name.slice(0, max - 9).replace(/-+$/, '')}-${hash}`;
}

/** A literal lower-case name, unique in its app by the construct's path, for constructs that were given none. @internal */
export function generatedName(scope: IConstruct, max = 63): string {
  return Names.uniqueResourceName(scope, { maxLength: max, separator: '-' }).toLowerCase();
}
