import { Comparison, ColumnType, CompiledColumn, FileRule } from './contract';
import { list, part, Part, text } from './contract-document';
import { ContractProblem, shown } from './contract-problem';
import { invalidPattern } from './contract-pattern';

/** What quality rules demand of a column's values. @internal */
export interface QualityDemands {
  readonly required?: boolean;
  readonly pattern?: string;
  readonly allowed?: readonly string[];
  readonly missing?: readonly string[];
}

/** What a rule is about. @internal */
export interface RuleContext {
  /** Place of the list of rules. */
  readonly path: string;
  /** The column that the rules are about; none for those of the whole object. */
  readonly column?: Pick<CompiledColumn, 'name'> & { readonly type: ColumnType };
  /** All columns of the object. */
  readonly names: readonly string[];
  readonly primaryKey: readonly string[];
  readonly nullTokens: readonly string[];
}

/** A rule as it is applied: to each record, or to the file. @internal */
export type AppliedRule = { readonly demands: QualityDemands } | { readonly fileRule: FileRule };

/** Where the standard defines a metric (https://bitol-io.github.io/open-data-contract-standard/v3.1.0/data-quality/#metrics). */
const OF_COLUMN = ['nullValues', 'missingValues', 'invalidValues', 'duplicateValues'];
const OF_OBJECT = ['duplicateValues', 'rowCount'];

/** Reads metric and arguments: `mustBe: 0` is a demand on every record, any other comparison judges the file. @internal */
export function applyMetric(rule: Part, comparison: Comparison, path: string, context: RuleContext): AppliedRule | ContractProblem[] {
  const given = part(rule.arguments);
  const { column } = context;
  const metric = rule.metric as FileRule['metric'];
  if (!(column === undefined ? OF_OBJECT : OF_COLUMN).includes(metric)) {
    const place =
      column === undefined
        ? 'counts values of one column: give it to a column'
        : 'counts records: give it to the object, beside its properties';
    return [{ path: `${path}.metric`, text: `'${metric}' ${place}` }];
  }
  if (metric === 'duplicateValues') {
    return duplicates(given, comparison, path, context);
  }
  if (metric === 'rowCount') {
    return rows(given, comparison, path);
  }
  const read = READERS[metric](given, path, context);
  if (Array.isArray(read)) {
    return read;
  }
  const ofEach = comparison.operator === 'mustBe' && comparison.limits[0] === 0;
  const { required: _required, ...counted } = read;
  return ofEach ? { demands: read } : { fileRule: { path, metric, columns: [column!.name], ...counted, ...comparison } };
}

const READERS = {
  nullValues: (given: Part, path: string): QualityDemands | ContractProblem[] => unknownArguments(given, [], path) ?? { required: true },
  missingValues: missing,
  invalidValues: invalid,
};

function rows(given: Part, comparison: Comparison, path: string): AppliedRule | ContractProblem[] {
  if (comparison.unit === 'percent') {
    return [{ path: `${path}.unit`, text: "must be rows for 'rowCount': there is nothing that the rows are a share of" }];
  }
  return unknownArguments(given, [], path) ?? { fileRule: { path, metric: 'rowCount', columns: [], ...comparison } };
}

/** Of the primary key the first record stays and the others go to quarantine; other duplicates judge the file. */
function duplicates(given: Part, comparison: Comparison, path: string, context: RuleContext): AppliedRule | ContractProblem[] {
  const { column, primaryKey } = context;
  const columns = column === undefined ? listedColumns(given, path, context) : (unknownArguments(given, [], path) ?? [column.name]);
  if (!columns.every((name) => typeof name === 'string')) {
    return columns as ContractProblem[];
  }
  const names = columns as string[];
  const coversKey = primaryKey.length > 0 && primaryKey.every((name) => names.includes(name));
  if (!coversKey) {
    return { fileRule: { path, metric: 'duplicateValues', columns: names, ...comparison } };
  }
  if (names.length > primaryKey.length) {
    const text = `has the primary key (${primaryKey.join(', ')}) among its columns, which is kept unique: nothing would be counted, so leave it out`;
    return [{ path, text }];
  }
  return comparison.operator === 'mustBe' && comparison.limits[0] === 0
    ? { demands: {} }
    : [{ path, text: `must be 'mustBe: 0' for the primary key (${primaryKey.join(', ')}), of which a second record goes to quarantine` }];
}

function listedColumns(given: Part, path: string, { names }: RuleContext): string[] | ContractProblem[] {
  const unknown = unknownArguments(given, ['properties'], path);
  if (unknown !== undefined) {
    return unknown;
  }
  const listed = list(given.properties);
  const place = `${path}.arguments.properties`;
  if (listed.length === 0) {
    return [{ path: place, text: 'is missing or empty: list the columns whose combination must differ' }];
  }
  const wrong = listed.filter((name, i) => !names.includes(name as string) || listed.indexOf(name) < i);
  return wrong.length === 0
    ? (listed as string[])
    : [{ path: place, text: `must list columns, each once; no such column, or twice: ${wrong.map(shown).join(', ')}` }];
}

/** No value is missing, and so is each text of the list. */
function missing(given: Part, path: string, { column, nullTokens }: RuleContext): QualityDemands | ContractProblem[] {
  const unknown = unknownArguments(given, ['missingValues'], path);
  if (unknown !== undefined) {
    return unknown;
  }
  const place = `${path}.arguments.missingValues`;
  if (given.missingValues !== undefined && !Array.isArray(given.missingValues)) {
    return [{ path: place, text: `must be a list, got ${shown(given.missingValues)}` }];
  }
  const texts = list(given.missingValues).filter((value) => value !== null && value !== '' && !nullTokens.includes(String(value)));
  if (texts.length === 0) {
    return { required: true };
  }
  const problems = wrongValues(texts, place, column!.type);
  return problems.length > 0 ? problems : { required: true, missing: texts.map(String) };
}

function invalid(given: Part, path: string, { column }: RuleContext): QualityDemands | ContractProblem[] {
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
    ...(given.validValues === undefined ? [] : wrongValues(given.validValues, `${path}.arguments.validValues`, column!.type)),
  ];
  return problems.length > 0
    ? problems
    : {
        ...(pattern === undefined ? {} : { pattern }),
        ...(given.validValues === undefined ? {} : { allowed: list(given.validValues).map(String) }),
      };
}

/** Lexical forms in which a value of a list can be compared as text; decimals and times have several for one value. */
const FORMS: Readonly<Record<string, (text: string) => boolean>> = {
  string: () => true,
  integer: (text) => /^(0|-?[1-9]\d{0,15})$/.test(text) && Number.isSafeInteger(Number(text)),
  boolean: (text) => /^(true|false)$/.test(text),
  date: isDay,
};

/** A day of the years 0001 to 9999 that exists: of another one the text is not what comes back. */
function isDay(text: string): boolean {
  const time = /^\d{4}-\d\d-\d\d$/.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return !Number.isNaN(time) && !text.startsWith('0000') && new Date(time).toISOString().startsWith(text);
}

function wrongValues(values: unknown, path: string, type: ColumnType): ContractProblem[] {
  if (!Array.isArray(values) || values.length === 0) {
    return [{ path, text: 'must be a list of at least one value, or no value would be valid' }];
  }
  const form = FORMS[type];
  if (form === undefined) {
    return [{ path, text: `cannot be checked for a ${type}, whose values have several spellings: use a string column, or a range` }];
  }
  const scalar = (value: unknown) => ['string', 'number', 'boolean'].includes(typeof value);
  const wrong = values.filter((value) => !scalar(value) || value === '' || !form(String(value)));
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
