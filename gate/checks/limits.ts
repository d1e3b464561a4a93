import { readFileSync } from 'node:fs';
import { Check, Problem } from '../check';

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

/** Templates keep a distance from what CloudFormation takes. */
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
    return problems;
  },
};
