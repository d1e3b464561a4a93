import type { Properties, Templates, Value } from '../../support/assembly-roles';
import schemas from './cloudformation-handlers.json';

export type Handler = 'create' | 'read' | 'update' | 'delete';
/** What the schemas say of each type that a release may touch; see the notice beside the file. */
const SCHEMAS: Readonly<Record<string, { createOnlyProperties: string[]; handlers: Record<Handler, string[]> } | undefined>> = schemas;
type Resource = Templates[string]['Resources'][string];

/** A resource that a release creates, updates or deletes, and the handlers that AWS CloudFormation calls for that. */
export interface Released {
  readonly id: string;
  readonly type: string;
  readonly properties: Properties;
  readonly handlers: readonly Handler[];
}

/** Made anew: also deleted, by a rollback or once no version is approved any more. */
const MADE_ANEW: readonly Handler[] = ['create', 'read', 'delete'];
const CHANGED: readonly Handler[] = ['read', 'update'];

/** Errors: on a type that is not among the schemas. */
export function schemaOf(type: string) {
  const schema = SCHEMAS[type];
  if (schema === undefined) {
    throw new Error(`UnknownElement: cloudformation-handlers.json has no ${type}, which a release touches`);
  }
  return schema;
}

/**
 * What a new value of the pointer touches. A resource with a condition appears with the first approval; any other changes where its properties
 * name the pointer, a condition, or a resource that gets another name by it. A resource that is updated in place keeps its name.
 */
export function releasedResources({ Resources, Conditions = {}, Parameters = {} }: Templates[string]): Released[] {
  const resources = Object.entries(Resources);
  const moving = new Set([...Object.keys(Parameters).filter((id) => id.startsWith('Approved')), ...Object.keys(Conditions)]);
  const changed = ({ Properties = {} }: Resource) =>
    Object.keys(Properties).filter((name) => namesIn(Properties[name]).some((named) => moving.has(named)));
  const replaced = (resource: Resource) =>
    changed(resource).some((name) => schemaOf(resource.Type).createOnlyProperties.includes(`/properties/${name}`));
  let before: number;
  do {
    before = moving.size;
    resources.filter(([, resource]) => replaced(resource)).forEach(([id]) => moving.add(id));
  } while (moving.size > before);
  return resources.flatMap(([id, resource]) => {
    const anew = resource.Condition !== undefined || replaced(resource);
    const inPlace = changed(resource).length > 0 && !replaced(resource);
    const handlers = [...new Set([...(anew ? MADE_ANEW : []), ...(inPlace ? CHANGED : [])])];
    return handlers.length === 0 ? [] : [{ id, type: resource.Type, properties: resource.Properties ?? {}, handlers }];
  });
}

/** Ids of parameters, conditions and resources that a value refers to. */
function namesIn(value: Value): string[] {
  if (Array.isArray(value)) {
    return (value as Value[]).flatMap(namesIn);
  }
  if (value === null || typeof value !== 'object') {
    return [];
  }
  return Object.entries(value as Properties).flatMap(([key, inner]) => [...referred(key, inner), ...namesIn(inner)]);
}

function referred(key: string, inner: Value): string[] {
  switch (key) {
    case 'Ref':
      return [inner as string];
    case 'Fn::GetAtt':
    case 'Fn::If':
      return [(inner as string[])[0]];
    case 'Fn::Sub':
      return [...(inner as string).matchAll(/\$\{([^}.]+)/g)].map(([, id]) => id);
    default:
      return [];
  }
}

/** Names of the stacks whose outputs the template reads: weakly, so with the role of the update. */
export function stacksRead(value: Value): string[] {
  if (value === null || typeof value !== 'object') {
    return [];
  }
  return Object.entries(value).flatMap(([key, inner]: [string, Value]) => [
    ...(key === 'Fn::GetStackOutput' ? [(inner as { StackName: string }).StackName] : []),
    ...stacksRead(inner),
  ]);
}
