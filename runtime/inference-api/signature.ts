import { closest } from '../../lib/constructs/shared/contract';
import { isDatatype, isObject } from './protocol';

interface TensorSpec {
  name: string;
  datatype: string;
  shape: number[];
  /** Of an input that clients do not send: the feature that it is. */
  feature?: string;
}

/** What a model takes and gives. */
export interface Signature {
  inputs: TensorSpec[];
  outputs: TensorSpec[];
}

export type Signatures = Record<string, Signature>;

/** The signature of a model; undefined for a model that gave none. Names come from callers, so `constructor` is one as well. */
export const signatureOf = (signatures: Signatures, model: string | undefined): Signature | undefined =>
  model !== undefined && Object.hasOwn(signatures, model) ? signatures[model] : undefined;

/**
 * What of a request is not what the model takes, in words. What breaks the protocol itself is not repeated here.
 *
 * JSON numbers are read as doubles, so at the ends of INT64 and UINT64 the check is off by the rounding; the model gets the text itself.
 */
export function signatureProblems(request: unknown, { inputs }: Signature): string[] {
  if (!isObject(request) || !Array.isArray(request.inputs)) {
    return [];
  }
  const given = request.inputs.filter(isObject).filter(({ name }) => typeof name === 'string' && name !== '');
  const sent = inputs.filter(({ feature }) => feature === undefined);
  const names = sent.map(({ name }) => name);
  return [
    ...sent.filter(({ name }) => !given.some((tensor) => tensor.name === name)).map(missing),
    ...given.flatMap((tensor) => {
      const spec = inputs.find(({ name }) => name === tensor.name);
      if (spec?.feature !== undefined) {
        return [`input '${spec.name}' is filled in by the API: leave it out`];
      }
      return spec === undefined ? [unknown(tensor.name as string, names)] : tensorProblems(tensor, spec);
    }),
  ];
}

const missing = ({ name, datatype }: TensorSpec) => `input '${name}' (${datatype}) is missing`;

function unknown(name: string, known: string[]): string {
  const near = closest(name, known);
  return `there is no input '${name}': ${near === undefined ? `the model takes ${known.join(', ')}` : `did you mean '${near}'?`}`;
}

function tensorProblems({ datatype, shape, data }: Record<string, unknown>, spec: TensorSpec): string[] {
  const problems: string[] = [];
  if (Array.isArray(shape) && !fits(shape, spec.shape)) {
    problems.push(`input '${spec.name}' must have the shape [${spec.shape.join(', ')}] (-1 is any length), got [${shape.join(', ')}]`);
  }
  if (datatype !== spec.datatype) {
    return isDatatype(datatype) ? [...problems, `input '${spec.name}' must be ${spec.datatype}, got ${String(datatype)}`] : problems;
  }
  return Array.isArray(data) ? [...problems, ...valueProblems(data.flat(Infinity), spec)] : problems;
}

const fits = (shape: unknown[], wanted: readonly number[]) =>
  shape.length === wanted.length && wanted.every((length, i) => length === -1 || length === shape[i]);

function valueProblems(values: unknown[], { name, datatype }: TensorSpec): string[] {
  const { what, takes } = KINDS[datatype];
  const wrong = values.flatMap((value, i) => (takes(value) ? [] : [i]));
  if (wrong.length === 0) {
    return [];
  }
  const shown = shorten(values[wrong[0]]);
  const more = wrong.length === 1 ? '' : `, and ${wrong.length - 1} more like it`;
  return [`input '${name}' must hold ${what}, got ${shown} at position ${wrong[0]}${more}`];
}

/** JSON has no word for Infinity, which is what a number such as 1e999 reads as. */
const shorten = (value: unknown) => (typeof value === 'number' ? String(value) : JSON.stringify(value)).slice(0, 40);

interface Kind {
  what: string;
  takes: (value: unknown) => boolean;
}

function whole(min: number, max: number): Kind {
  return {
    what: `whole numbers from ${BigInt(min)} to ${max > Number.MAX_SAFE_INTEGER ? BigInt(max) - 1n : max}`,
    takes: (value) => Number.isInteger(value) && (value as number) >= min && (value as number) <= max,
  };
}

/** Numbers below `limit`, from which on they round to infinity. */
const floating = (limit: number): Kind => ({
  what: limit === Infinity ? 'finite numbers' : `finite numbers below ${limit} in size`,
  takes: (value) => typeof value === 'number' && Math.abs(value) < limit,
});

const signed = (bits: number) => whole(-(2 ** (bits - 1)), bits === 64 ? 2 ** 63 : 2 ** (bits - 1) - 1);
const unsigned = (bits: number) => whole(0, bits === 64 ? 2 ** 64 : 2 ** bits - 1);

const KINDS: Record<string, Kind> = {
  BOOL: { what: 'true or false', takes: (value) => typeof value === 'boolean' },
  BYTES: { what: 'texts', takes: (value) => typeof value === 'string' },
  INT8: signed(8),
  INT16: signed(16),
  INT32: signed(32),
  INT64: signed(64),
  UINT8: unsigned(8),
  UINT16: unsigned(16),
  UINT32: unsigned(32),
  UINT64: unsigned(64),
  FP16: floating(65_520),
  BF16: floating(2 ** 128 - 2 ** 119),
  FP32: floating(2 ** 128 - 2 ** 103),
  FP64: floating(Infinity),
};
