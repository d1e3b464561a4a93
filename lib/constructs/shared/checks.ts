import { Duration, Size, Token } from 'aws-cdk-lib';
import { IConstruct } from 'constructs';

export { closest } from './contract';

/** Throws one error that names every problem and the construct; does nothing when there is none. @internal */
export function failOn(scope: IConstruct, code: string, problems: string[]): void {
  if (problems.length > 0) {
    throw new Error(`${code}: ${problems.join('; ')} [at ${scope.node.path}]`);
  }
}

/** Throws one error for a value that has no place in the construct tree, such as a parsed file. @internal */
export function failOnFile(file: string, code: string, problems: string[]): void {
  if (problems.length > 0) {
    throw new Error(`${code}: ${problems.join('; ')} [in ${file}]`);
  }
}

/** Problem when a number is outside `min` to `max`; Tokens pass. @internal */
export function outsideRange(name: string, value: number | undefined, min: number, max: number): string[] {
  if (value === undefined || Token.isUnresolved(value) || (value >= min && value <= max)) {
    return [];
  }
  return [`'${name}' must be between ${min} and ${max}, got ${value}`];
}

/** Problem when a number is not whole; Tokens pass. @internal */
export function notWhole(name: string, value: number | undefined): string[] {
  return value === undefined || Token.isUnresolved(value) || Number.isInteger(value)
    ? []
    : [`'${name}' must be a whole number, got ${value}`];
}

/** Problem when a text does not match; `shape` says in words what is allowed. Tokens pass. @internal */
export function mismatch(name: string, value: string | undefined, pattern: RegExp, shape: string): string[] {
  return value === undefined || Token.isUnresolved(value) || pattern.test(value) ? [] : [`'${name}' must be ${shape}, got '${value}'`];
}

/** Problem when a value that decides the shape of the template is a Token. @internal */
export function unknownAtSynth(name: string, value: number | string | undefined): string[] {
  return value !== undefined && Token.isUnresolved(value) ? [`'${name}' must be known at synth, got a Token: give a plain value`] : [];
}

/** The same for a time or a size, which texts, names or computations need. @internal */
export function unknownAmount(name: string, value: Duration | Size | undefined): string[] {
  return value !== undefined && value.isUnresolved() ? [`'${name}' must be known at synth, got a Token: give a plain value`] : [];
}
