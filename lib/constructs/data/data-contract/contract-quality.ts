import { FileRule } from './contract';
import { readComparison } from './contract-comparison';
import { Part, parts, text } from './contract-document';
import { AppliedRule, applyMetric, QualityDemands, RuleContext } from './contract-metrics';
import { ContractProblem, shown } from './contract-problem';
import { unreadTerms } from './contract-terms';

/** What a list of rules comes to. @internal */
export interface ReadQuality {
  readonly demands: QualityDemands;
  readonly fileRules: FileRule[];
  readonly problems: ContractProblem[];
}

const TYPE_HELP: Readonly<Record<string, string>> = {
  text: 'a text is for people: put it into a description',
  sql: 'there is no database to ask: use a metric, or check it where the data is used',
  custom: 'rules of other engines are not run: use a metric',
};

/** Reads the rules of a column or of the whole object. A rule that cannot be checked is a problem, never skipped. @internal */
export function readQuality(rules: unknown, context: RuleContext): ReadQuality {
  const problems: ContractProblem[] = [];
  const fileRules: FileRule[] = [];
  let demands: QualityDemands = {};
  parts(rules).forEach((rule, i) => {
    const path = `${context.path}[${i}]`;
    const applied = readRule(rule, path, context);
    if (Array.isArray(applied)) {
      problems.push(...applied);
    } else if ('fileRule' in applied) {
      fileRules.push(applied.fileRule);
    } else {
      const { demands: more } = applied;
      problems.push(...secondOnes(demands, more, path));
      demands = { ...demands, ...more };
    }
  });
  return { demands, fileRules, problems };
}

const SECOND = { pattern: 'pattern', allowed: 'list of values', missing: 'list of missing values' } as const;

function secondOnes(given: QualityDemands, more: QualityDemands, path: string): ContractProblem[] {
  const twice = (Object.keys(SECOND) as (keyof typeof SECOND)[]).filter((name) => given[name] !== undefined && more[name] !== undefined);
  return twice.map((name) => ({ path, text: `gives a second ${SECOND[name]}: make one of both` }));
}

function readRule(rule: Part, path: string, context: RuleContext): AppliedRule | ContractProblem[] {
  const type = text(rule.type) ?? 'library';
  if (type !== 'library') {
    return [{ path: `${path}.type`, text: `'${type}' cannot be checked here: ${TYPE_HELP[type] ?? 'use a metric'}` }];
  }
  const unfit = unfitKeys(rule, path);
  const comparison = readComparison(rule, path);
  if (unfit.length > 0 || comparison === undefined || Array.isArray(comparison)) {
    return [...unfit, ...(Array.isArray(comparison) ? comparison : [])];
  }
  return applyMetric(rule, comparison, path, context);
}

function unfitKeys(rule: Part, path: string): ContractProblem[] {
  const problems = unreadTerms(rule, 'quality', path);
  if (rule.metric === undefined) {
    const metrics = 'nullValues, missingValues, invalidValues, duplicateValues or rowCount';
    problems.push({ path: `${path}.metric`, text: `is missing: use ${metrics}` });
  }
  if (rule.severity !== undefined && rule.severity !== 'error') {
    problems.push({
      path: `${path}.severity`,
      text: `must be 'error', got ${shown(rule.severity)}: what breaks a rule goes to quarantine, or the file is rejected; leave the rule out where that is too much`,
    });
  }
  return problems;
}
