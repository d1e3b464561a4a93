import { ResourceView } from './resource-view';
import { entries, get, literal, resourceIn, written } from './values';

/** A statement of a policy that allows something. @internal */
export interface Statement {
  /** Literal actions. */
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditional: boolean;
}

/** What each role may do, by the path of the role: inline policies and those attached to it. @internal */
export function statementsOf(roles: readonly ResourceView[], policies: readonly ResourceView[]): Map<string, Statement[]> {
  const rights = new Map<string, Statement[]>();
  for (const role of roles) {
    const inline = entries(get(role.properties, 'Policies')) ?? [];
    rights.set(
      role.path,
      inline.flatMap((policy) => allowed(get(policy, 'PolicyDocument'))),
    );
  }
  for (const policy of policies) {
    const statements = allowed(get(policy.properties, 'PolicyDocument'));
    for (const role of entries(get(policy.properties, 'Roles')) ?? []) {
      rights.get(resourceIn(written(role) ?? '')?.path ?? '')?.push(...statements);
    }
  }
  return rights;
}

/** Statements of a policy document that allow. @internal */
export function allowed(document: unknown): Statement[] {
  return (entries(get(document, 'Statement')) ?? [])
    .filter((statement) => literal(get(statement, 'Effect')) === 'Allow')
    .map((statement) => ({
      actions: texts(get(statement, 'Action')),
      resources: texts(get(statement, 'Resource')),
      conditional: get(statement, 'Condition') !== undefined,
    }));
}

const texts = (value: unknown): string[] => (entries(value) ?? []).map(written).filter((text) => text !== undefined);
