import validate from 'asl-validator';
import { Check, Problem } from '../check';
import { ofType } from '../template';
import { fill, written } from '../text';

/* eslint-disable @typescript-eslint/no-explicit-any -- properties of a template */

/** What may stand for a value outside quotation marks: its kind is known only at deployment, so the kind that fits best is judged. */
const BARE = ['1', 'true', '"placeholder"', '{}', '[]'];

/** Fields of Amazon States Language that take numbers. */
const NUMBERS = /Seconds$|^Max|Rate$|Percentage$|Count$/;

/** Every state machine definition is valid Amazon States Language. Tokens inside it become placeholders. */
export const stateMachines: Check = {
  name: 'state-machines',
  run: ({ template }) =>
    ofType(template, 'AWS::StepFunctions::StateMachine').flatMap(([resource, { Properties }]): Problem[] => {
      const { DefinitionString: string, Definition: body, DefinitionS3Location: location } = Properties;
      if (string === undefined && body === undefined && location === undefined) {
        return [{ resource, problem: 'the state machine has no definition: give Definition, DefinitionString or DefinitionS3Location' }];
      }
      return definitionProblems(Properties).map((problem) => ({ resource, problem }));
    }),
};

function definitionProblems(properties: Record<string, any>): string[] {
  const text = properties.Definition === undefined ? written(properties.DefinitionString) : JSON.stringify(plain(properties.Definition));
  if (text === undefined || fill(text, () => '') === '') {
    return [];
  }
  const names = Object.keys(properties.DefinitionSubstitutions ?? {});
  const marked = names.reduce((sum, name) => sum.replaceAll(`\${${name}}`, written({ Ref: name })!), text);
  let best: string[] | undefined;
  for (const filled of new Set(BARE.map((bare) => fill(marked, (_, before) => (quoted(before) ? 'placeholder' : bare))))) {
    const problems = judged(filled);
    if (best === undefined || problems.length < best.length) {
      best = problems;
    }
    if (best.length === 0) {
      break; // a judgement takes a tenth of a second
    }
  }
  return best!;
}

function judged(text: string): string[] {
  let definition;
  try {
    definition = JSON.parse(text);
  } catch (error) {
    return [`the definition is not JSON: ${(error as Error).message}`];
  }
  const { errors } = validate(definition, { checkPaths: true, checkArn: false });
  return errors.map((error) => `definition: ${error.Message ?? JSON.stringify(error)}`);
}

/** Whether a JSON text that ends here ends inside a string. */
function quoted(text: string): boolean {
  return (text.replaceAll(/\\./gs, '').split('"').length - 1) % 2 === 1;
}

/** A definition given as an object, its functions as texts. */
function plain(value: any, key = ''): any {
  if (typeof value !== 'object' || value === null) {
    return value;
  }
  if (Array.isArray(value)) {
    return value.map((child) => plain(child));
  }
  const [first, ...others] = Object.keys(value);
  if (others.length === 0 && /^(Ref$|Fn::)/.test(first ?? '')) {
    return NUMBERS.test(key) ? 1 : 'placeholder';
  }
  return Object.fromEntries(Object.entries(value).map(([name, child]) => [name, plain(child, name)]));
}
