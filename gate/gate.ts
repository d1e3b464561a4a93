import { Subject } from './assembly';
import { Check, Finding } from './check';
import { CHECKS } from './checks';
import { groupsOf, isAwsNamespace } from './metrics';
import { literal, walk } from './template';

/** Runs the checks over templates. */
export async function findings(subjects: Subject[], checks: Check[] = CHECKS): Promise<Finding[]> {
  const found: Finding[] = [];
  for (const subject of subjects) {
    for (const check of checks) {
      const problems = await check.run(subject);
      found.push(...problems.map((problem) => ({ check: check.name, stack: subject.stack, ...problem })));
    }
  }
  return found;
}

/** Metric namespaces that alarms use and the catalogue does not know: nothing about them was checked. */
export function uncheckedNamespaces(subjects: Subject[]): { namespace: string; aws: boolean }[] {
  const names = new Set<string>();
  for (const { template } of subjects) {
    walk(
      Object.values(template.Resources ?? {}).filter(({ Type }) => Type === 'AWS::CloudWatch::Alarm'),
      ({ Namespace }) => {
        const name = literal(Namespace);
        if (name !== undefined && groupsOf(String(name)).length === 0) {
          names.add(String(name));
        }
      },
    );
  }
  return [...names].sort().map((namespace) => ({ namespace, aws: isAwsNamespace(namespace) }));
}

/** The construct path of a finding, when the template carries it. */
export function pathOf({ stack, resource }: Finding, subjects: Subject[]): string | undefined {
  const body = subjects.find((subject) => subject.stack === stack)?.template.Resources?.[resource ?? ''];
  return body?.Metadata?.['aws:cdk:path'];
}
