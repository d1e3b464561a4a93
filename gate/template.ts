import { Resource, Template } from './assembly';

/* eslint-disable @typescript-eslint/no-explicit-any -- values of a template are whatever somebody wrote */

/** Resources of one type with their logical ids. */
export function ofType(template: Template, type: string): [string, Resource & { Properties: Record<string, any> }][] {
  return Object.entries(template.Resources ?? {})
    .filter(([, resource]) => resource.Type === type)
    .map(([id, resource]) => [id, { ...resource, Properties: resource.Properties ?? {} }]);
}

/** A plain value, or undefined for an intrinsic function: what is known only at deployment is not judged. */
export function literal(value: any): string | number | boolean | undefined {
  return typeof value === 'object' ? undefined : value;
}

/** A plain number; texts that are numbers count, because CloudFormation takes both. */
export function numeric(value: any): number | undefined {
  const plain = literal(value);
  return plain === undefined || plain === '' || Number.isNaN(Number(plain)) ? undefined : Number(plain);
}

/** The logical id that a value refers to by Ref or Fn::GetAtt. */
export function target(value: any): string | undefined {
  if (typeof value !== 'object' || value === null) {
    return undefined;
  }
  if (typeof value.Ref === 'string') {
    return value.Ref;
  }
  const attribute = value['Fn::GetAtt'];
  return Array.isArray(attribute) ? attribute[0] : typeof attribute === 'string' ? attribute.split('.')[0] : undefined;
}

/** Visits every object and list inside a value, outermost first. */
export function walk(value: any, visit: (node: any, path: string) => void, path = ''): void {
  if (typeof value !== 'object' || value === null) {
    return;
  }
  visit(value, path);
  for (const [key, child] of Object.entries(value)) {
    walk(child, visit, path === '' ? key : `${path}.${key}`);
  }
}

export function asList<T>(value: T | T[] | undefined): T[] {
  return value === undefined ? [] : Array.isArray(value) ? value : [value];
}

/** All that a list may hold: of each `Fn::If`, and of the list itself when it is one, both sides that are there. */
export function possible<T>(value: unknown): T[] {
  return asList(value as T | T[] | undefined).flatMap((item) => {
    const sides = (item as { 'Fn::If'?: unknown[] } | undefined)?.['Fn::If'];
    return Array.isArray(sides) ? sides.slice(1).flatMap((side) => possible<T>(side)) : isNoValue(item) ? [] : [item];
  });
}

const isNoValue = (item: unknown): boolean => (item as { Ref?: unknown } | undefined)?.Ref === 'AWS::NoValue';

/** The logical ids that a resource waits for: DependsOn and whatever its properties refer to, Fn::Sub included. */
export function dependencies(resource: Resource): Set<string> {
  const ids = new Set(asList(resource.DependsOn));
  walk(resource.Properties ?? {}, (node) => {
    const id = Array.isArray(node) ? undefined : target(node);
    if (id !== undefined) {
      ids.add(id);
    }
    const text = asList(node['Fn::Sub'])[0];
    if (typeof text === 'string') {
      [...text.matchAll(/\$\{([^!}.][^}.]*)/g)].forEach(([, name]) => ids.add(name.trim()));
    }
  });
  return ids;
}

/** Whether a resource is made after another, directly or through others. */
export function waitsFor(template: Template, from: string, to: string): boolean {
  const [seen, next] = [new Set<string>(), [from]];
  for (let id = next.pop(); id !== undefined; id = next.pop()) {
    if (!seen.has(id)) {
      seen.add(id);
      next.push(...dependencies(template.Resources?.[id] ?? { Type: '' }));
    }
  }
  return from !== to && seen.has(to);
}
