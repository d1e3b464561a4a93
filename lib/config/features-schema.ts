import { z } from 'zod';
import { AGGREGATE_FUNCTIONS } from '../constructs/data/features/contract';
import { name } from './names-schema';

/** What the file says of records that come one by one, and of features that follow from them. */

const wholeDays = (max: number) => z.int().min(1).max(max);
const column = z.string().min(1);

const moment = z.strictObject({
  column: column.describe('A timestamp column.'),
  plusMinutes: z.array(column).default([]).describe('Integer columns of minutes that are added to it.'),
});

const http = z.strictObject({
  orderedBy: z
    .array(column)
    .optional()
    .describe(
      'Columns: records of one request with the same values in them keep their order, [] for no order. Default: the primary key of the contract.',
    ),
});

const online = z.strictObject({
  eventTime: moment.describe('When a record happened: of an entity the record with the latest counts.'),
  entity: z
    .array(column)
    .min(1, 'name at least one column')
    .optional()
    .describe('Columns that say whose record it is. Default: the primary key of the contract.'),
  columns: z
    .array(column)
    .min(1, 'name at least one column')
    .optional()
    .describe('Columns that the table holds: the fewer, the less there is to protect. Default: all.'),
  keepHours: z.int().min(1).max(8760).default(720).describe('An entity is forgotten when no newer record of it has arrived for this long.'),
});

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
  http: http
    .optional()
    .describe('Senders may post records to the API of records, POST /v1/datasets/<dataset>/records. Default: the stream alone.'),
  online: online
    .optional()
    .describe(
      'A table of the newest record of each entity, readable by key within seconds; with http also by GET /v1/datasets/<dataset>/newest. Default: none.',
    ),
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
export const httpRequestsPerSecond = z
  .number()
  .min(1)
  .max(10_000)
  .default(100)
  .describe('Requests per second that the API of records lets through, all datasets together; above it the answer is 429.');
export const queries = z
  .strictObject({
    scanLimitMegabytes: z
      .int()
      .min(10)
      .max(953_674_316)
      .default(10_240)
      .describe('A query that scans more is cancelled, and what it scanned is charged. 1 MB is 1,048,576 bytes.'),
    resultRetentionDays: wholeDays(365).default(7).describe('Results of queries are deleted after this.'),
  })
  .optional()
  .describe('SQL over the versions of all datasets with Amazon Athena; each version is stored once more. Default: none.');
export const features = z
  .array(feature)
  .default([])
  .describe('Features that follow from recent records, for training and for requests alike.');
export const featureKeepDays = wholeDays(90)
  .default(7)
  .describe('How far windows may reach into the past, and how late records may come. Each record is kept so long.');
export const featureTimeoutMs = z
  .int()
  .min(10)
  .max(2000)
  .default(200)
  .describe(
    'Time for looking up the features of a request. What is not there by then is null: counted, alarmed, and the prediction is made.',
  );

export type StreamConfig = z.infer<typeof stream>;
export type MomentConfig = z.infer<typeof moment>;
export type FeatureConfig = z.infer<typeof feature>;
