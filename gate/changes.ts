import { Subject, Template } from './assembly';
import { Finding, Problem } from './check';
import { configOf, scaledVariant } from './checks/scaling';
import { ofType, possible } from './template';
import { written } from './text';

/* eslint-disable @typescript-eslint/no-explicit-any -- properties of a template */

/**
 * Changes from a deployed assembly to the next that one deployment cannot make: SageMaker refuses another instance type, or the removal, of a variant
 * while a scaling target is registered for it, and CloudFormation removes that target only after the endpoint is updated
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/endpoint-scaling-update.html).
 */
export function refusedChanges(deployed: Subject[], next: Subject[]): Finding[] {
  return deployed.flatMap(({ stack, template }) => {
    const after = next.find((subject) => subject.stack === stack)?.template;
    const problems = after === undefined ? [] : variantProblems(template, after);
    return problems.map((problem) => ({ check: 'changes', stack, ...problem }));
  });
}

function variantProblems(before: Template, after: Template): Problem[] {
  return ofType(before, 'AWS::ApplicationAutoScaling::ScalableTarget').flatMap(([, { Properties }]) => {
    const scaled = scaledVariant(Properties, before);
    const config = scaled && configOf(scaled.endpoint, after);
    if (scaled?.spec === undefined || config === undefined) {
      return [];
    }
    const spec = possible<any>(config.ProductionVariants).find(({ VariantName }) => written(VariantName) === scaled.name);
    const [was, is] = [typesOf(scaled.spec), spec === undefined ? undefined : typesOf(spec)];
    const first = `keep '${scaled.name}' as it is and deploy it without scaling first (Scaling.fixed), then`;
    if (is === undefined) {
      return [
        {
          resource: scaled.endpoint,
          problem: `variant '${scaled.name}' goes while it is scaled, which SageMaker refuses: ${first} remove it`,
        },
      ];
    }
    return was === is
      ? []
      : [
          {
            resource: scaled.endpoint,
            problem: `variant '${scaled.name}' changes from ${was} to ${is} while it is scaled, which SageMaker refuses: ${first} deploy the new type, then scaling again`,
          },
        ];
  });
}

const typesOf = ({ InstanceType, InstancePools }: any): string =>
  [InstanceType, ...possible<any>(InstancePools).map((pool) => pool?.InstanceType)].flatMap((type) => written(type) ?? []).join(', ') ||
  'no instances';
