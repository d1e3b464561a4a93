import { ErrorObject, ValidateFunction } from 'ajv';
import Ajv2019 from 'ajv/dist/2019';
import addFormats from 'ajv-formats';
import { closest } from '../../shared/checks';
import { ContractProblem, shown } from './contract-problem';
import { STANDARDS } from './contract-version';

type Schema = { readonly [keyword: string]: unknown };
type SchemaError = ErrorObject<string, Record<string, unknown>>;

/**
 * The standard's own schemas have types and examples that Ajv's strict mode takes for mistakes. They do not change, so they are not checked again
 * (a test does), and they are used for a few documents: code that is made fast beats fast code.
 */
function compile(standard: object): ValidateFunction {
  const ajv = new Ajv2019({
    allErrors: true,
    verbose: true,
    strict: false,
    validateSchema: false,
    inlineRefs: false,
    code: { optimize: false },
  });
  addFormats(ajv);
  return ajv.compile(standard);
}

/** By version of the standard: compiled once, and only in apps that read such a contract. */
const compiled = new Map<string, ValidateFunction>();

/** Keywords that say only that something inside them failed. */
const WRAPPERS = new Set(['if', 'allOf', 'anyOf', 'oneOf']);

/** What the schema of a version of the standard has against a document. @internal */
export function schemaProblems(document: unknown, version: string): ContractProblem[] {
  const standard = STANDARDS[version] as Schema;
  const validate = compiled.get(version) ?? compile(standard);
  compiled.set(version, validate);
  if (validate(document)) {
    return [];
  }
  const errors = ((validate.errors ?? []) as SchemaError[]).filter((error) => !followsFromMissingType(error, document));
  const problems = [...operators(errors), ...alternatives(errors), ...errors.flatMap((error) => problemOf(error, errors, standard))];
  return [...new Map(problems.map((problem) => [`${problem.path} ${problem.text}`, problem])).values()];
}

/** Without a type the options are held against those of every type at once. */
function followsFromMissingType({ instancePath }: SchemaError, document: unknown): boolean {
  const column = /^(.*)\/logicalTypeOptions(\/|$)/.exec(instancePath)?.[1];
  const value = column
    ?.split('/')
    .slice(1)
    .reduce<unknown>((inner, part) => (inner as Schema)[part], document);
  return value !== undefined && (value as Schema).logicalType === undefined;
}

/** A quality rule compares with exactly one operator; the schema says so with eight alternatives. */
function operators(errors: readonly SchemaError[]): ContractProblem[] {
  return errors
    .filter(({ keyword, schema }) => keyword === 'oneOf' && isOperators(schema))
    .map(({ instancePath, schema }) => ({ path: pathOf(instancePath), text: `needs exactly one of ${operatorNames(schema).join(', ')}` }));
}

/** A value that has none of the allowed forms, when nothing inside it says why. */
function alternatives(errors: readonly SchemaError[]): ContractProblem[] {
  return errors
    .filter(({ keyword, schema, instancePath }) => isAlternative(keyword) && !isOperators(schema) && !explained(instancePath, errors))
    .map(({ instancePath, data }) => ({
      path: pathOf(instancePath),
      text: `has none of the forms that the standard allows, got ${shown(data)}`,
    }));
}

const isAlternative = (keyword: string) => keyword === 'anyOf' || keyword === 'oneOf';

function explained(instancePath: string, errors: readonly SchemaError[]): boolean {
  const inside = (error: SchemaError) => error.instancePath === instancePath || error.instancePath.startsWith(`${instancePath}/`);
  return errors.some((error) => inside(error) && !WRAPPERS.has(error.keyword) && error.keyword !== 'type');
}

function problemOf(error: SchemaError, errors: readonly SchemaError[], standard: Schema): ContractProblem[] {
  const { keyword, instancePath, params, data } = error;
  const path = pathOf(instancePath);
  const ofAlternative = errors.some((other) => isAlternative(other.keyword) && other.instancePath === instancePath);
  if (WRAPPERS.has(keyword) || (ofAlternative && (keyword === 'type' || isOperator(params.missingProperty)))) {
    return [];
  }
  switch (keyword) {
    case 'additionalProperties':
    case 'unevaluatedProperties':
      return unknownKey(error, path, standard);
    case 'required':
      return [{ path: join(path, params.missingProperty as string), text: 'is missing' }];
    case 'enum':
      return [{ path, text: `must be one of ${(params.allowedValues as unknown[]).join(', ')}, got ${shown(data)}` }];
    default:
      return [{ path, text: `${error.message}, got ${shown(data)}` }];
  }
}

/** A failed branch takes its known keys with it, so that the schema calls them unknown: those are no problem. */
function unknownKey({ params, parentSchema }: SchemaError, path: string, standard: Schema): ContractProblem[] {
  const name = (params.additionalProperty ?? params.unevaluatedProperty) as string;
  const known = keysOf(parentSchema as Schema, standard.$defs as Record<string, Schema>);
  if (known.includes(name)) {
    return [];
  }
  const meant = closest(name, known);
  const hint = meant === undefined ? `known here are ${known.join(', ')}` : `did you mean '${meant}'?`;
  return [{ path: join(path, name), text: `is unknown to the standard: ${hint}` }];
}

/** Every key that a schema knows, also through references and branches. */
function keysOf(schema: Schema, definitions: Record<string, Schema>): string[] {
  const inner = [schema.allOf, schema.anyOf, schema.oneOf].flatMap((list) => (list ?? []) as Schema[]);
  const reference = typeof schema.$ref === 'string' ? [definitions[schema.$ref.split('/').at(-1)!]] : [];
  const branches = [...inner, ...reference, ...([schema.then, schema.else].filter((branch) => branch !== undefined) as Schema[])];
  return [...new Set([...Object.keys(schema.properties ?? {}), ...branches.flatMap((branch) => keysOf(branch, definitions))])];
}

const isOperator = (name: unknown) => typeof name === 'string' && name.startsWith('must');

function operatorNames(schema: unknown): string[] {
  return (schema as Schema[]).flatMap(({ required }) => (required ?? []) as string[]);
}

function isOperators(schema: unknown): boolean {
  return operatorNames(schema).some(isOperator);
}

/** `/schema/0/name` as `schema[0].name`. */
function pathOf(instancePath: string): string {
  return instancePath
    .split('/')
    .slice(1)
    .map((part) => part.replaceAll('~1', '/').replaceAll('~0', '~'))
    .reduce(join, '');
}

function join(path: string, part: string): string {
  return /^\d+$/.test(part) ? `${path}[${part}]` : path === '' ? part : `${path}.${part}`;
}
