import { z } from 'zod';
import { WeightPrecision } from '../constructs/serving/model-size';

/** What the file says of how an endpoint is updated, sized and scaled by the clock. */

const bakeSeconds = z
  .int()
  .min(1)
  .max(3600)
  .optional()
  .describe('How long alarms watch new instances after each step, seconds. Default: as long as the rollback alarms need to fire.');
const way = <T extends string>(value: T, what: string) => z.literal(value).describe(what);

export const rollout = z.discriminatedUnion('way', [
  z.strictObject({
    way: way('auto', 'Rolling for two or more instances with accelerators, otherwise all at once. The default.'),
    bakeSeconds,
  }),
  z.strictObject({ way: way('allAtOnce', 'A second fleet takes all traffic at once. The only way for a fleet of one.'), bakeSeconds }),
  z
    .strictObject({
      way: way('canary', 'A small part of a second fleet goes first. Needs quota for twice the instances.'),
      bakeSeconds,
      percent: z.int().min(1).max(50).optional().describe('Size of the canary, percent of the fleet.'),
      instances: z.int().min(1).max(500).optional().describe('Size of the canary in instances. Default: 1.'),
    })
    .refine(({ percent, instances }) => percent === undefined || instances === undefined, 'give percent or instances, not both'),
  z.strictObject({
    way: way('linear', 'Traffic moves to a second fleet in equal steps. Needs quota for twice the instances.'),
    bakeSeconds,
    stepPercent: z.int().min(10).max(50).optional().describe('Size of a step, percent of the fleet. Default: 50.'),
  }),
  z.strictObject({
    way: way('rolling', 'Batch after batch of one fleet is replaced. Needs quota for one batch more.'),
    bakeSeconds,
    batchPercent: z.int().min(5).max(50).optional().describe('Instances replaced at a time, percent of the fleet. Default: 50.'),
    rollbackPercent: z.int().min(5).max(100).optional().describe('Instances that a rollback brings back at a time. Default: batchPercent.'),
  }),
]);

export const modelSize = z
  .strictObject({
    parameters: z.number().min(1).max(1e13).optional().describe('Number of parameters, such as 8.2e9.'),
    precision: z
      .enum(Object.values(WeightPrecision) as [WeightPrecision, ...WeightPrecision[]])
      .optional()
      .describe('Precision of the weights; goes with parameters. Default: bf16.'),
    weightsGiB: z.number().gt(0).max(10_000).optional().describe('Size of the weights, GiB, instead of parameters.'),
    kvBytesPerToken: z.int().min(1).optional().describe('Bytes that a token adds to the KV cache; goes with tokens.'),
    tokens: z.int().min(1).optional().describe('Tokens in the KV cache at the same time: of all requests that an instance works on.'),
    accelerators: z.int().min(1).max(16).optional().describe('Accelerators that the model is spread over. Default: all of the instance.'),
    memoryShare: z.number().min(0.1).max(1).optional().describe('Share of the memory that the server takes. Default: 0.9.'),
  })
  .refine(({ parameters, weightsGiB }) => (parameters === undefined) !== (weightsGiB === undefined), 'give either parameters or weightsGiB')
  .refine(({ precision, weightsGiB }) => precision === undefined || weightsGiB === undefined, 'precision goes with parameters')
  .refine(
    ({ kvBytesPerToken, tokens }) => (kvBytesPerToken === undefined) === (tokens === undefined),
    'kvBytesPerToken and tokens go together',
  );

/** IANA names, as Node knows them. */
function isTimeZone(name: string): boolean {
  try {
    new Intl.DateTimeFormat('en', { timeZone: name });
    return true;
  } catch {
    return false;
  }
}

const schedule = z
  .strictObject({
    name: z
      .string()
      .regex(/^[A-Za-z0-9-]{1,64}$/, 'must be 1 to 64 letters, digits and hyphens')
      .describe('What it is called, unique in the endpoint.'),
    cron: z
      .string()
      .regex(/^[0-9A-Za-z*,/?#-]+( [0-9A-Za-z*,/?#-]+){5}$/, "must have six fields, such as '0 7 ? * MON-FRI *' (minutes first, year last)")
      .optional()
      .describe('When the limits begin, each time: minutes, hours, day of month, month, day of week, year.'),
    at: z
      .string()
      .regex(/^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d$/, "must look like '2026-11-27T06:00:00'")
      .optional()
      .describe('When the limits begin, once.'),
    timeZone: z
      .string()
      .refine(isTimeZone, "must be a time zone, such as 'Europe/Berlin'")
      .optional()
      .describe('Time zone of cron and at; summer time is kept. Default: UTC.'),
    min: z.int().min(0).max(1000).optional().describe('Fewest instances from then on. Default: unchanged.'),
    max: z.int().min(1).max(1000).optional().describe('Most instances from then on. Default: unchanged.'),
  })
  .refine(({ cron, at }) => (cron === undefined) !== (at === undefined), 'give either cron or at')
  .refine(({ min, max }) => min !== undefined || max !== undefined, 'give min, max or both');

export const schedules = z
  .array(schedule)
  .refine((list) => new Set(list.map(({ name }) => name)).size === list.length, 'give each schedule a name of its own');

export type RolloutConfig = z.infer<typeof rollout>;
export type ModelSizeConfig = z.infer<typeof modelSize>;
export type ScheduleConfig = z.infer<typeof schedule>;
