import { finite, Part, text } from './contract-document';
import { invalidPattern } from './contract-pattern';
import { ContractProblem, shown } from './contract-problem';
import { ColumnType, CompiledColumn } from './contract';

/** What the options of a type demand of a column. @internal */
export type Demands = Partial<Pick<CompiledColumn, 'minimum' | 'maximum' | 'pattern' | 'minLength' | 'maxLength'>>;

/** Demands, or why there are none. @internal */
export interface Read {
  readonly demands: Demands;
  readonly problems: ContractProblem[];
}

const SAFE = Number.MAX_SAFE_INTEGER;
const SINGLE = 3.4028234663852886e38;

/** Ranges of the standard's integer formats, as far as numbers of JavaScript hold them exactly. */
const INTEGER_FORMATS: Readonly<Record<string, readonly [number, number]>> = {
  i8: [-128, 127],
  i16: [-32_768, 32_767],
  i32: [-2_147_483_648, 2_147_483_647],
  u8: [0, 255],
  u16: [0, 65_535],
  u32: [0, 4_294_967_295],
};

/** The forms of a timestamp that the validator reads: ISO 8601 with an offset, with or without a fraction of a second. */
const TIMESTAMP_FORMAT = /^yyyy-MM-dd'T'HH:mm:ss(\.S{1,9})?(X|XX|XXX)$/;

/** Reads `logicalTypeOptions`. @internal */
export function readOptions(type: ColumnType, options: Part, path: string): Read {
  switch (type) {
    case 'string':
      return readString(options, path);
    case 'integer':
    case 'number':
      return readNumber(type, options, path);
    case 'date':
      return readTime(options, path, options.format === 'yyyy-MM-dd', "'yyyy-MM-dd'");
    case 'timestamp':
      return readTimestamp(options, path);
    case 'boolean':
      return { demands: {}, problems: Object.keys(options).map((name) => unchecked(path, name, 'a boolean has no options')) };
  }
}

function unchecked(path: string, name: string, instead: string): ContractProblem {
  return { path: `${path}.${name}`, text: `cannot be checked here: ${instead}` };
}

function readString(options: Part, path: string): Read {
  const [minLength, maxLength, pattern] = [finite(options.minLength), finite(options.maxLength), text(options.pattern)];
  const problems: ContractProblem[] = [];
  if (options.format !== undefined) {
    problems.push(unchecked(path, 'format', `say it with 'pattern', got ${shown(options.format)}`));
  }
  if (maxLength !== undefined && maxLength < Math.max(1, minLength ?? 0)) {
    const least = Math.max(1, minLength ?? 0);
    problems.push({ path: `${path}.maxLength`, text: `must be at least ${least}, got ${maxLength}: no text could be valid` });
  }
  const invalid = pattern === undefined ? undefined : invalidPattern(pattern);
  if (invalid !== undefined) {
    problems.push({ path: `${path}.pattern`, text: invalid });
  }
  return { demands: { minLength, maxLength, pattern }, problems };
}

function readNumber(type: 'integer' | 'number', options: Part, path: string): Read {
  const problems: ContractProblem[] = [];
  if (options.multipleOf !== undefined) {
    problems.push(unchecked(path, 'multipleOf', 'leave it out, or check it where the data is used'));
  }
  const [low, high] = type === 'integer' ? integerRange(options, path, problems) : numberRange(options);
  const [minimum, maximum] = [Math.max(...low), Math.min(...high)];
  if (minimum > maximum || minimum === Infinity || maximum === -Infinity) {
    problems.push({ path, text: `has an empty range: nothing is at least ${minimum} and at most ${maximum}` });
  }
  const bound = (value: number) => (Number.isFinite(value) ? value : undefined);
  return { demands: { minimum: bound(minimum), maximum: bound(maximum) }, problems };
}

type Bounds = [low: number[], high: number[]];

/** Exclusive and fractional bounds become the next whole number, so that an empty range shows. */
function integerRange(options: Part, path: string, problems: ContractProblem[]): Bounds {
  const low = given(options, 'minimum', Math.ceil).concat(given(options, 'exclusiveMinimum', (value) => Math.floor(value) + 1));
  const high = given(options, 'maximum', Math.floor).concat(given(options, 'exclusiveMaximum', (value) => Math.ceil(value) - 1));
  for (const name of ['minimum', 'exclusiveMinimum', 'maximum', 'exclusiveMaximum']) {
    if (Math.abs(finite(options[name]) ?? 0) > SAFE) {
      problems.push({ path: `${path}.${name}`, text: `must be between -${SAFE} and ${SAFE}, beyond which integers are not read exactly` });
    }
  }
  const format = text(options.format);
  const known = format === undefined ? undefined : INTEGER_FORMATS[format];
  if (format !== undefined && known === undefined && (low.length === 0 || high.length === 0)) {
    problems.push({
      path: `${path}.format`,
      text: `'${format}' holds integers beyond ${SAFE}, which are not read exactly: give 'minimum' and 'maximum' within that`,
    });
  }
  return [
    [-Infinity, ...low, ...(known === undefined ? [] : [known[0]])],
    [Infinity, ...high, ...(known === undefined ? [] : [known[1]])],
  ];
}

/** What is more than a number is at least the next one that the format has. */
function numberRange(options: Part): Bounds {
  const single = options.format === 'f32' ? [SINGLE] : [];
  const same = (value: number) => value;
  return [
    [
      -Infinity,
      ...given(options, 'minimum', same),
      ...given(options, 'exclusiveMinimum', (value) => neighbour(value, true)),
      ...single.map((value) => -value),
    ],
    [Infinity, ...given(options, 'maximum', same), ...given(options, 'exclusiveMaximum', (value) => neighbour(value, false)), ...single],
  ];
}

/** The next number above or below, of IEEE 754 with 64 bits: its bits are those of the next integer. */
function neighbour(value: number, above: boolean): number {
  if (value === 0) {
    return above ? Number.MIN_VALUE : -Number.MIN_VALUE;
  }
  const view = new DataView(new ArrayBuffer(8));
  view.setFloat64(0, value);
  view.setBigInt64(0, view.getBigInt64(0) + (value > 0 === above ? 1n : -1n));
  return view.getFloat64(0);
}

function given(options: Part, name: string, convert: (value: number) => number): number[] {
  const value = finite(options[name]);
  return value === undefined ? [] : [convert(value)];
}

/** Bounds of dates and timestamps are not compared. */
function readTime(options: Part, path: string, formatFits: boolean, formats: string): Read {
  const bounds = ['minimum', 'maximum', 'exclusiveMinimum', 'exclusiveMaximum'].filter((name) => options[name] !== undefined);
  const problems = bounds.map((name) => unchecked(path, name, 'bounds of times are not compared; leave it out'));
  if (options.format !== undefined && !formatFits) {
    problems.push({ path: `${path}.format`, text: `must be ${formats}, got ${shown(options.format)}` });
  }
  return { demands: {}, problems };
}

function readTimestamp(options: Part, path: string): Read {
  const fits = TIMESTAMP_FORMAT.test(text(options.format) ?? '');
  const read = readTime(options, path, fits, "'yyyy-MM-dd'T'HH:mm:ssX', also with a fraction ('.SSS') and with XX or XXX");
  const zone = options.timezone === undefined ? options.defaultTimezone !== undefined : options.timezone === false;
  const name = options.timezone === undefined ? 'defaultTimezone' : 'timezone';
  return zone
    ? {
        ...read,
        problems: [
          ...read.problems,
          { path: `${path}.${name}`, text: 'does not fit: every timestamp must carry its offset; leave it out' },
        ],
      }
    : read;
}
