import { z } from 'zod';
import { modelSize, rollout, schedules } from './capacity-schema';
import { environment, fixedModel, image, signature, trainedOrFixedModel } from './model-schema';
import { name } from './names-schema';

/** The modes of an endpoint. One key means the same in each of them. */

const host = {
  instance: z.string().regex(/^ml\./, "must start with 'ml.'").describe('SageMaker hosting instance type.'),
  unlistedInstance: z
    .boolean()
    .default(false)
    .describe('Take an instance type that the catalogue does not list, because it is newer; its shape and Region are not checked.'),
  amiVersion: z
    .string()
    .regex(/^[a-z0-9]+-ami-sagemaker-inference-[a-z0-9-]+$/, "must look like 'al2023-ami-sagemaker-inference-gpu-4-1'")
    .optional()
    .describe(
      'Machine image of the instances, which decides the GPU driver. Default: the oldest that carries the CUDA version of the image.',
    ),
};
const size = modelSize
  .optional()
  .describe('How much memory the model needs: an instance that cannot hold it is refused. Default: not checked.');
const servedImage = image.describe('Container image of AWS that serves the model: one family, with its version.');
const latencySlo = z.strictObject({
  latencyPercentile: z.number().min(50).max(99.9).default(99).describe('Percentile of model latency that must hold.'),
  latencyBelowMs: z.int().min(1).max(60000).describe('Bound of that percentile, milliseconds.'),
  availabilityPercent: z.number().min(50).max(99.999).default(99.5).describe('Share of invocations that must succeed.'),
});
const updates = rollout.optional().describe('How an update reaches the fleet. Default: auto.');
const capacity = z.string().min(1).optional().describe('Measured capacity file, relative to this file (docs/capacity-file.md).');
const tokenMetric = z
  .strictObject({
    namespace: z.string().max(255).regex(/^[^:]/, "must not be empty or begin with ':'").describe('Namespace of the metric.'),
    name: z.string().min(1).max(255).describe('Name of the metric.'),
    dimensions: z
      .record(z.string().min(1), z.string().min(1))
      .refine((all) => Object.keys(all).length <= 30, 'a metric has at most 30 dimensions')
      .default({})
      .describe('Dimensions of the metric, all of them: at most 30.'),
  })
  .optional()
  .describe(
    'CloudWatch metric with the tokens of each answer, prompt and answer together: each request counts as much as they are. ' +
      'Goes with a capacity that states tokensPerRequest (docs/capacity-file.md).',
  );
const concurrency = (what: string) => z.int().min(1).max(10_000).optional().describe(what);
const timed = schedules.optional().describe('Other limits at known times; goes with min and max.');
const range = (least: number, what: string) => ({
  fixed: z.int().min(1).max(1000).optional().describe(`${what} that always run. How an endpoint starts.`),
  min: z.int().min(least).max(1000).optional().describe(`Fewest ${what.toLowerCase()}.`),
  max: z.int().min(1).max(1000).optional().describe(`Most ${what.toLowerCase()}.`),
});

/** `fixed` or a range; what a range follows goes with it alone. */
function scaled<T extends z.ZodRawShape>(shape: T, follows: string[], needed: string) {
  type Written = Readonly<Record<string, number | undefined>>;
  const given = (value: object) => value as Written;
  const object = z
    .strictObject(shape)
    .refine(
      (value) => (given(value).fixed === undefined) !== (given(value).min === undefined && given(value).max === undefined),
      `give either fixed, or min, max and ${needed}`,
    )
    .refine((value) => (given(value).min === undefined) === (given(value).max === undefined), 'min and max go together')
    .refine((value) => (given(value).min ?? 0) <= (given(value).max ?? Infinity), 'min is above max');
  return follows.reduce(
    (checked, key) =>
      checked.refine(
        (value) => given(value)[key] === undefined || given(value).fixed === undefined,
        `${key} ${key === 'schedules' ? 'go' : 'goes'} with min and max, not with fixed`,
      ),
    object,
  );
}

const realtime = z
  .strictObject({
    mode: z.literal('realtime').optional().describe('One model that answers within 60 seconds. The default.'),
    model: trainedOrFixedModel,
    image: servedImage,
    environment,
    ...host,
    slo: latencySlo,
    scaling: scaled(
      {
        ...range(1, 'Instances'),
        capacity,
        tokenMetric,
        concurrency: concurrency('Requests at once in the busiest instance: beside capacity a guard that adds instances within a minute.'),
        schedules: timed,
      },
      ['schedules', 'tokenMetric', 'concurrency'],
      'capacity',
    ),
    rollout: updates,
    modelSize: size,
    signature: signature
      .optional()
      .describe(
        'What the model takes and gives. With it the API answers 400 to a request that does not fit. Default: the protocol alone is checked.',
      ),
    captureSamplingPercent: z.int().min(0).max(100).default(100).describe('Share of requests that data capture keeps.'),
  })
  .refine(
    ({ model, environment: variables }) => model.training === undefined || Object.keys(variables).length === 0,
    'environment does not go with model.training: a version of the registry brings its own',
  );

