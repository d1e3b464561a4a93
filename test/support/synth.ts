import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { App, Stack } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { AwsSolutionsChecks } from 'cdk-nag';

/** The context that the blueprint itself runs with: tests must not be laxer. */
export const CONTEXT: Record<string, unknown> = JSON.parse(readFileSync(join(__dirname, '../../cdk.json'), 'utf8')).context;

/** An app with the blueprint's context, in which a finding of the template validator fails synth. */
export function app(): App {
  return new App({ context: CONTEXT });
}

export interface Synthesized<T> {
  built: T;
  stack: Stack;
  template: Template;
  /** cdk-nag AwsSolutions findings that nobody acknowledged, as rule names. */
  nag: string[];
}

/** Builds constructs in a stack of their own and returns them with their template and nag findings. */
export function synth<T>(build: (stack: Stack) => T, env?: { account: string; region: string }): Synthesized<T> {
  const stack = new Stack(app(), 'Test', { env });
  const built = build(stack);
  const report = new AwsSolutionsChecks().validateScope(stack);
  return { built, stack, template: Template.fromStack(stack), nag: report.violations.map((violation) => violation.ruleName).sort() };
}

/** Makes a thing when it is first asked for, and gives the same one ever after: for what nobody changes, such as a template. */
export function once<T>(make: () => T): () => T {
  let made: { it: T } | undefined;
  return () => (made ??= { it: make() }).it;
}

/** What a constructor says when it refuses; empty when it does not. */
export function refusal(build: (stack: Stack) => unknown): string {
  try {
    build(new Stack(app(), 'Test'));
  } catch (error) {
    return (error as Error).message;
  }
  return '';
}
