import validate from 'asl-validator';
import { Check, Problem } from '../check';
import { ofType } from '../template';

/** Every state machine definition is valid Amazon States Language. Tokens inside it become placeholders. */
export const stateMachines: Check = {
  name: 'state-machines',
  run: ({ template }) =>
    ofType(template, 'AWS::StepFunctions::StateMachine').flatMap(([resource, { Properties }]): Problem[] => {
      const text = definitionText(Properties.DefinitionString) ?? (Properties.Definition && JSON.stringify(Properties.Definition));
      if (text === undefined) {
        return Properties.DefinitionS3Location === undefined
          ? [{ resource, problem: 'the state machine has no definition: give Definition, DefinitionString or DefinitionS3Location' }]
          : [];
      }
      let definition;
      try {
        definition = JSON.parse(text);
      } catch (error) {
        return [{ resource, problem: `the definition is not JSON: ${(error as Error).message}` }];
      }
      const { errors } = validate(definition, { checkPaths: true, checkArn: false });
      return errors.map((error) => ({ resource, problem: `definition: ${error.Message ?? JSON.stringify(error)}` }));
    }),
};

/** The text with placeholders for what is known only at deployment; undefined when nothing of it is known. */
function definitionText(value: unknown): string | undefined {
  if (typeof value === 'string') {
    return value;
  }
  const join = (value as Record<string, [string, unknown[]]> | undefined)?.['Fn::Join'];
  return join?.[1].map((part) => (typeof part === 'string' ? part : 'placeholder')).join(join[0]);
}
