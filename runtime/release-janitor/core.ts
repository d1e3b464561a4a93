/** A model or an endpoint configuration that carries the tag of the workload. */
export interface Leftover {
  readonly name: string;
  /** Milliseconds. */
  readonly createdAt: number;
  /** The stack of its endpoint; unknown for what no version and no stack made. */
  readonly stack?: string;
}

export interface Configuration extends Leftover {
  /** Names of the models of all its variants. */
  readonly models: readonly string[];
}

/** What a stack says of its models and endpoint configurations. */
export interface StackResources {
  /** Undefined when there is no such stack. */
  readonly status?: string;
  /** Names of the models and configurations that it has now. */
  readonly names: readonly string[];
}

export interface Inventory {
  /** Milliseconds. */
  readonly now: number;
  readonly configurations: readonly Configuration[];
  readonly models: readonly Leftover[];
  /** Configurations that an endpoint uses or is changing to. */
  readonly used: readonly string[];
  readonly stacks: Readonly<Record<string, StackResources>>;
}

/** What may go, in the order in which it may go: a model only after the configurations that name it. */
export interface Unneeded {
  readonly configurations: readonly string[];
  readonly models: readonly string[];
}

/** Newest ones of each stack that stay, for a way back. */
export const KEPT = 3;
/** Nothing younger goes: somebody may be about to use it. Milliseconds. */
export const MINIMUM_AGE = 24 * 3600 * 1000;
/** A stack in any other state may still go back to what it had. */
const SETTLED = /^(CREATE|UPDATE|UPDATE_ROLLBACK|IMPORT)_COMPLETE$/;

/** The models and endpoint configurations that nothing needs any more. What belongs to no known stack stays. */
export function unneeded({ now, configurations, models, used, stacks }: Inventory): Unneeded {
  const named = new Set([...used, ...Object.values(stacks).flatMap(({ names }) => names)]);
  const old = ({ createdAt }: Leftover) => now - createdAt >= MINIMUM_AGE;
  const settled = ({ stack }: Leftover) => {
    const status = stack === undefined ? undefined : stacks[stack]?.status;
    return stack !== undefined && stacks[stack] !== undefined && (status === undefined || SETTLED.test(status));
  };
  const removable = (all: readonly Leftover[], needed: ReadonlySet<string>) => {
    const newest = newestOfEach(all);
    return all.filter((one) => settled(one) && old(one) && !needed.has(one.name) && !newest.has(one.name)).map(({ name }) => name);
  };
  const goingConfigurations = removable(configurations, named);
  const staying = configurations.filter(({ name }) => !goingConfigurations.includes(name));
  return {
    configurations: goingConfigurations,
    models: removable(models, new Set([...named, ...staying.flatMap((configuration) => configuration.models)])),
  };
}

function newestOfEach(all: readonly Leftover[]): Set<string> {
  const byStack = new Map<string | undefined, Leftover[]>();
  for (const one of all) {
    byStack.set(one.stack, [...(byStack.get(one.stack) ?? []), one]);
  }
  const newestFirst = (a: Leftover, b: Leftover) => b.createdAt - a.createdAt || (a.name < b.name ? -1 : 1);
  return new Set([...byStack.values()].flatMap((some) => some.sort(newestFirst).slice(0, KEPT)).map(({ name }) => name));
}
