import { createHash } from 'node:crypto';
import { CfnElement, Names } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';

/**
 * Puts names into the logical id of a resource. AWS CloudFormation takes a new name of a component for an update without interruption, which
 * UpdateInferenceComponent cannot do; under a new id it makes a new component and deletes the old one
 * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_UpdateInferenceComponent.html).
 *
 * @internal
 */
export function nameInLogicalId(scope: IConstruct, resource: CfnElement, names: string[]): void {
  const hash = createHash('sha256').update(names.join('/')).digest('hex').slice(0, 8);
  resource.overrideLogicalId(`${Names.uniqueId(scope).slice(0, 240)}${hash}`);
}
