import { Duration } from 'aws-cdk-lib';
import { notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../../shared/checks';
import { CompiledContract } from '../data-contract/contract';
import { DatasetSplit } from './contract';

/** What every split needs. */
export interface TimeSplitProps {
  /**
   * Column with the date or the timestamp of a record's event, or three integer columns with year, month and day. They must be required by the
   * contract. Days are counted in UTC.
   */
  readonly eventTime: string[];
  /**
   * Time after an event until its label is known, at the latest, in whole days: so many days before validation and before test are left out and
   * counted. Without them a model is judged on days whose outcome it could not have waited for. At most 27 days: more could leave nothing of a month.
   *
   * @default Duration.days(0) - labels are known on the day of their event
   */
  readonly labelDelay?: Duration;
}

/** Properties of a split by closed months. */
export interface ClosedMonthsProps extends TimeSplitProps {
  /**
   * Months of the validation period: 1 to 120.
   *
   * @default 1
   */
  readonly validationMonths?: number;
  /**
   * Months of the test period: 1 to 120.
   *
   * @default 1
   */
  readonly testMonths?: number;
}

/** Properties of a split at fixed days. */
export interface FixedDatesProps extends TimeSplitProps {
  /** First day of the validation period, `yyyy-MM-dd`; what lies before is trained on. */
  readonly validationFrom: string;
  /** First day of the test period, `yyyy-MM-dd`: at least a day and `labelDelay` behind `validationFrom`. */
  readonly testFrom: string;
}

/** Days of a gap that leaves something of every month. */
const LONGEST_DELAY = 27;
const MOST_MONTHS = 120;
const DAY = 86_400_000;

/** How the versions of a dataset are divided into training, validation and test data: by the time of events, never at random. */
export class TimeSplit {
  /**
   * Test is the newest closed months of a version, validation those before, and what lies before both is trained on. A month is closed when the data
   * reaches its last day; records behind the newest closed month are left out and counted.
   */
  public static closedMonths(props: ClosedMonthsProps): TimeSplit {
    const { validationMonths: validation = 1, testMonths: test = 1 } = props;
    const months = Object.entries({ validationMonths: validation, testMonths: test });
    const problems = months.flatMap(([name, value]) => [
      ...unknownAtSynth(name, value),
      ...outsideRange(name, value, 1, MOST_MONTHS),
      ...notWhole(name, value),
    ]);
    return new TimeSplit(props, { closedMonths: { validation, test } }, problems);
  }

  /** Validation and test begin on the same days in every version: a test that stays the same while training data grows before it is corrected. */
  public static fixedDates(props: FixedDatesProps): TimeSplit {
    const { validationFrom: validation, testFrom: test } = props;
    const days = Object.entries({ validationFrom: validation, testFrom: test });
    const problems = days.flatMap(([name, day]) => [...unknownAtSynth(name, day), ...dayProblems(name, day)]);
    return new TimeSplit(props, { from: { validation, test } }, problems.length > 0 ? problems : orderProblems(props));
  }

  private constructor(
    private readonly props: TimeSplitProps,
    private readonly cut: Pick<DatasetSplit, 'closedMonths' | 'from'>,
    private readonly problems: string[],
  ) {}

  /** What the dataset builder splits by. @internal */
  public get _rule(): DatasetSplit {
    return { eventTime: this.props.eventTime, gapDays: this.props.labelDelay?.toDays() ?? 0, ...this.cut };
  }

  /** What is wrong with it for the records of a contract. @internal */
  public _problems(contract: CompiledContract): string[] {
    return [...this.problems, ...delayProblems(this.props.labelDelay), ...columnProblems(this.props.eventTime, contract)];
  }
}

function dayProblems(name: string, day: string): string[] {
  const time = /^\d{4}-\d\d-\d\d$/.test(day) ? Date.parse(day) : Number.NaN;
  const exists = !Number.isNaN(time) && new Date(time).toISOString().startsWith(day);
  return exists ? [] : [`'${name}' must be a day, yyyy-MM-dd, got '${day}'`];
}

function orderProblems({ validationFrom, testFrom, labelDelay }: FixedDatesProps): string[] {
  if (labelDelay?.isUnresolved() ?? false) {
    return [];
  }
  const delay = labelDelay?.toDays({ integral: false }) ?? 0;
  const days = (Date.parse(testFrom) - Date.parse(validationFrom)) / DAY;
  return days > delay ? [] : [`'testFrom' must be more than ${delay} days behind 'validationFrom' ${validationFrom}, got ${testFrom}`];
}

function delayProblems(delay: Duration | undefined): string[] {
  if (delay === undefined || delay.isUnresolved()) {
    return unknownAmount('labelDelay', delay);
  }
  const days = delay.toDays({ integral: false });
  return [...outsideRange('labelDelay (days)', days, 0, LONGEST_DELAY), ...notWhole('labelDelay (days)', days)];
}

function columnProblems(names: string[], { columns }: CompiledContract): string[] {
  if (names.length !== 1 && names.length !== 3) {
    return [`'eventTime' must name one column, or three with year, month and day, got ${names.length}`];
  }
  const types = names.length === 1 ? ['date', 'timestamp'] : ['integer'];
  return names.flatMap((name) => {
    const column = columns.find((other) => other.name === name);
    if (column === undefined) {
      return [`'eventTime' names '${name}', but the contract has only ${columns.map((other) => other.name).join(', ')}`];
    }
    return [
      ...(types.includes(column.type) ? [] : [`'eventTime' column '${name}' must be of type ${types.join(' or ')}, is ${column.type}`]),
      ...(column.required ? [] : [`'eventTime' column '${name}' may be empty: make it required in the contract`]),
    ];
  });
}
