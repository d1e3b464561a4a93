import { Template } from 'aws-cdk-lib/assertions';

/** A statement of a policy, with references written as `<logical id without hash>`. */
export interface Statement {
  actions: string[];
  resources: string[];
  condition?: unknown;
}

interface RawStatement {
  Action: string | string[];
  Resource: unknown;
  Condition?: unknown;
}

/** What the role whose logical id starts with `role` may do, by the service of the actions. */
export function statementsOf(template: Template, role: string): Statement[] {
  const policies = Object.values(template.findResources('AWS::IAM::Policy')).filter((policy) =>
    JSON.stringify(policy.Properties.Roles).includes(`"${role}`),
  );
  return policies.flatMap(({ Properties }) => Properties.PolicyDocument.Statement.map(readable));
}

function readable({ Action, Resource, Condition }: RawStatement): Statement {
  const resources = (Array.isArray(Resource) ? Resource : [Resource]).map(flat);
  const statement = { actions: [Action].flat(), resources };
  return Condition === undefined ? statement : { ...statement, condition: Condition };
}

/** `Fn::Join`, `Fn::GetAtt` and `Ref` as one line. */
export function flat(value: unknown): string {
  if (typeof value === 'string') {
    return value;
  }
  const { 'Fn::Join': join, 'Fn::GetAtt': attribute, 'Fn::Sub': sub, Ref: ref } = value as Record<string, never>;
  if (join !== undefined) {
    return (join as [string, unknown[]])[1].map(flat).join((join as [string, unknown[]])[0]);
  }
  if (attribute !== undefined) {
    return `<${unhashed((attribute as string[])[0])}${(attribute as string[])[1] === 'Arn' ? '' : `.${(attribute as string[])[1]}`}>`;
  }
  return sub ?? (ref === undefined ? JSON.stringify(value) : `<${unhashed(ref)}>`);
}

function unhashed(logicalId: string): string {
  return logicalId.replace(/[0-9A-F]{8}$/, '');
}

/** Without what every function of ours may do: trace, and take its messages or changes. */
export function ownOf(statements: Statement[]): Statement[] {
  return statements.filter(({ actions }) => !/^(xray:|sqs:Receive|dynamodb:(ListStreams|DescribeStream))/.test(actions[0]));
}
