import { readFileSync } from 'node:fs';
import { Template } from '../assembly';
import { Check, Problem } from '../check';
import { ofType } from '../template';
import { fill, written } from '../text';

/** CloudFormation allows 500 resources, 200 outputs, 200 parameters, 1 MB: a stack near a limit cannot take the next feature. */
const LIMITS: [what: 'Resources' | 'Outputs' | 'Parameters' | 'Mappings', most: number][] = [
  ['Resources', 400],
  ['Outputs', 150],
  ['Parameters', 150],
  ['Mappings', 150],
];
const MOST_BYTES = 800_000;
/** https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/cloudformation-limits.html */
const MOST_DYNAMIC_REFERENCES = 60;

/**
 * Bytes of all environment variables of a function (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html). AWS Lambda
 * measures them as JSON, so a quote inside a value counts twice (https://github.com/github-aws-runners/terraform-aws-github-runner/issues/3594).
 */
const MOST_ENVIRONMENT_BYTES = 4096;

/** What is known only at deployment counts as nothing: what is refused here AWS would refuse too. [row 164] */
function environments(template: Template): Problem[] {
  return ofType(template, 'AWS::Lambda::Function').flatMap(([resource, { Properties }]) => {
    const variables = Object.entries(Properties.Environment?.Variables ?? {}).map(([name, value]) => [name, known(value)] as const);
    const bytes = Buffer.byteLength(JSON.stringify(Object.fromEntries(variables)));
    const largest = variables.sort(([, a], [, b]) => b.length - a.length).slice(0, 3);
    return bytes <= MOST_ENVIRONMENT_BYTES
      ? []
      : [
          {
            resource,
            problem: `its environment variables have ${bytes} bytes as JSON, at most ${MOST_ENVIRONMENT_BYTES} deploy (largest: ${largest.map(([name, text]) => `${name} ${text.length}`).join(', ')}): hand them over with the event, or keep them in a parameter or an object that the function reads`,
          },
        ];
  });
}

const known = (value: unknown): string => fill(written(value) ?? '', () => '').replaceAll(/\{\{resolve:[^}]*\}\}/g, '');

/** Templates keep a distance from what CloudFormation takes, and functions within what AWS Lambda takes. */
export const limits: Check = {
  name: 'limits',
  run: ({ template, file }) => {
    const problems: Problem[] = LIMITS.map(([what, most]): [string, number, number] => [
      what,
      Object.keys(template[what] ?? {}).length,
      most,
    ])
      .filter(([, count, most]) => count > most)
      .map(([what, count, most]) => ({ problem: `${count} ${what.toLowerCase()}, at most ${most}: split the stack` }));
    const text = readFileSync(file, 'utf8');
    if (text.length > MOST_BYTES) {
      problems.push({ problem: `${text.length} bytes, at most ${MOST_BYTES}: split the stack` });
    }
    const dynamic = text.match(/\{\{resolve:/g)?.length ?? 0;
    if (dynamic > MOST_DYNAMIC_REFERENCES) {
      problems.push({ problem: `${dynamic} dynamic references, at most ${MOST_DYNAMIC_REFERENCES}: split the stack` });
    }
    return [...problems, ...environments(template)];
  },
};
