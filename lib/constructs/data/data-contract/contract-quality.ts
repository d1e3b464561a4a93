import { list, Part, part, parts, text } from './contract-document';
import { invalidPattern } from './contract-options';
import { ContractProblem, shown } from './contract-problem';
import { ColumnType, CompiledColumn } from '../contract';

/** What quality rules demand of a column. @internal */
export interface QualityDemands {
  readonly required: boolean;
  readonly pattern?: string;
  readonly allowed?: readonly string[];
}

/** What a rule is about. @internal */
export interface RuleContext {
  /** Place of the list of rules. */
  readonly path: string;
  /** Columns that the rules are about: one, or none for those of the whole object. */
  readonly column?: Pick<CompiledColumn, 'name'> & { readonly type: ColumnType };
  readonly primaryKey: readonly string[];
  readonly nullTokens: readonly string[];
}

const TYPE_HELP: Readonly<Record<string, string>> = {
  text: 'a text is for people: put it into a description',
  sql: 'there is no database to ask: use a metric, or check it where the data is used',
  custom: 'rules of other engines are not run: use a metric',
};

/** Reads the rules of a column or of the whole object. A rule that cannot be checked is a problem, never skipped. @internal */
export function readQuality(rules: unknown, context: RuleContext): { demands: QualityDemands; problems: ContractProblem[] } {
  const problems: ContractProblem[] = [];
  const demands: { required: boolean; pattern?: string; allowed?: string[] } = { required: false };
  parts(rules).forEach((rule, i) => {
    const path = `${context.path}[${i}]`;
    const unfit = unfitRule(rule, path);
    const demand = unfit.length > 0 ? unfit : demandOf(rule, path, context);
    if (Array.isArray(demand)) {
      problems.push(...demand);
      return;
    }
    const twice = (['pattern', 'allowed'] as const).filter((name) => demand[name] !== undefined && demands[name] !== undefined);
    problems.push(
      ...twice.map((name) => ({ path, text: `gives a second ${name === 'pattern' ? 'pattern' : 'list of values'}: make one of both` })),
    );
    Object.assign(demands, demand, { required: demands.required || demand.required });
  });
  return { demands, problems };
}

/** What no metric can make up for. */
function unfitRule(rule: Part, path: string): ContractProblem[] {
  const type = text(rule.type) ?? 'library';
  if (type !== 'library') {
    return [{ path: `${path}.type`, text: `'${type}' cannot be checked here: ${TYPE_HELP[type] ?? 'use a metric'}` }];
  }
  const problems: ContractProblem[] = [];
  if (rule.metric === undefined) {
    problems.push({ path: `${path}.metric`, text: 'is missing: use nullValues, missingValues, invalidValues or duplicateValues' });
  }
  const operator = Object.keys(rule).find((name) => name.startsWith('must'));
  if (operator !== undefined && (operator !== 'mustBe' || rule.mustBe !== 0)) {
    problems.push({
      path: `${path}.${operator}`,
      text: `must be 'mustBe: 0', got ${shown(rule[operator])}: every record is judged on its own, and one that breaks the rule goes to quarantine`,
    });
  }
  if (rule.severity !== undefined && rule.severity !== 'error') {
    problems.push({
      path: `${path}.severity`,
      text: `must be 'error', got ${shown(rule.severity)}: what breaks a rule goes to quarantine; leave the rule out where that is too much`,
    });
  }
  return problems;
}

function demandOf(rule: Part, path: string, context: RuleContext): (Partial<QualityDemands> & { required: boolean }) | ContractProblem[] {
  const given = part(rule.arguments);
  const { column } = context;
  if (rule.metric === 'duplicateValues') {
    return duplicates(given, path, context);
  }
  if (rule.metric === 'rowCount' || column === undefined) {
    return [
      {
        path: `${path}.metric`,
        text: `'${String(rule.metric)}' cannot be checked here: ${column === undefined ? 'give it to a column' : 'files come in one by one'}`,
      },
    ];
  }
  switch (rule.metric) {
    case 'nullValues':
      return unknownArguments(given, [], path) ?? { required: true };
    case 'missingValues':
      return missing(given, path, context);
    case 'invalidValues':
      return invalid(given, path, column.type);
    default:
      return [];
  }
}

