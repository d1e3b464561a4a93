import { closest } from '../../shared/checks';
import { Part, text } from './contract-document';
import { ContractProblem, shown } from './contract-problem';

/** Classifications that mean personal data, in whatever case; the standard leaves the words open. */
const PERSONAL = ['personal', 'pii', 'phi', 'sensitive'];

/** Whether a column holds personal data. @internal */
export function isPersonal({ classification }: Part): boolean {
  return PERSONAL.includes(text(classification)?.toLowerCase() ?? '');
}

/** A misspelt classification would leave personal data unmarked. @internal */
export function classificationProblems(property: Part, path: string): ContractProblem[] {
  const given = text(property.classification);
  const meant = given === undefined || isPersonal(property) ? undefined : closest(given.trim().toLowerCase(), PERSONAL);
  return meant === undefined
    ? []
    : [{ path: `${path}.classification`, text: `is no word for personal data, but almost, got ${shown(given)}: did you mean '${meant}'?` }];
}
