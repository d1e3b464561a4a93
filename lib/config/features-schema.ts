import { z } from 'zod';
import { AGGREGATE_FUNCTIONS } from '../constructs/data/features/contract';
import { name } from './names-schema';

/** What the file says of records that come one by one, and of features that follow from them. */

const wholeDays = (max: number) => z.int().min(1).max(max);
const column = z.string().min(1);

export const stream = z.strictObject({
  shardCount: z
    .int()
    .min(1)
    .max(500)
    .optional()
    .describe('Shards: each takes 1,000 records or 1 MB in a second. Default: on demand, the service adds and removes them.'),
  retentionDays: wholeDays(365)
    .default(7)
    .describe('The stream keeps a record this long: the time to repair what keeps records from being landed.'),
  landingWindowSeconds: z
    .int()
    .min(0)
    .max(300)
    .default(60)
    .describe('Records are gathered this long for one object of the raw zone. Features do not wait for it.'),
  maximumDelayMinutes: z
    .int()
    .min(1)
    .max(1440)
    .optional()
    .describe("An alarm pages when a record has waited longer, beside that time. Default: the contract's latency, without one 5 minutes."),
});

const moment = z.strictObject({
  column: column.describe('A timestamp column.'),
  plusMinutes: z.array(column).default([]).describe('Integer columns of minutes that are added to it.'),
});

export const feature = z.strictObject({
  name: z
    .string()
    .regex(/^[a-z][a-z0-9_]{0,59}$/, 'must be 1 to 60 lower-case letters, digits and underscores, starting with a letter')
    .describe('Column that training data gets, and what an input of a signature names as its feature.'),
  dataset: name(40).describe('Dataset whose records it is made of: one with a contract and a stream.'),
  entity: z
    .array(column)
    .min(1, 'name at least one column')
    .describe('Columns that say whose records count; a request brings them as inputs of the same names.'),
  function: z.enum(AGGREGATE_FUNCTIONS).describe('What is made of the values. Without records count is 0 and the others are null.'),
  value: column.optional().describe('Column with the number; records without a value do not count. Only count can do without it.'),
  windowSeconds: z.int().min(1).max(604_800).describe('Length of the window. Its start is outside, its end is inside.'),
  eventTime: moment.describe('When a record happened: from then on it counts.'),
  asOf: moment.describe(
    'What a request about a record gives as its event_time: the window of a row of training data ends leadSeconds before it.',
  ),
  leadSeconds: z
    .int()
    .min(0)
    .max(31_536_000)
    .default(0)
    .describe('How long before the event of a request the window ends: at least the time from a prediction to its event.'),
  entityIsFixed: z
    .boolean()
    .default(false)
    .describe(
      'Senders promise that a record which is sent again never names another entity: columns outside of the primary key may say whose it is.',
    ),
});

export const streams = z
  .record(name(40), stream)
  .default({})
  .describe('Streams that bring single records beside the files, by the dataset of their contract.');
export const features = z
  .array(feature)
  .default([])
  .describe('Features that follow from recent records, for training and for requests alike.');
export const featureKeepDays = wholeDays(90)
  .default(7)
  .describe('How far windows may reach into the past, and how late records may come. Each record is kept so long.');

export type StreamConfig = z.infer<typeof stream>;
export type FeatureConfig = z.infer<typeof feature>;
