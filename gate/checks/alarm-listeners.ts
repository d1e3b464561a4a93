import { Template } from '../assembly';
import { asList, ofType, walk } from '../template';
import { idIn, written } from '../text';

/* eslint-disable @typescript-eslint/no-explicit-any -- properties of a template */

/** Properties by which services watch alarms: SageMaker, CodeDeploy, Amazon ECS, AppConfig and deployment tools, Route 53, AWS FIS. */
const WATCHED = ['AutoRollbackConfiguration', 'AlarmConfiguration', 'AlarmNames', 'AlarmIdentifier', 'AlarmArn', 'StopConditions'];
const OPERAND = /\b(?:ALARM|OK|INSUFFICIENT_DATA)\s*\(\s*(?:"([^"]*)"|'([^']*)'|([^"'()\s]+))\s*\)/g;
const COMPOSITE = 'AWS::CloudWatch::CompositeAlarm';

/**
 * Whether an alarm needs no action of its own: a rollback or scaling configuration names it, or a composite that somebody hears, be it
 * through further composites.
 */
export function spokenForIn(template: Template): (resource: string, name: unknown) => boolean {
  const heard = new Set<string>();
  const hear = (text: string) => heard.add(idIn(nameIn(text)) ?? nameIn(text));
  walk(template.Resources, (node) =>
    WATCHED.filter((key) => node[key] !== undefined).forEach((key) => texts(node[key]).forEach((text) => hear(text))),
  );
  const isHeard = (resource: string, name: unknown) => heard.has(resource) || heard.has(written(name) ?? resource);
  let silent = ofType(template, COMPOSITE);
  for (let before = -1; before !== silent.length;) {
    before = silent.length;
    silent = silent.filter(([resource, { Properties }]) => {
      const quiet = asList(Properties.AlarmActions).length === 0 && !isHeard(resource, Properties.AlarmName);
      if (!quiet) {
        [...(written(Properties.AlarmRule) ?? '').matchAll(OPERAND)].forEach(([, ...names]) =>
          hear(names.find((name) => name !== undefined)!),
        );
      }
      return quiet;
    });
  }
  return isHeard;
}

/** The name that an alarm's ARN ends with; a name is itself. */
function nameIn(text: string): string {
  return text.split(':alarm:').pop()!;
}

/** Every text inside a value. */
function texts(value: any): string[] {
  const text = written(value);
  if (text !== undefined) {
    return [text];
  }
  return typeof value === 'object' && value !== null ? Object.values(value).flatMap(texts) : [];
}
