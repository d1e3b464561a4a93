import { COLUMNS } from '../../../examples/flight-delays/flights';
import { DataWorld } from './world';

/** Something that goes wrong with data, the alarms that ring for it, and what mends it. */
export interface Cause {
  readonly cause: string;
  /** Names of the alarms that must ring, after the prefix of the blueprint. */
  readonly alarms: readonly string[];
  /** The alarm that speaks for them, when they are silent themselves. */
  readonly speaker?: string;
  /** Whether it is one of the few that `npm test` runs. */
  readonly short?: boolean;
  readonly mended: string;
  /** Answers what mends it. */
  readonly happen: (world: DataWorld) => Promise<() => Promise<unknown>>;
}

const HOUR = 3600;
const ROWS = 600;
const VALIDATOR = /^Validates files of flights/;
const JANITOR = /^Compares the raw zone of flights/;
const unknownOrigin = (line: string): string => {
  const values = line.split(',');
  values[COLUMNS.indexOf('origin')] = 'XXX';
  return values.join(',');
};
const operation = async (world: DataWorld, name: string) => world.proof.intake(name, '--yes', '--reason', 'the cause is mended');

/** What senders do wrong, or do not do. */
const SENDERS: Cause[] = [
  {
    cause: 'no file has come for 26 hours, of at most 25',
    alarms: ['flights-data-late', 'flights-volume-low'],
    short: true,
    mended: `a file of ${ROWS} records`,
    happen: async (world) => {
      await world.pass(26 * HOUR);
      return () => world.send('first.csv', world.file(ROWS));
    },
  },
  {
    cause: `2 % of a file's records are refused, of at most 1 %`,
    alarms: ['flights-quarantine-high'],
    short: true,
    mended: 'the file without them, under the same key',
    happen: async (world) => {
      const at = (share: number) => world.file(ROWS, (line, i) => (i > 0 && i <= ROWS * share ? unknownOrigin(line) : line));
      await world.send('at-the-limit.csv', at(0.01));
      await world.quiet('flights-quarantine-high');
      const bad = at(0.02);
      await world.send('refused-records.csv', bad);
      return () => world.send('refused-records.csv', Buffer.from(bad.toString().replaceAll(',XXX,', ',EWR,')));
    },
  },
  {
    cause: 'a file whose header names a column twice',
    alarms: ['flights-files-rejected'],
    short: true,
    mended: 'the file with its header, under the same key',
    happen: async (world) => {
      const good = world.file(ROWS);
      const [header, ...records] = good.toString().split('\n');
      await world.send('header.csv', Buffer.from([header.replace('dest', 'origin'), ...records].join('\n')), 'rejected');
      return () => world.send('header.csv', good);
    },
  },
  {
    cause: 'the file of the day comes 26 hours after the one before',
    alarms: ['flights-data-late'],
    mended: 'the late file',
    happen: async (world) => {
      await world.pass(26 * HOUR);
      return () => world.send('late.csv', world.file(ROWS));
    },
  },
  {
    cause: 'a day brings 100 records, of at least 500',
    alarms: ['flights-volume-low'],
    mended: `another file of ${ROWS} records`,
    happen: async (world) => {
      await world.pass(26 * HOUR);
      await world.send('short.csv', world.file(100));
      return () => world.send('the-rest.csv', world.file(ROWS));
    },
  },
];

/** What hinders files. One page speaks for all of it. */
const FILES: Cause[] = [
  {
    cause: "a file's event is lost, and it lies there for 21 minutes, of at most 20",
    alarms: ['flights-files-unaccounted'],
    speaker: 'flights-files-stuck',
    mended: 'the janitor sends it again',
    happen: async (world) => {
      await world.arena.rules(/Arrivals/, false);
      const version = await world.proof.send({ name: 'event-lost.csv', bytes: world.file(ROWS) });
      await world.arena.rules(/Arrivals/, true);
      await world.pass(21 * 60);
      return () => world.final(version, 'accounted');
    },
  },
  {
    cause: 'a file waits longer than 20 minutes, because the validator is not let run',
    alarms: ['flights-files-waiting'],
    speaker: 'flights-files-stuck',
    mended: 'it is',
    happen: async (world) => {
      await world.feed(VALIDATOR, false);
      const version = await world.proof.send({ name: 'waits.csv', bytes: world.file(ROWS) });
      return async () => {
        await world.feed(VALIDATOR, true);
        await world.final(version, 'accounted');
      };
    },
  },
  {
    cause: 'the validator crashes on a file until it is a dead letter',
    alarms: ['flights-validator-crashing', 'flights-dead-letters'],
    speaker: 'flights-files-stuck',
    mended: 'the validator is whole again, and the dead letters are replayed',
    happen: async (world) => {
      const whole = await world.crash(VALIDATOR);
      await world.hideFor(1);
      const version = await world.proof.send({ name: 'dead-letter.csv', bytes: world.file(ROWS) });
      return async () => {
        await whole();
        await world.hideFor(720);
        await operation(world, 'redrive');
        await world.final(version, 'accounted');
      };
    },
  },
  {
    cause: 'the steps of an operation crash',
    alarms: ['flights-operation-failed'],
    mended: 'they are whole again, and the operation finds nothing to do',
    happen: async (world) => {
      const whole = await world.crash(/^Steps of what a person lets the intake of flights do/);
      await operation(world, 'redrive');
      return async () => {
        await whole();
        await operation(world, 'redrive');
      };
    },
  },
  {
    cause: 'the janitor crashes',
    alarms: ['flights-janitor-failing'],
    mended: 'it is whole again',
    happen: (world) => world.crash(JANITOR),
  },
];

