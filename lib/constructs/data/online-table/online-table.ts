import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import { Metric, Stats } from 'aws-cdk-lib/aws-cloudwatch';
import { ITable, Table } from 'aws-cdk-lib/aws-dynamodb';
import { Grant, IGrantable } from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { failOn, mismatch, notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../../shared/checks';
import { keyedTable } from '../../shared/keyed-table';
import { generatedName } from '../../shared/names';
import { DATA_ENV, DATA_METRIC } from '../contract';
import { CompiledContract } from '../data-contract/contract';
import { OnlineSpec } from './contract';
import { unknownColumn } from '../column-names';
import type { DataContract } from '../data-contract/data-contract';
import { allow } from '../grants';
import { streamConsumer } from '../stream-intake/stream-consumer';
import type { StreamIntake } from '../stream-intake/stream-intake';
import { EventTime } from './event-time';

/** Properties of an `OnlineTable`. */
export interface OnlineTableProps {
  /** Stream whose records it holds. */
  readonly source: StreamIntake;
  /** When what a record tells of happened: of an entity the record with the latest counts. */
  readonly eventTime: EventTime;
  /**
   * Columns that name the entity, in this order. Senders must use them as the partition key when records of one event time can follow each
   * other.
   *
   * @default - the primary key of the contract
   */
  readonly entity?: string[];
  /**
   * Columns that the table holds: the fewer, the less there is to protect.
   *
   * @default - all
   */
  readonly columns?: string[];
  /**
   * An entity is forgotten when no newer record of it has arrived for this long: whole hours, 1 hour to 365 days, known at synth.
   *
   * @default Duration.days(30)
   */
  readonly keepFor?: Duration;
  /**
   * How far the event time of a record may be ahead of its arrival in the stream: 0 to 365 days, whole seconds, known at synth. A record that is
   * further ahead is left out and counted, because it would keep every truthful one of its entity out until its own time came, as in other stores
   * that go by event time (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_feature_store_PutRecord.html). Give more when records tell
   * of what is planned. In a replay of old data, whose events lie far before they arrive, it holds nothing back.
   *
   * @default Duration.hours(1) - clocks of senders that are wrong by a summer time pass
   */
  readonly maxEventTimeAhead?: Duration;
  /**
   * Start of the names of its alarms: 1 to 100 lower-case letters, digits and hyphens, known at synth.
   *
   * @default - generated from the construct path
   */
  readonly onlineName?: string;
  /**
   * What happens to the table when it leaves the stack.
   *
   * @default RemovalPolicy.RETAIN
   */
  readonly removalPolicy?: RemovalPolicy;
}

/**
 * The newest record of each entity, readable by key within seconds: what a prediction that is made now may know. Training reads dataset versions,
 * where every record still has its event time.
 *
 * `RecordsApi` reads it by HTTP with value, event time and age. An item has `pk` (the values of the entity as a JSON array of texts), `columns`
 * (JSON), `eventTime` (milliseconds since 1970), `arrivedAt` (ISO 8601) and `expiresAt` (seconds since 1970; what is past has expired, although it may
 * still be there).
 */
export class OnlineTable extends Construct {
  /** The table. */
  public readonly table: ITable;
  /** Columns that name the entity, in the order of the key. */
  public readonly entity: string[];
  /** @internal */
  public readonly _source: StreamIntake;

  constructor(scope: Construct, id: string, props: OnlineTableProps) {
    super(scope, id);
    const { contract } = props.source.intake;
    failOn(this, 'InvalidOnlineTable', onlineTableProblems(contract, props));
    const spec = specOf(props, contract._rules);
    this._source = props.source;
    this.entity = [...spec.entity];
    const table = this.createTable(props.removalPolicy ?? RemovalPolicy.RETAIN);
    this.table = table;
    this.createConsumer(props.onlineName ?? generatedName(this, 100), table, spec);
  }

  /** Lets `grantee` read entities by their key. */
  public grantRead(grantee: IGrantable): Grant {
    return allow(grantee, ['dynamodb:GetItem', 'dynamodb:BatchGetItem'], this.table.tableArn);
  }

  /** Records that the table took, or had a newer one of, count: the sum of 5 minutes. */
  public metricRecordsOnline(): Metric {
    return this._source._metric(DATA_METRIC.recordsOnline, Stats.SUM);
  }

  /** Records that the contract refuses, that have no event time or one too far ahead, or are larger than an item, count: the sum of 5 minutes. */
  public metricRecordsNotOnline(): Metric {
    return this._source._metric(DATA_METRIC.recordsNotOnline, Stats.SUM);
  }

  /** From the arrival of a record in the stream until the table has it, milliseconds: the longest of 5 minutes. */
  public metricMillisecondsToOnline(): Metric {
    return this._source._metric(DATA_METRIC.millisecondsToOnline, Stats.MAXIMUM);
  }

  private createTable(removalPolicy: RemovalPolicy): Table {
    return keyedTable(this, 'Table', {
      partitionKey: 'pk',
      timeToLiveAttribute: 'expiresAt',
      deletionProtection: removalPolicy !== RemovalPolicy.DESTROY,
      removalPolicy,
    });
  }

  private createConsumer(name: string, table: Table, spec: OnlineSpec): void {
    const { intake, stream, maximumDelay } = this._source;
    const consumer = streamConsumer(this, {
      ...{ stream, contract: intake.contract, intakeName: intake.intakeName, name },
      handler: 'online-table',
      description: `Keeps the newest records of ${intake.dataset}`,
      environment: { [DATA_ENV.onlineTable]: table.tableName, [DATA_ENV.onlineSpec]: JSON.stringify(spec) },
      ...{ batchSize: 1000, window: Duration.seconds(0), maximumDelay },
      ...{ consequence: 'what is read online is old', runbook: 'online-stale' },
    });
    allow(consumer, ['dynamodb:PutItem'], table.tableArn);
  }
}

type OnlineSettings = Omit<OnlineTableProps, 'source'>;

function specOf({ eventTime, entity, columns, keepFor, maxEventTimeAhead }: OnlineSettings, rules: CompiledContract): OnlineSpec {
  const seconds = (time: Duration | undefined, otherwise: number) =>
    time === undefined || time.isUnresolved() ? otherwise : time.toSeconds({ integral: false });
  return {
    entity: entity ?? rules.primaryKey,
    eventTime: eventTime._column,
    plusMinutes: eventTime._plusMinutes,
    columns: columns ?? rules.columns.map(({ name }) => name),
    keepSeconds: seconds(keepFor, 30 * 86_400),
    aheadSeconds: seconds(maxEventTimeAhead, 3600),
  };
}

/** What is wrong with a table of a dataset's records. @internal */
export function onlineTableProblems(contract: DataContract, settings: OnlineSettings): string[] {
  const rules = contract._rules;
  const spec = specOf(settings, rules);
  const { onlineName, keepFor, maxEventTimeAhead } = settings;
  const shape = '1 to 100 lower-case letters, digits and hyphens, starting with a letter or digit';
  const known = (place: string, name: string, types?: string[]): string[] => {
    const column = rules.columns.find((other) => other.name === name);
    if (column === undefined) {
      return unknownColumn(place, name, rules.columns);
    }
    return types === undefined || types.includes(column.type)
      ? []
      : [`'${place}' needs a column of type ${types.join(' or ')}, but '${name}' is a ${column.type}`];
  };
  const hours = keepFor === undefined || keepFor.isUnresolved() ? undefined : keepFor.toHours({ integral: false });
  return [
    ...unknownAtSynth('onlineName', onlineName),
    ...mismatch('onlineName', onlineName, /^[a-z0-9][a-z0-9-]{0,99}$/, shape),
    ...(spec.entity.length === 0 ? ["'entity' is empty and the contract has no primary key: say which columns name the entity"] : []),
    ...spec.entity.flatMap((name) => known('entity', name)),
    ...known('eventTime', spec.eventTime, ['timestamp', 'date']),
    ...spec.plusMinutes.flatMap((name) => known('eventTime.plusMinutes', name, ['integer', 'number'])),
    ...spec.columns.flatMap((name) => known('columns', name)),
    ...unknownAmount('keepFor', keepFor),
    ...outsideRange('keepFor (hours)', hours, 1, 365 * 24),
    ...notWhole('keepFor (hours)', hours),
    ...unknownAmount('maxEventTimeAhead', maxEventTimeAhead),
    ...outsideRange('maxEventTimeAhead (seconds)', spec.aheadSeconds, 0, 365 * 86_400),
    ...notWhole('maxEventTimeAhead (seconds)', spec.aheadSeconds),
  ];
}
