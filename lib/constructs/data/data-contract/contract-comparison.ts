import { closest } from '../../shared/checks';
import { Comparison, FileRule, holds, OPERATORS } from './contract';
import { finite, list, Part } from './contract-document';
import { ContractProblem, shown } from './contract-problem';

const UNITS = ['rows', 'percent'] as const;

/** How a quality rule compares, or why it cannot. Undefined without operator: the schema of the standard reports that. @internal */
export function readComparison(rule: Part, path: string): Comparison | ContractProblem[] | undefined {
  const operator = OPERATORS.find((name) => rule[name] !== undefined);
  if (operator === undefined) {
    return undefined;
  }
  const unit = UNITS.find((name) => name === (rule.unit ?? 'rows'));
  if (unit === undefined) {
    const meant = closest(String(rule.unit), UNITS);
    const hint = meant === undefined ? '' : `; did you mean '${meant}'?`;
    return [{ path: `${path}.unit`, text: `must be rows or percent, got ${shown(rule.unit)}${hint}` }];
  }
  const limits = operator.endsWith('Between') ? list(rule[operator]) : [rule[operator]];
  const wrong = limits.flatMap((limit) => limitProblem(limit, unit));
  if (wrong.length > 0) {
    return [{ path: `${path}.${operator}`, text: `${wrong[0]}, got ${shown(rule[operator])}` }];
  }
  const comparison: Comparison = { unit, operator, limits: limits as number[] };
  const pointless = pointlessness(comparison);
  return pointless === undefined ? comparison : [{ path: `${path}.${operator}`, text: `${pointless}, got ${shown(rule[operator])}` }];
}

function limitProblem(limit: unknown, unit: Comparison['unit']): string[] {
  const value = finite(limit) ?? NaN;
  if (unit === 'percent') {
    return value >= 0 && value <= 100 ? [] : ['must be a number from 0 to 100, because the unit is percent'];
  }
  return Number.isSafeInteger(value) && value >= 0 ? [] : ['must be a whole number of rows, at least 0'];
}

/** Why a comparison says nothing: no count fulfils it, or every one does. */
function pointlessness(comparison: Comparison): string | undefined {
  const { operator, limits, unit } = comparison;
  if (limits.length === 2 && limits[0] >= limits[1]) {
    return 'must give the smaller number first';
  }
  const kept = samples([comparison]).map((value) => holds(comparison, value));
  if (!kept.includes(true)) {
    const bounds = operator === 'mustBeBetween' ? ' (both bounds lie outside)' : '';
    return `cannot be fulfilled by any number of ${unit}${bounds}`;
  }
  return kept.includes(false) ? undefined : `is fulfilled by every number of ${unit}, so it asks for nothing`;
}

/**
 * Numbers between which comparisons of one unit do not change their verdicts: what holds for all of these holds for all there are.
 *
 * @internal
 */
export function samples(comparisons: readonly Comparison[]): number[] {
  const limits = comparisons.flatMap((comparison) => comparison.limits);
  if (comparisons[0]?.unit === 'rows') {
    return [...new Set([0, ...limits.flatMap((limit) => [limit - 1, limit, limit + 1])])].filter((value) => value >= 0);
  }
  const edges = [...new Set([0, ...limits, 100])].sort((a, b) => a - b);
  return [...edges, ...edges.slice(1).map((edge, i) => (edge + edges[i]) / 2)];
}

/** What a rule counts: rules of one target compare the same number. @internal */
export function targetOf({ metric, columns, missing, allowed, pattern, unit }: FileRule): string {
  const sorted = (texts?: readonly string[]) => [...(texts ?? [])].sort();
  return JSON.stringify([metric, sorted(columns), sorted(missing), allowed === undefined ? null : sorted(allowed), pattern ?? null, unit]);
}

/** Rules that no count can fulfil together. @internal */
export function contradictoryRules(rules: readonly FileRule[]): ContractProblem[] {
  const groups = new Map<string, FileRule[]>();
  rules.forEach((rule) => groups.set(targetOf(rule), [...(groups.get(targetOf(rule)) ?? []), rule]));
  return [...groups.values()]
    .filter((group) => !samples(group).some((value) => group.every((rule) => holds(rule, value))))
    .map((group) => ({
      path: group.at(-1)!.path,
      text: `contradicts ${group
        .slice(0, -1)
        .map(({ path }) => path)
        .join(' and ')}: no number of ${group[0].unit} fulfils all of them`,
    }));
}