/** Primary keys are unique within a file; other uniqueness is not looked for. */
function duplicates(given: Part, path: string, { column, primaryKey }: RuleContext): { required: boolean } | ContractProblem[] {
  const unknown = unknownArguments(given, column === undefined ? ['properties'] : [], path);
  if (unknown !== undefined) {
    return unknown;
  }
  const names = column === undefined ? list(given.properties) : [column.name];
  const isKey = names.length === primaryKey.length && names.every((name) => primaryKey.includes(name as string));
  return isKey && names.length > 0
    ? { required: false }
    : [{ path, text: `cannot be checked here: only the primary key (${primaryKey.join(', ') || 'none'}) is kept unique` }];
}

function missing(given: Part, path: string, { nullTokens }: RuleContext): { required: boolean } | ContractProblem[] {
  const unknown = unknownArguments(given, ['missingValues'], path);
  if (unknown !== undefined) {
    return unknown;
  }
  const others = list(given.missingValues).filter((value) => value !== null && value !== '' && !nullTokens.includes(String(value)));
  return others.length === 0
    ? { required: true }
    : [
        {
          path: `${path}.arguments.missingValues`,
          text: `has ${others.map(shown).join(', ')}, which the contract does not call null: add them to the custom property 'nullTokens'`,
        },
      ];
}

function invalid(
  given: Part,
  path: string,
  type: ColumnType,
): { required: boolean; pattern?: string; allowed?: string[] } | ContractProblem[] {
  const unknown = unknownArguments(given, ['validValues', 'pattern'], path);
  if (unknown !== undefined) {
    return unknown;
  }
  if (given.validValues === undefined && given.pattern === undefined) {
    return [{ path: `${path}.arguments`, text: "must have 'validValues' or 'pattern', or nothing would be invalid" }];
  }
  const pattern = text(given.pattern);
  const wrongPattern = given.pattern === undefined ? undefined : pattern === undefined ? 'must be a text' : invalidPattern(pattern);
  const problems = [
    ...(wrongPattern === undefined ? [] : [{ path: `${path}.arguments.pattern`, text: wrongPattern }]),
    ...(given.validValues === undefined ? [] : wrongValues(given.validValues, `${path}.arguments.validValues`, type)),
  ];
  return problems.length > 0
    ? problems
    : {
        required: false,
        ...(pattern === undefined ? {} : { pattern }),
        ...(given.validValues === undefined ? {} : { allowed: list(given.validValues).map(String) }),
      };
}

/** Lexical forms in which a value of a list can be compared as text; decimals and times have several for one value. */
const FORMS: Readonly<Record<string, RegExp>> = {
  string: /^/,
  integer: /^(0|-?[1-9]\d{0,15})$/,
  boolean: /^(true|false)$/,
  date: /^\d{4}-\d\d-\d\d$/,
};

function wrongValues(values: unknown, path: string, type: ColumnType): ContractProblem[] {
  if (!Array.isArray(values) || values.length === 0) {
    return [{ path, text: 'must be a list of at least one value, or no value would be valid' }];
  }
  const form = FORMS[type];
  if (form === undefined) {
    return [{ path, text: `cannot be checked for a ${type}, whose values have several spellings: use a string column, or a range` }];
  }
  const scalar = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value);
  const wrong = values.filter((value) => !scalar(value) || value === '' || !form.test(String(value)));
  return wrong.length === 0 ? [] : [{ path, text: `has ${wrong.map(shown).join(', ')}, which is no value of type ${type}` }];
}

function unknownArguments(given: Part, known: readonly string[], path: string): ContractProblem[] | undefined {
  const unknown = Object.keys(given).filter((name) => !known.includes(name));
  return unknown.length === 0
    ? undefined
    : unknown.map((name) => ({
        path: `${path}.arguments.${name}`,
        text: `is unknown: allowed ${known.length === 0 ? 'is none' : `are ${known.join(', ')}`}`,
      }));
}
