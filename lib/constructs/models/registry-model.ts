import { createHash } from 'node:crypto';
import { CfnCondition, CfnParameter, Fn, Stack, Token } from 'aws-cdk-lib';
import { Grant, IRole } from 'aws-cdk-lib/aws-iam';
import { IBucket } from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { namesOf } from '../delivery/contract';
import { acknowledgeResource } from '../shared/acknowledgements';
import { ApprovedVersion } from './approved-version';
import { approvedParameter, NO_VERSION, versionPrefix } from './contract';
import { InferenceImage } from './inference-image';
import { modelNameProblems } from './model-names';
import type { BoundPackage, RegistryOrigin } from './model-source';

/** How an approved version is found and served. */
export interface RegistryModelProps {
  /** Starts every physical name, `<workload>-<stage>`: 1 to 39 lower-case letters, digits and inner hyphens, known at synth. */
  readonly namePrefix: string;
  /**
   * Route name of the model: 1 to 20 lower-case letters, digits and inner hyphens, known at synth. Its pointer is
   * `/<namePrefix>/models/<model>/approved`, its endpoint and its group in the registry are `<namePrefix>-<model>`.
   */
  readonly model: string;
  /** Bucket with the artefacts, such as that of `ModelArtifacts`, in the Region of the endpoint: `versions/<model>/` may be read, with its key. */
  readonly artifacts: IBucket;
  /** Image that the registered versions name: the endpoint may pull its repository, and its instance is checked against it. */
  readonly image: InferenceImage;
}

/** @internal */
export const registryOrigin = ({ namePrefix, model, artifacts }: RegistryModelProps): RegistryOrigin => ({
  approvedParameter: approvedParameter(namePrefix, model),
  endpointName: namesOf(namePrefix, model).endpoint,
  rolePath: namesOf(namePrefix, model).rolePath,
  group: namesOf(namePrefix, model).group,
  grantReadVersions: (role) => grantReadFolder(role, artifacts, `${versionPrefix(model)}*`),
});

/** @internal */
export function registryProblems(scope: Construct, props: RegistryModelProps): string[] {
  const [here, there] = [Stack.of(scope).region, props.artifacts.env.region];
  const elsewhere = ![here, there].some((region) => Token.isUnresolved(region)) && here !== there;
  return [
    ...modelNameProblems(props),
    ...(elsewhere ? [`'artifacts' is in ${there} but the endpoint in ${here}: register versions whose artefacts lie in ${here}`] : []),
  ];
}

/**
 * The pointer as a parameter of the stack. Its logical id follows the path, because the CDK CLI re-uses the previous value of a parameter that it
 * knows: under the same id a new path would never be read.
 *
 * @internal
 */
export function bindPackage(scope: Construct, role: IRole, props: RegistryModelProps): BoundPackage {
  registryOrigin(props).grantReadVersions(role);
  const name = approvedParameter(props.namePrefix, props.model);
  scope.node.addValidation({ validate: () => seededHere(scope, name) });
  return pointerOf(Stack.of(scope), name);
}

/** A stack reads each pointer once, however many endpoints and variants follow it. */
function pointerOf(stack: Stack, name: string): BoundPackage {
  const id = `Approved${createHash('sha256').update(name).digest('hex').slice(0, 8)}`;
  const there = stack.node.tryFindChild(id) as CfnParameter | undefined;
  if (there !== undefined) {
    return { packageName: there.valueAsString, approved: stack.node.findChild(`Is${id}`) as CfnCondition };
  }
  const parameter = new CfnParameter(stack, id, {
    type: 'AWS::SSM::Parameter::Value<String>',
    default: name,
    description: 'Approved version of the model: releases change it, not the template',
  });
  parameter.overrideLogicalId(id);
  const approved = new CfnCondition(stack, `Is${id}`, {
    expression: Fn.conditionNot(Fn.conditionEquals(parameter.valueAsString, NO_VERSION)),
  });
  approved.overrideLogicalId(`Is${id}`);
  return { packageName: parameter.valueAsString, approved };
}

/** AWS CloudFormation reads parameters before it makes anything: a pointer of the same stack would not be there yet. */
function seededHere(scope: Construct, parameterName: string): string[] {
  return Stack.of(scope)
    .node.findAll()
    .filter((child) => child instanceof ApprovedVersion && child.parameterName === parameterName && Stack.of(child) === Stack.of(scope))
    .map(
      ({ node }) =>
        `InvalidInferenceEndpoint: 'model' reads the pointer that ${node.path} seeds in the same stack, which a deployment reads before ` +
        `it is there: put the ApprovedVersion into a stack that is deployed first [at ${scope.node.path}]`,
    );
}

/** What lies below one prefix, and the key of the bucket. */
function grantReadFolder(role: IRole, bucket: IBucket, pattern: string): void {
  const objects = bucket.arnForObjects(pattern);
  Grant.addToPrincipalOrResource({ grantee: role, actions: ['s3:GetObject'], resourceArns: [objects], resource: bucket });
  acknowledgeResource(role, objects, 'A release may name any version of this one model: they are named after the runs that made them.');
  bucket.encryptionKey?.grantDecrypt(role);
}
