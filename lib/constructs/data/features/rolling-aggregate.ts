import { Duration } from 'aws-cdk-lib';
import { failOnFile, notWhole, outsideRange, unknownAmount } from '../../shared/checks';
import { closest } from '../../shared/contract';
import { ColumnType, CompiledColumn, CompiledContract } from '../data-contract/contract';
import { DataContract } from '../data-contract/data-contract';
import { EventTime } from '../online-table/event-time';
import { AggregateDefinition, MomentDefinition } from './contract';

/** What a rolling aggregate makes of the values in its window. Without any record `COUNT` is 0 and the others are null. */
export enum AggregateFunction {
  /** Sum by count. */
  MEAN = 'mean',
  /** Sum of the values. */
  SUM = 'sum',
  /** Number of records. */
  COUNT = 'count',
  /** Smallest value. */
  MIN = 'min',
  /** Largest value. */
  MAX = 'max',
}

/** Properties of a `RollingAggregate`. */
export interface RollingAggregateProps {
  /**
   * Column that training data gets and input that the model takes: 1 to 60 lower-case letters, digits and underscores, starting with a
   * letter; no column of the contract.
   */
  readonly name: string;
  /** What the records are. It must have a primary key: by that a record counts once. */
  readonly contract: DataContract;
  /** Columns that say whose records count, which a request brings as inputs of the same names. Required ones, and no fractions or times. */
  readonly entity: string[];
  /** What is made of the values. */
  readonly function: AggregateFunction;
  /**
   * Column with the number, `integer` or `number`; records without a value do not count.
   *
   * @default - none, which `COUNT` alone can do without: it counts records
   */
  readonly value?: string;
  /** Length of the window: 1 second to 7 days. Its start is outside, its end is inside. */
  readonly window: Duration;
  /** When a record happened: from then on it counts. A timestamp column, later by `integer` columns of minutes. */
  readonly eventTime: EventTime;
  /** What a request about a record gives as its `event_time`: the window of a row of training data ends `lead` before it. */
  readonly asOf: EventTime;
  /**
   * How long before the event of a request the window ends: 0 to 365 days. Give at least the time from a prediction to its event: what
   * happens after the prediction is in training data and not in service.
   *
   * @default Duration.seconds(0)
   */
  readonly lead?: Duration;
  /**
   * The senders promise that a record which is sent again never names another entity. Only then may columns outside of the primary key say
   * whose records count: otherwise a corrected record would count for both.
   *
   * @default false
   */
  readonly entityIsFixed?: boolean;
}

/**
 * A feature that follows from recent records: the mean, sum, count, smallest or largest value of a column over the records of one entity in
 * a window of event time. Declared once: training data gets it as a column, point-in-time correct, and requests get it as an input.
 */
export class RollingAggregate {
  /** Column in training data and input of the model. */
  public readonly name: string;
  /** Dataset whose records it is made of. */
  public readonly dataset: string;
  /** Columns that say whose records count. */
  public readonly entity: string[];
  /** Length of the window. */
  public readonly window: Duration;
  /** Columns that identify a record. @internal */
  public readonly _primaryKey: string[];
  /** As both engines read it. @internal */
  public readonly _definition: AggregateDefinition;

  /** Errors: one that names every problem. */
  constructor(props: RollingAggregateProps) {
    const contract = JSON.parse(props.contract._json) as CompiledContract;
    failOnFile(String(props.contract), 'InvalidFeature', aggregateProblems(props));
    this.name = props.name;
    this.dataset = props.contract.dataset;
    this.entity = [...props.entity];
    this.window = props.window;
    this._primaryKey = [...props.contract.primaryKey];
    const integers = this.entity.filter((name) => contract.columns.some((column) => column.name === name && column.type === 'integer'));
    this._definition = {
      ...{ name: this.name, dataset: this.dataset, entity: this.entity, function: props.function },
      ...(integers.length === 0 ? {} : { integers }),
      ...(props.value === undefined ? {} : { value: props.value }),
      windowSeconds: props.window.toSeconds(),
      eventTime: momentOf(props.eventTime),
      asOf: momentOf(props.asOf),
      leadSeconds: props.lead?.toSeconds() ?? 0,
      nullTokens: [...contract.nullTokens],
      ...(contract.format === 'jsonl' ? { nullNumbers: numbersIn(contract.nullTokens) } : {}),
    };
  }
}

