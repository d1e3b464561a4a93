import type { Statement } from './policy-simulator';

export type Value = string | number | boolean | null | readonly Value[] | { readonly [name: string]: Value };
export type Properties = { readonly [name: string]: Value };

/** Templates by the name of their stack. */
export interface Templates {
  readonly [stack: string]: {
    readonly Resources: { readonly [id: string]: { readonly Type: string; readonly Properties?: Properties; readonly Condition?: string } };
    readonly Conditions?: Properties;
    readonly Parameters?: Properties;
    readonly Outputs?: { readonly [id: string]: { readonly Value: Value; readonly Export?: { readonly Name: Value } } };
  };
}

/** A role as its template makes it. */
export interface FoundRole {
  /** `<logical id without hash>`; unique within the stacks that are looked at. */
  readonly name: string;
  readonly arn: string;
  /** Names of the services that may assume it. */
  readonly assumedBy: readonly string[];
  /** Names of the policies of AWS that it carries. */
  readonly managed: readonly string[];
  readonly statements: readonly Statement[];
}

export const HERE = { partition: 'aws', region: 'us-east-1', account: '111122223333' } as const;
const PSEUDO: { readonly [name: string]: string } = {
  'AWS::Partition': HERE.partition,
  'AWS::Region': HERE.region,
  'AWS::AccountId': HERE.account,
  'AWS::URLSuffix': 'amazonaws.com',
};

/** ARN that stands for a resource which AWS names: by its logical id without hash. */
export function placeholder(type: string, id: string): string {
  const name = id.replace(/[0-9A-F]{8}$/, '');
  const service = type.split('::')[1].toLowerCase().replace('stepfunctions', 'states');
  if (type === 'AWS::S3::Bucket') {
    return `arn:aws:s3:::${name}`;
  }
  return service === 'iam' ? `arn:aws:iam::${HERE.account}:role/${name}` : `arn:aws:${service}:${HERE.region}:${HERE.account}:${name}`;
}

/** Roles with everything that is granted to them in their own stack. */
export function rolesOf(templates: Templates, stacks: readonly string[]): FoundRole[] {
  return stacks.flatMap((stack) => {
    const resources = Object.entries(templates[stack].Resources);
    const policies = resources.filter(([, { Type }]) => /^AWS::IAM::(Managed)?Policy$/.test(Type));
    return resources
      .filter(([, { Type }]) => Type === 'AWS::IAM::Role')
      .map(([id, { Type, Properties = {} }]) => {
        const attached = policies.filter(([, policy]) => JSON.stringify(policy.Properties?.Roles).includes(`"Ref":"${id}"`));
        const documents = [
          ...((Properties.Policies ?? []) as { PolicyDocument: Properties }[]).map(({ PolicyDocument }) => PolicyDocument),
          ...attached.map(([, policy]) => policy.Properties!.PolicyDocument as Properties),
        ];
        const read = (value: Value) => resolve(templates, stack, value);
        const trust = read((Properties.AssumeRolePolicyDocument as Properties).Statement) as unknown as {
          Principal: { Service: string };
        }[];
        return {
          name: id.replace(/[0-9A-F]{8}$/, ''),
          arn: placeholder(Type, id),
          assumedBy: trust.map(({ Principal }) => Principal.Service),
          managed: ((Properties.ManagedPolicyArns ?? []) as Value[]).map((arn) => String(read(arn)).split('/').at(-1)!),
          statements: documents.flatMap(({ Statement: list }) => read(list) as unknown as Statement[]),
        };
      });
  });
}

/** A value with its intrinsic functions carried out; what only AWS knows is a placeholder. Errors: on one that is not known. */
export function resolve(templates: Templates, stack: string, value: Value): Value {
  const read = (inner: Value): Value => resolve(templates, stack, inner);
  if (Array.isArray(value)) {
    return (value as Value[]).map(read);
  }
  if (value === null || typeof value !== 'object') {
    return value;
  }
  const [name, ...others] = Object.keys(value);
  const inner = (value as Properties)[name];
  if (others.length > 0 || !/^(Ref$|Fn::)/.test(name)) {
    return Object.fromEntries(Object.entries(value).map(([key, child]) => [key, read(child)]));
  }
  switch (name) {
    case 'Ref':
      return PSEUDO[inner as string] ?? arnOf(templates, stack, inner as string);
    case 'Fn::GetAtt':
      return attribute(templates, stack, inner as string[]);
    case 'Fn::Join':
      return ((inner as Value[])[1] as Value[]).map(read).join((inner as string[])[0]);
    case 'Fn::Sub':
      return (inner as string).replaceAll(/\$\{([^}]+)\}/g, (_text, key: string) => String(read({ Ref: key })));
    case 'Fn::FindInMap':
      return '999999999999';
    case 'Fn::ImportValue':
      return exported(templates, String(read(inner)));
    case 'Fn::GetStackOutput': {
      const { StackName, OutputName } = inner as { StackName: string; OutputName: string };
      return resolve(templates, StackName, templates[StackName].Outputs![OutputName].Value);
    }
    default:
      throw new Error(`UnknownElement: ${name} in a template`);
  }
}

function arnOf(templates: Templates, stack: string, id: string): string {
  const resource = templates[stack].Resources[id];
  if (resource === undefined) {
    throw new Error(`UnknownElement: ${id} is no resource of ${stack}`);
  }
  return placeholder(resource.Type, id);
}

function attribute(templates: Templates, stack: string, [id, name]: string[]): string {
  return arnOf(templates, stack, id) + (name === 'Arn' ? '' : `/${name}`);
}

function exported(templates: Templates, name: string): Value {
  for (const [stack, { Outputs = {} }] of Object.entries(templates)) {
    const found = Object.values(Outputs).find((output) => output.Export?.Name === name);
    if (found !== undefined) {
      return resolve(templates, stack, found.Value);
    }
  }
  throw new Error(`UnknownElement: no stack exports ${name}`);
}
