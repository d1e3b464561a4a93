/** Something wrong at a place of a contract. @internal */
export interface ContractProblem {
  /** Place in the document, such as `schema[0].properties[2].name`; the whole document is empty. */
  readonly path: string;
  /** What is wrong, what is allowed, what to do. */
  readonly text: string;
}

/** One problem in words. @internal */
export function inWords({ path, text }: ContractProblem): string {
  return path === '' ? `the contract ${text}` : `'${path}' ${text}`;
}

/**
 * The problems without those that only follow from another one: of a value that the standard's schema refuses, no check of ours says more.
 *
 * @internal
 */
export function withoutConsequences(ofSchema: readonly ContractProblem[], ours: readonly ContractProblem[]): ContractProblem[] {
  const related = (a: string, b: string) => a === b || a.startsWith(`${b}.`) || a.startsWith(`${b}[`);
  const known = ours.filter(
    ({ path }) => !ofSchema.some((other) => other.path !== '' && (related(path, other.path) || related(other.path, path))),
  );
  return [...ofSchema, ...known];
}

/** A value as messages show it. @internal */
export function shown(value: unknown): string {
  const text = JSON.stringify(value) ?? String(value);
  return text.length > 60 ? `${text.slice(0, 57)}...` : text;
}
