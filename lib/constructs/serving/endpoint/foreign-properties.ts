/** Why one kind of endpoint has no such property, by the name that it has elsewhere. @internal */
export type ForeignProperties = Readonly<Record<string, string>>;

/** What only endpoints without instances have. @internal */
export const OF_SERVERLESS: ForeignProperties = {
  memory: "are sized by 'instance'",
  maxConcurrency: "are sized by 'instance' and 'scaling'",
  provisionedConcurrency: "keep the instances of 'scaling' warm",
};

/** What only endpoints with a queue have. @internal */
export const OF_QUEUES: ForeignProperties = {
  input: 'answer at once: there is no asynchronous invocation',
  output: 'answer at once: there is no asynchronous invocation',
  successTopic: 'answer at once: nobody has to be told',
  errorTopic: 'answer at once: nobody has to be told',
  maxConcurrentInvocations: 'answer at once: there is no asynchronous invocation',
};

/** What only endpoints have whose requests several variants may answer. @internal */
export const OF_VARIANTS: ForeignProperties = {
  variants: 'have one variant',
  weight: 'have one variant',
  shadow: 'have one variant and no shadow',
};

/** What only instances have that components share. @internal */
export const OF_COMPONENTS: ForeignProperties = {
  minInstances: "have the instances of 'scaling'",
  maxInstances: "have the instances of 'scaling'",
  scaleIn: "have the instances of 'scaling'",
};

/**
 * Problems with properties of other kinds of endpoints. The types have no such property; objects that are shared between endpoints, and callers
 * without types, may, and what is left out silently is missed in production only.
 *
 * @internal
 */
export function foreignProblems(kind: string, props: object, foreign: ForeignProperties): string[] {
  const given = props as Readonly<Record<string, unknown>>;
  return Object.entries(foreign)
    .filter(([name]) => given[name] !== undefined)
    .map(([name, why]) => `'${name}' is not for ${kind}, which ${why}; leave it out or use another endpoint`);
}