/** Of texts those that are what ECMAScript gives a number. */
const numbersIn = (texts: readonly string[]) =>
  texts.map(Number).filter((value, i) => Number.isFinite(value) && String(value) === texts[i]);

const momentOf = ({ _column: column, _plusMinutes: plusMinutes }: EventTime): MomentDefinition => ({ column, plusMinutes });

const ENTITY_TYPES: readonly ColumnType[] = ['string', 'integer', 'boolean', 'date'];

/** Everything that is wrong with an aggregate. @internal */
export function aggregateProblems(props: RollingAggregateProps): string[] {
  const contract = JSON.parse(props.contract._json) as CompiledContract;
  const { name, entity, value, entityIsFixed } = props;
  const column = columnsOf(contract);
  const required = entity.filter((key) => contract.columns.some((known) => known.name === key && !known.required));
  const outside = entity.filter((key) => !contract.primaryKey.includes(key));
  return [
    ...(/^[a-z][a-z0-9_]{0,59}$/.test(name)
      ? []
      : [`'name' must be 1 to 60 lower-case letters, digits and underscores, starting with a letter, got '${name}'`]),
    ...(contract.columns.some((known) => known.name === name)
      ? [`'name' is '${name}', which is a column already: give it another name`]
      : []),
    ...(contract.primaryKey.length === 0 ? ["'contract' has no primary key: without one a record that comes again would count again"] : []),
    ...(entity.length === 0 ? ["'entity' is empty: name the columns that say whose records count"] : []),
    ...entity.flatMap((key) => column('entity', key, ENTITY_TYPES)),
    ...required.map((key) => `'entity' names '${key}', which may be missing: make the column required in the contract`),
    ...(outside.length === 0 || entityIsFixed === true || contract.primaryKey.length === 0
      ? []
      : [
          `'entity' names ${outside.join(', ')} outside of the primary key: a record that is corrected there would count twice; set 'entityIsFixed' if that never happens`,
        ]),
    ...(value === undefined
      ? props.function === AggregateFunction.COUNT
        ? []
        : [`'value' is missing: name the column to make the ${props.function} of`]
      : column('value', value, ['integer', 'number'])),
    ...momentProblems('eventTime', props.eventTime, column),
    ...momentProblems('asOf', props.asOf, column),
    ...spanProblems('window', props.window, 1, 7 * 86_400),
    ...spanProblems('lead', props.lead, 0, 365 * 86_400),
  ];
}

type ColumnCheck = (at: string, name: string, types: readonly ColumnType[]) => string[];

const columnsOf =
  ({ columns }: { columns: readonly CompiledColumn[] }): ColumnCheck =>
  (at, name, types) => {
    const found = columns.find((known) => known.name === name);
    if (found !== undefined) {
      return types.includes(found.type) ? [] : [`'${at}' names '${name}', which is ${found.type}: it must be ${types.join(' or ')}`];
    }
    const names = columns.map((known) => known.name);
    const near = closest(name, names);
    return [
      `'${at}' names '${name}', which is no column: ${near === undefined ? `known: ${names.join(', ')}` : `did you mean '${near}'?`}`,
    ];
  };

const momentProblems = (at: string, { _column, _plusMinutes }: EventTime, column: ColumnCheck): string[] => [
  ...column(at, _column, ['timestamp']),
  ..._plusMinutes.flatMap((name) => column(at, name, ['integer'])),
];

function spanProblems(name: string, span: Duration | undefined, low: number, high: number): string[] {
  if (span === undefined || span.isUnresolved()) {
    return unknownAmount(name, span);
  }
  const seconds = span.toSeconds({ integral: false });
  return [...outsideRange(`${name} (seconds)`, seconds, low, high), ...notWhole(`${name} (seconds)`, seconds)];
}
