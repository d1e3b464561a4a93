/**
 * Decides what the statements of a role allow, for the part of AWS IAM that policies of this project use; anything else throws, so that
 * nothing passes because it was not understood.
 * https://docs.aws.amazon.com/IAM/latest/UserGuide/reference_policies_evaluation-logic.html
 */
export interface Statement {
  readonly Effect: 'Allow' | 'Deny';
  readonly Action: string | readonly string[];
  readonly Resource: string | readonly string[];
  readonly Condition?: { readonly [operator: string]: { readonly [key: string]: string | readonly string[] } };
}

/** One call: who makes it does not matter, only what it names. A key of the context that has several values is a list. */
export interface Call {
  readonly action: string;
  readonly resource: string;
  readonly context?: { readonly [key: string]: string | readonly string[] };
}

/** An explicit denial wins; what nothing allows is denied. */
export function allows(statements: readonly Statement[], call: Call): boolean {
  const matching = statements.filter((statement) => applies(statement, call));
  return matching.some(({ Effect }) => Effect === 'Allow') && !matching.some(({ Effect }) => Effect === 'Deny');
}

function applies(statement: Statement, { action, resource, context = {} }: Call): boolean {
  const unknown = Object.keys(statement).filter((name) => !['Sid', 'Effect', 'Action', 'Resource', 'Condition'].includes(name));
  if (unknown.length > 0) {
    throw new Error(`UnknownElement: this simulator does not know ${unknown.join(', ')} in a statement`);
  }
  return (
    listed(statement.Action).some((pattern) => like(pattern.toLowerCase(), action.toLowerCase())) &&
    listed(statement.Resource).some((pattern) => like(pattern, resource)) &&
    Object.entries(statement.Condition ?? {}).every(([operator, keys]) =>
      Object.entries(keys).every(([key, values]) => holds(operator, listed(values), valueOf(context, key))),
    )
  );
}

/** `*` is any text and `?` any character, also across `:` and `/`. */
export function like(pattern: string, text: string): boolean {
  if (pattern.includes('${')) {
    throw new Error(`UnknownElement: this simulator does not know the variable in ${pattern}`);
  }
  const escaped = pattern
    .replaceAll(/[.+^${}()|[\]\\]/g, '\\$&')
    .replaceAll('*', '.*')
    .replaceAll('?', '.');
  return new RegExp(`^${escaped}$`, 's').test(text);
}

/** In an ARN a wildcard ends with its part: six parts, and the last may hold anything. */
function likeArn(pattern: string, text: string): boolean {
  const [wanted, given] = [partsOf(pattern), partsOf(text)];
  return given.length === wanted.length && wanted.every((part, i) => like(part, given[i]));
}

const partsOf = (arn: string): string[] => {
  const parts = arn.split(':');
  return parts.length <= 6 ? parts : [...parts.slice(0, 5), parts.slice(5).join(':')];
};

const OPERATORS: { readonly [name: string]: (wanted: string, given: string) => boolean } = {
  StringEquals: (wanted, given) => wanted === given,
  StringLike: like,
  ArnEquals: likeArn,
  ArnLike: likeArn,
  Bool: (wanted, given) => wanted.toLowerCase() === given.toLowerCase(),
};

/** A key that the call does not carry does not match, unless the operator says `IfExists` or `ForAllValues`. */
function holds(operator: string, wanted: readonly string[], given: readonly string[] | undefined): boolean {
  const [, set, base, ifExists] = /^(?:(ForAnyValue|ForAllValues):)?(\w+?)(IfExists)?$/.exec(operator) ?? [];
  const matches = OPERATORS[base];
  if (matches === undefined) {
    throw new Error(`UnknownElement: this simulator does not know the operator ${operator}`);
  }
  if (given === undefined) {
    return ifExists !== undefined || set === 'ForAllValues';
  }
  const fits = (value: string) => wanted.some((pattern) => matches(pattern, value));
  if (set === undefined && given.length !== 1) {
    throw new Error(`UnknownElement: ${operator} takes one value, got ${given.join(', ')}: the policy needs ForAnyValue or ForAllValues`);
  }
  return set === 'ForAllValues' ? given.every(fits) : given.some(fits);
}

/** Names of keys are not case-sensitive, those of tags included. */
function valueOf(context: NonNullable<Call['context']>, key: string): readonly string[] | undefined {
  const found = Object.entries(context).find(([name]) => name.toLowerCase() === key.toLowerCase());
  return found && listed(found[1]);
}

/** One or several, as a list. */
export const listed = (value: string | readonly string[]): readonly string[] => (typeof value === 'string' ? [value] : value);
