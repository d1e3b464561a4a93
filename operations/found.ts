/** Something that `where` knows: what it is, what is known of it, what it came from and what came of it. */
export interface Found {
  readonly kind: 'version' | 'training run' | 'dataset version' | 'file' | 'record' | 'release' | 'endpoint' | 'prediction';
  readonly name: string;
  readonly facts: Readonly<Record<string, string | number | boolean | undefined>>;
  /** Upstream: what it was made from. */
  readonly from?: readonly Found[];
  /** Downstream: what was made of it. */
  readonly to?: readonly Found[];
}

/** Text for people: one line for each fact, and below it what it came from (`<-`) and what came of it (`->`). */
export function printed(found: Found, indent = '', arrow = ''): string[] {
  const inner = `${indent}${' '.repeat(arrow.length)}  `;
  const facts = Object.entries(found.facts).filter(([, value]) => value !== undefined && value !== '');
  const width = Math.max(0, ...facts.map(([name]) => name.length));
  return [
    `${indent}${arrow}${found.kind} ${found.name}`,
    ...facts.map(([name, value]) => `${inner}${name.padEnd(width)}  ${value}`),
    ...(found.from ?? []).flatMap((one) => printed(one, inner, '<- ')),
    ...(found.to ?? []).flatMap((one) => printed(one, inner, '-> ')),
  ];
}

/** Page of an execution in the console of AWS Step Functions. */
export const executionLink = (region: string, arn: string): string =>
  `https://${region}.console.aws.amazon.com/states/home?region=${region}#/v2/executions/details/${arn}`;

/** Page of a log group in the console; it encodes a slash as `$252F`. */
export const logLink = (region: string, group: string): string =>
  `https://${region}.console.aws.amazon.com/cloudwatch/home?region=${region}#logsV2:log-groups/log-group/${group.replaceAll('/', '$252F')}`;
