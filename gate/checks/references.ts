import { loadAwsServiceSpecSync } from '@aws-cdk/aws-service-spec';
import { Template } from '../assembly';
import { Check, Problem } from '../check';
import { asList, walk } from '../template';

/** Types whose attributes are not in the specification: custom resources and modules define their own, nested stacks have outputs. */
const OPEN_TYPES = /^(Custom::|AWS::CloudFormation::(CustomResource|Stack|Macro)$)|::MODULE$/;
const PSEUDO = /^AWS::(AccountId|NotificationARNs|NoValue|Partition|Region|StackId|StackName|URLSuffix)$/;

let spec: ReturnType<typeof loadAwsServiceSpecSync> | undefined;

/** Ref, Fn::GetAtt, Fn::Sub, Condition and DependsOn name things that exist, and attributes that the type has. */
export const references: Check = {
  name: 'references',
  run: ({ template }) => {
    const problems: Problem[] = [];
    for (const [resource, body] of Object.entries(template.Resources ?? {})) {
      const found = [
        ...asList(body.DependsOn).flatMap((id) => (template.Resources?.[id] ? [] : [`DependsOn names '${id}', which is no resource`])),
      ];
      const { Metadata: _, Type: __, DependsOn: ___, Condition, ...parts } = body;
      found.push(...conditionProblems(Condition, template), ...dangling(parts, template));
      problems.push(...found.map((problem) => ({ resource, problem })));
    }
    for (const [name, output] of Object.entries(template.Outputs ?? {})) {
      const found = [...conditionProblems(output?.Condition, template), ...dangling(output, template)];
      problems.push(...found.map((problem) => ({ problem: `output ${name}: ${problem}` })));
    }
    problems.push(...dangling(template.Conditions, template).map((problem) => ({ problem: `conditions: ${problem}` })));
    return problems;
  },
};

function conditionProblems(name: unknown, template: Template): string[] {
  return typeof name !== 'string' || template.Conditions?.[name] !== undefined ? [] : [`Condition names '${name}', which is no condition`];
}

function dangling(value: unknown, template: Template): string[] {
  const problems: string[] = [];
  walk(value, (node) => {
    if (typeof node.Ref === 'string' && Object.keys(node).length === 1 && !known(node.Ref, template)) {
      problems.push(`Ref names '${node.Ref}', which is neither resource nor parameter`);
    }
    const attribute = node['Fn::GetAtt'];
    if (attribute !== undefined) {
      const [id, name] = Array.isArray(attribute) ? attribute : splitAttribute(attribute);
      problems.push(...attributeProblems(id, name, template));
    }
    if (Array.isArray(node['Fn::If'])) {
      problems.push(...conditionProblems(node['Fn::If'][0], template));
    }
    if (node['Fn::Sub'] !== undefined) {
      problems.push(...substitutions(node['Fn::Sub'], template));
    }
  });
  return problems;
}

function known(id: string, template: Template): boolean {
  return PSEUDO.test(id) || template.Resources?.[id] !== undefined || template.Parameters?.[id] !== undefined;
}

function splitAttribute(text: string): [string, string] {
  const dot = text.indexOf('.');
  return [text.slice(0, dot), text.slice(dot + 1)];
}

function attributeProblems(id: string, name: unknown, template: Template): string[] {
  const resource = template.Resources?.[id];
  if (resource === undefined) {
    return [`Fn::GetAtt names '${id}', which is no resource`];
  }
  if (typeof name !== 'string' || OPEN_TYPES.test(resource.Type)) {
    return [];
  }
  spec ??= loadAwsServiceSpecSync();
  const [type] = spec.lookup('resource', 'cloudFormationType', 'equals', resource.Type);
  if (type === undefined) {
    return [];
  }
  const first = name.split('.')[0];
  const has = [name, first].some((key) => type.attributes[key] !== undefined || type.properties[key] !== undefined);
  return has ? [] : [`${resource.Type} has no attribute '${name}': it has ${Object.keys(type.attributes).join(', ') || 'none'}`];
}

function substitutions(value: string | [string, Record<string, unknown>], template: Template): string[] {
  const [text, variables] = Array.isArray(value) ? value : [value, {}];
  const names = [...text.matchAll(/\$\{([^!][^}]*)\}/g)].map((match) => match[1].trim()).filter((name) => !(name in variables));
  return names.flatMap((name) => {
    if (PSEUDO.test(name)) {
      return [];
    }
    if (name.includes('.')) {
      return attributeProblems(...splitAttribute(name), template);
    }
    return known(name, template) ? [] : [`Fn::Sub names '${name}', which is neither resource nor parameter`];
  });
}
