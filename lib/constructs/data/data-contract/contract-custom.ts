import { closest } from '../../shared/checks';
import { finite, list, Part, parts, text } from './contract-document';
import { ContractProblem, shown } from './contract-problem';

/** The custom properties of a contract that this library reads. @internal */
export interface CustomProperties {
  readonly format: 'csv' | 'jsonl';
  readonly nullTokens: string[];
  readonly maxQuarantinePercent?: number;
  readonly newlinesQuoted?: boolean;
}

const CUSTOM = ['format', 'nullTokens', 'newlinesQuoted', 'maxQuarantinePercent'];

/** Reads the custom properties of the whole contract; unknown ones are problems, because a misspelt one would do nothing. @internal */
export function readCustomProperties(document: Part): { custom: CustomProperties; problems: ContractProblem[] } {
  const given = parts(document.customProperties).map((entry, i) => ({
    name: text(entry.property),
    value: entry.value,
    path: `customProperties[${i}]`,
  }));
  const problems: ContractProblem[] = [];
  given.forEach(({ name, path }, i) => {
    if (name !== undefined && given.findIndex((other) => other.name === name) < i) {
      problems.push({ path: `${path}.property`, text: `'${name}' is given twice: keep one` });
    } else if (name !== undefined && !CUSTOM.includes(name)) {
      const meant = closest(name, CUSTOM);
      const hint = meant === undefined ? `allowed are ${CUSTOM.join(', ')}` : `did you mean '${meant}'?`;
      problems.push({ path: `${path}.property`, text: `'${name}' is unknown: ${hint}` });
    }
  });
  const valueOf = (name: string) => given.find((entry) => entry.name === name);
  const check = (name: string, fits: (value: unknown) => boolean, rule: string) => {
    const entry = valueOf(name);
    if (entry !== undefined && !fits(entry.value)) {
      problems.push({ path: `${entry.path}.value`, text: `of '${name}' must be ${rule}, got ${shown(entry.value)}` });
    }
  };
  const format = valueOf('format')?.value ?? 'csv';
  const tokens = (value: unknown) => Array.isArray(value) && value.every((token) => typeof token === 'string' && token !== '');
  check('format', (value) => value === 'csv' || value === 'jsonl', 'csv or jsonl');
  check('nullTokens', tokens, 'a list of texts that are not empty (the empty field is null anyway; put numbers in quotes)');
  check('maxQuarantinePercent', (value) => (finite(value) ?? -1) >= 0 && (value as number) <= 100, 'a number from 0 to 100');
  check('newlinesQuoted', (value) => typeof value === 'boolean', 'true or false');
  if (format === 'jsonl') {
    check('newlinesQuoted', (value) => value !== true, 'false for jsonl, which has one record in each line');
  }
  const nullTokens = valueOf('nullTokens')?.value;
  return {
    custom: {
      format: format === 'jsonl' ? 'jsonl' : 'csv',
      nullTokens: list(nullTokens).filter((token): token is string => typeof token === 'string'),
      maxQuarantinePercent: finite(valueOf('maxQuarantinePercent')?.value),
      newlinesQuoted: valueOf('newlinesQuoted')?.value as boolean | undefined,
    },
    problems: [...problems, ...misplaced(document)],
  };
}

/** Ours, but at a place where nobody reads them. */
function misplaced(document: Part): ContractProblem[] {
  return parts(document.schema).flatMap((object, i) => [
    ...misplacedIn(object, `schema[${i}]`),
    ...parts(object.properties).flatMap((property, j) => misplacedIn(property, `schema[${i}].properties[${j}]`)),
  ]);
}

function misplacedIn(owner: Part, path: string): ContractProblem[] {
  return parts(owner.customProperties).flatMap(({ property }, i) =>
    CUSTOM.includes(property as string)
      ? [{ path: `${path}.customProperties[${i}]`, text: `'${String(property)}' is read only at the top of the contract: move it there` }]
      : [],
  );
}