/** What hinders records of a stream, and requests that bring some. */
const RECORDS: Cause[] = [
  {
    cause: 'the function that lands the records of the stream crashes, until one has waited longer than a minute',
    alarms: ['flights-landing-failing', 'flights-landing-behind'],
    speaker: 'flights-landing-stuck',
    mended: 'it is whole again and lands what waited',
    happen: async (world) => {
      const whole = await world.crash(/^Lands records of flights/);
      await world.stream(1);
      return whole;
    },
  },
  {
    cause: 'the function that keeps the newest records crashes',
    alarms: ['flights-online-failing'],
    speaker: 'flights-online-stuck',
    mended: 'it is whole again',
    happen: async (world) => {
      const whole = await world.crash(/^Keeps the newest records of flights/);
      await world.stream(1);
      return whole;
    },
  },
  {
    cause: 'the API of records puts them on a stream that is not there',
    alarms: ['records-flights-records-faults', 'records-flights-records-not-taken'],
    speaker: 'records-flights-records-broken',
    mended: 'it has its stream again',
    happen: async (world) => {
      const whole = await world.misconfigure(/^Takes records of flights by HTTP/, 'STREAM_NAME', 'absent');
      const posting = world.posting();
      return async () => {
        await posting.stop();
        await whole();
      };
    },
  },
];

export const CAUSES: readonly Cause[] = [...SENDERS, ...FILES, ...RECORDS];

const TRIED_FOR_EVER = 'the local account tries a batch of a stream for ever, so that none is given up';
const LET_RUN = "nothing here uses up the account's concurrency";
const SAME_CONSUMER = 'streamConsumer makes it as it makes that of the landing or of the online table, which is carried out';
const SAME_EXECUTIONS = 'of the failed executions of its state machine, as operation-failed is, which is carried out';

/**
 * The other alarms of the data layer, after the prefix of the blueprint, and why their cause is not carried out here. `npm run scenarios` drives them
 * by their metrics. That each alarm is in one of the two lists says test/stacks/blueprint.test.ts.
 */
export const EXCUSED: Readonly<Record<string, string>> = {
  'flights-events-lost': 'the local account delivers every event',
  'flights-changes-lost': TRIED_FOR_EVER,
  'flights-landing-records-lost': TRIED_FOR_EVER,
  'flights-online-records-lost': TRIED_FOR_EVER,
  'flights-features-records-lost': TRIED_FOR_EVER,
  'datasets-unannounced': TRIED_FOR_EVER,
  'flights-landing-throttled': LET_RUN,
  'flights-online-throttled': LET_RUN,
  'flights-features-throttled': LET_RUN,
  'records-flights-records-throttled': LET_RUN,
  'flights-senders-throttled': 'a stream of the local account has room for whatever is sent',
  'flights-online-behind': SAME_CONSUMER,
  'flights-features-behind': SAME_CONSUMER,
  'flights-features-failing': SAME_CONSUMER,
  'flights-features-stuck': SAME_CONSUMER,
  'flights-records-quarantined':
    'an hour must bring 100 records of the stream; records that are refused are carried out with those of a file, as quarantine-high',
  'records-flights-records-crashes':
    'of the errors of its function, as janitor-failing is, which is carried out; of its siblings the faults are, which it answers itself',
  'flights-splitting-failed': `${SAME_EXECUTIONS}; no file here is large enough to be split`,
  'datasets-failing': 'of the errors of its function, as janitor-failing is, which is carried out; no dataset is published here',
  'recall-failed': `${SAME_EXECUTIONS}; nothing is withdrawn here`,
};
