import { z } from 'zod';
import { Layer } from '../constructs/ownership/layer';
import { AsyncConfig, ComponentsConfig, endpoint, RealtimeConfig } from './endpoint-schema';
import { featureKeepDays, features, featureTimeoutMs, httpRequestsPerSecond, queries, streams } from './features-schema';
import { name } from './names-schema';

/** Descriptions land in config/blueprint.schema.json, which editors show beside each key. */

const percent = z.number().gt(0).max(100);
const wholeDays = z.int().min(1).max(3650);

const destination = z
  .strictObject({
    email: z.email().optional().describe('Address; its receiver confirms the subscription once.'),
    queue: name(60).optional().describe('Queue that this workload creates for the team, named <workload>-<stage>-<queue>.'),
    queueArn: z
      .string()
      .regex(/^arn:aws[a-z-]*:sqs:[a-z0-9-]+:\d{12}:[A-Za-z0-9_-]{1,80}$/, 'must be the ARN of a standard queue')
      .optional()
      .describe('Existing queue, which must let Amazon SNS send to it.'),
  })
  .refine((value) => Object.keys(value).length === 1, 'give exactly one of email, queue, queueArn');

const team = z.strictObject({
  contact: z.string().min(1).describe('How to reach people about this layer: an address, a channel.'),
  page: z
    .array(destination)
    .min(1, 'give at least one destination, or its alarms reach nobody')
    .describe('Where alerts go that wake somebody.'),
  ticket: z.array(destination).min(1).optional().describe('Where alerts go that can wait. Default: those of page.'),
});

const owners = z.strictObject(
  Object.fromEntries(
    Object.values(Layer).map((layer) => [layer, name(40).describe(`Team that answers for the layer '${layer}'.`)]),
  ) as Record<Layer, z.ZodString>,
);

const objective = z.strictObject({
  name: z
    .string()
    .regex(/^[A-Za-z][A-Za-z0-9]{1,63}$/, 'must be 2 to 64 letters and digits')
    .describe('Metric name: share of true outcomes that were predicted.'),
  atLeastPercent: percent.describe('Target: the alarm tells the product owner below it.'),
  overDays: z.int().min(1).max(90).describe('Length of the rolling window, days of the workload clock.'),
  minimumLabels: z.int().min(1).default(1000).describe('Fewer labels than this are not evaluated.'),
  model: name(20).optional().describe('Route name of the model whose predictions count. Default: all of them.'),
  decisionOutput: z.string().min(1).describe("Output tensor (BOOL, one element) that holds a prediction's decision."),
  decisionLeadMinutes: z
    .int()
    .min(0)
    .max(525600)
    .default(0)
    .describe('A positive decision counts as a hit only when it was made at least this long before its event.'),
  guard: z
    .strictObject({
      name: z
        .string()
        .regex(/^[A-Za-z][A-Za-z0-9]{1,63}$/, 'must be 2 to 64 letters and digits')
        .describe('Metric name: share of predictions that are positive.'),
      atMostPercent: percent.describe('Ceiling: without it, always predicting the outcome would meet the objective.'),
    })
    .describe('The price that the objective may not be bought at.'),
});

const network = z.discriminatedUnion('mode', [
  z.strictObject({ mode: z.literal('none').describe('No network of our own; interface endpoints cost money even when idle.') }),
  z.strictObject({ mode: z.literal('isolated'), cidr: z.string().optional(), availabilityZones: z.int().min(2).max(6).optional() }),
  z.strictObject({ mode: z.literal('nat'), cidr: z.string().optional(), availabilityZones: z.int().min(2).max(6).optional() }),
  z.strictObject({
    mode: z.literal('import'),
    vpcId: z.string().regex(/^vpc-[0-9a-f]+$/, 'must look like vpc-0123abcd'),
    availabilityZones: z.array(z.string()).min(2),
    subnetIds: z.array(z.string().regex(/^subnet-[0-9a-f]+$/, 'must look like subnet-0123abcd')).min(2),
  }),
]);