const asynchronous = z.strictObject({
  mode: z.literal('async').describe('One model that takes its requests from a queue and answers in a bucket; may rest at 0 instances.'),
  model: fixedModel,
  image: servedImage,
  environment,
  ...host,
  slo: z.strictObject({
    withinMinutes: z.int().min(1).max(60).describe('Time from an invocation until its answer lies in the bucket.'),
    availabilityPercent: z.number().min(50).max(99.999).default(99.5).describe('Share of invocations that must succeed.'),
  }),
  scaling: scaled(
    {
      ...range(0, 'Instances'),
      capacity,
      backlogPerInstance: z
        .int()
        .min(1)
        .max(1e6)
        .optional()
        .describe('Invocations for each instance at which to hold the fleet, instead of capacity.'),
      scaleIn: z
        .enum(['whenIdle', 'withBacklog'])
        .optional()
        .describe('Give instances back when nothing waits, or one by one while others work. Default: whenIdle.'),
      longestInvocationMinutes: z.int().min(1).max(60).optional().describe('The longest that an invocation may run. Default: 15.'),
      schedules: timed,
    },
    ['capacity', 'backlogPerInstance', 'scaleIn', 'longestInvocationMinutes', 'schedules'],
    'capacity or backlogPerInstance',
  ),
  maxConcurrentInvocations: z
    .int()
    .min(1)
    .max(1000)
    .optional()
    .describe('Invocations that an instance is sent at a time. Default: what the measured instance had in flight, otherwise 1.'),
  rollout: updates,
  modelSize: size,
  keepDays: z.int().min(1).max(365).default(7).describe('Requests and answers are deleted after so many days.'),
});

const component = z.strictObject({
  model: fixedModel,
  image: servedImage,
  environment,
  slo: latencySlo,
  compute: z
    .strictObject({
      minMemoryMiB: z.int().min(128).describe('Memory of the instance that is reserved for a copy, MiB.'),
      maxMemoryMiB: z.int().min(128).optional().describe('Memory that a copy may take at most, MiB. Default: no limit.'),
      accelerators: z.int().min(0).max(64).default(0).describe('GPUs or other accelerators of a copy.'),
      cpuCores: z.number().min(0.25).max(1024).optional().describe('CPU cores of a copy. Default: none reserved.'),
    })
    .describe('What one copy takes of its instance.'),
  copies: scaled(
    {
      ...range(0, 'Copies'),
      capacity,
      concurrency: concurrency('Requests at once for each copy: beside capacity it only adds copies.'),
      schedules: timed,
    },
    ['capacity', 'concurrency', 'schedules'],
    'capacity, concurrency or both',
  ).describe('How many copies serve it. With a minimum of 0 requests fail until the first copy is up again.'),
  rollout: updates,
  modelSize: size,
});

const components = z.strictObject({
  mode: z.literal('component').describe('Instances that several models share as components; may rest at 0 instances.'),
  ...host,
  instances: z
    .strictObject({
      min: z.int().min(0).max(1000).default(1).describe('Fewest instances.'),
      max: z.int().min(1).max(1000).describe('Most instances: keep it within the quota of the account.'),
    })
    .refine(({ min, max }) => min <= max, 'min is above max')
    .describe('How many instances there may be: SageMaker adds and removes them as the copies need.'),
  routing: z
    .enum(['leastOutstandingRequests', 'random'])
    .default('leastOutstandingRequests')
    .describe('Which copy takes the next request.'),
  components: z
    .record(name(20), component)
    .refine((value) => Object.keys(value).length > 0, 'name at least one component')
    .describe('The models, by the name that callers give as InferenceComponentName after <workload>-<stage>-<endpoint>-.'),
});

export const endpoint = z.discriminatedUnion('mode', [realtime, asynchronous, components]);

export type RealtimeConfig = z.infer<typeof realtime>;
export type AsyncConfig = z.infer<typeof asynchronous>;
export type ComponentsConfig = z.infer<typeof components>;
export type ComponentConfig = z.infer<typeof component>;