export const blueprintConfig = z.strictObject({
  version: z.literal(1, 'this release reads version 1').describe('Version of this format.'),
  workload: name(24).describe('Starts every physical name: <workload>-<stage>-...'),
  stage: z.enum(['dev', 'prod']).describe('In prod nothing is deleted, the region is required and an isolated network is the default.'),
  account: z
    .string()
    .regex(/^\d{12}$/, 'must be 12 digits, in quotes')
    .optional()
    .describe("Account. Default: the CLI's."),
  region: z
    .string()
    .regex(/^[a-z]{2}(-[a-z]+)+-\d$/, 'must look like eu-central-1')
    .optional()
    .describe("Region; required in prod and for GPU endpoints. Default: the CLI's."),
  apiGatewayLoggingRole: z
    .enum(['create', 'none'])
    .default('create')
    .describe('API Gateway has one logging role per account and Region: create it, or none when the account has it already.'),
  clock: z.enum(['real', 'replay']).default('real').describe('replay lets a replay of recorded data move the workload clock; not in prod.'),
  teams: z.record(name(40), team).describe('Who there is, and how alerts reach them.'),
  owners: owners.describe('Which team answers for which layer. All are required.'),
  objective: objective
    .optional()
    .describe('What the workload is for, as a number: required with real-time endpoints, whose predictions it counts.'),
  budget: z.strictObject({ monthlyUsd: z.number().gt(0).describe('Monthly limit, USD.') }),
  data: z
    .strictObject({
      contracts: z
        .array(z.string().min(1))
        .default([])
        .describe('Data contracts (Open Data Contract Standard), relative to this file: required with real-time endpoints.'),
      streams,
      httpRequestsPerSecond,
      features,
      featureKeepDays,
      featureTimeoutMs,
      queries,
      rawRetentionDays: wholeDays.default(400).describe('Raw objects are kept this long; at least as long as quarantine.'),
      quarantineRetentionDays: wholeDays.default(365).describe('Quarantined records are kept this long.'),
      deleteDataWithStack: z.boolean().default(false).describe('Let `cdk destroy` delete the data; only outside prod.'),
    })
    .prefault({}),
  models: z
    .strictObject({
      trustedAccounts: z
        .array(z.string().regex(/^\d{12}$/, 'must be 12 digits, in quotes'))
        .default([])
        .describe('Accounts that may read the registered models and deploy them, such as that of prod.'),
    })
    .prefault({})
    .describe('Models that are trained here.'),
  endpoints: z.record(name(20), endpoint).describe('Endpoints, by name; that of a real-time one is the route of its model.'),
  labelWindowHours: z.int().min(1).max(8760).default(48).describe('A prediction without ground truth expires this long after its event.'),
  network: network.optional().describe('Default: none in dev, isolated in prod.'),
});

type WrittenConfig = z.infer<typeof blueprintConfig>;
export type EndpointConfig = RealtimeConfig;
export type { FeatureConfig, MomentConfig, StreamConfig } from './features-schema';
export type { TrainingConfig } from './training-schema';
export type NetworkConfig = NonNullable<WrittenConfig['network']>;
/** The file's content with its defaults; those that depend on the stage are in. Endpoints lie apart by their mode. */
export type BlueprintConfig = Omit<WrittenConfig, 'endpoints'> & {
  network: NetworkConfig;
  /** Real-time endpoints: those that the API reaches. */
  endpoints: Record<string, RealtimeConfig>;
  asyncEndpoints: Record<string, AsyncConfig>;
  componentEndpoints: Record<string, ComponentsConfig>;
};

/** Puts the endpoints of a file apart by their mode. */
export function byMode({ endpoints, ...rest }: WrittenConfig): Omit<BlueprintConfig, 'network'> {
  const entries = Object.entries(endpoints);
  return {
    ...rest,
    endpoints: Object.fromEntries(
      entries.flatMap(([key, value]) => (value.mode === undefined || value.mode === 'realtime' ? [[key, value]] : [])),
    ),
    asyncEndpoints: Object.fromEntries(entries.flatMap(([key, value]) => (value.mode === 'async' ? [[key, value]] : []))),
    componentEndpoints: Object.fromEntries(entries.flatMap(([key, value]) => (value.mode === 'component' ? [[key, value]] : []))),
  };
}

/** The JSON Schema that config/blueprint.schema.json holds. */
export function blueprintJsonSchema(): object {
  return { ...z.toJSONSchema(blueprintConfig, { io: 'input' }), title: 'cdk-ai-workloads blueprint' };
}
