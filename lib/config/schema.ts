import { z } from 'zod';
import { DATATYPES } from '../constructs/integration/contract';
import { Layer } from '../constructs/ownership/layer';
import { modelSize, rollout, schedules } from './capacity-schema';

/** Descriptions land in config/blueprint.schema.json, which editors show beside each key. */

const name = (max: number) =>
  z
    .string()
    .regex(
      new RegExp(`^[a-z][a-z0-9-]{0,${max - 1}}$`),
      `must be 1 to ${max} lower-case letters, digits and hyphens, starting with a letter`,
    );
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

const tensors = z
  .array(
    z.strictObject({
      name: z.string().min(1).describe('Name of the tensor.'),
      datatype: z.enum(DATATYPES).describe('Data type of the Open Inference Protocol.'),
      shape: z
        .array(z.int().refine((length) => length === -1 || length >= 1, 'must be a length from 1, or -1 for any'))
        .min(1)
        .describe('Length of each dimension; -1 where it varies.'),
    }),
  )
  .min(1, 'name at least one tensor');

const signature = z.strictObject({
  inputs: tensors.describe('Tensors that a request must carry, and no others.'),
  outputs: tensors.describe('Tensors that the answer carries.'),
});

const share = z.number().min(0).max(1);

const gate = z
  .strictObject({
    aucBand: z
      .tuple([share, share])
      .refine(([low, high]) => low < high, 'must rise')
      .default([0.5, 0.999])
      .describe('Area under the ROC curve outside it is a suspected leak, or no model at all.'),
    margin: share.default(0).describe('The first version must beat the baseline by more than this average precision.'),
    tolerance: share.default(0.005).describe('A later one may be worse than the current by less than this average precision.'),
    calibrationGap: share.default(0.05).describe('Largest distance between mean score and mean label.'),
    minimumRows: z.int().min(100).default(1000).describe('Fewer labelled rows in the test period are not judged.'),
  })
  .prefault({});

const training = z.strictObject({
  dataset: name(40).describe('Dataset of the contract whose versions it is trained on.'),
  code: z.string().min(1).describe('Folder with train.py and evaluation.py, relative to this file; packed at synth.'),
  eventTime: z
    .array(z.string().min(1))
    .min(1)
    .max(3)
    .refine((columns) => columns.length !== 2, 'give one ISO 8601 column, or year, month and day')
    .describe('Column with the time of a record, or three with year, month and day: the newest closed month is the test period.'),
  labelDelayDays: z
    .int()
    .min(0)
    .max(27)
    .default(0)
    .describe('Days after an event until its label is known, at the latest: left out between training, validation and test data.'),
  instance: z.string().regex(/^ml\./, "must start with 'ml.'").default('ml.m5.large').describe('SageMaker training instance type.'),
  spot: z.boolean().default(true).describe('Train on spare capacity, which may be interrupted; training resumes from its checkpoint.'),
  parameters: z
    .record(z.string().regex(/^[a-z][a-z0-9-]{0,63}$/), z.string().max(256))
    .default({})
    .describe('Hyperparameters.'),
  runsPerDay: z.int().min(1).max(100).default(4).describe('Most training runs in a day (UTC).'),
  everyDays: z
    .int()
    .min(1)
    .max(365)
    .optional()
    .describe(
      'Also start the run of the newest dataset version at this interval: it costs nothing if that has run with this code and these parameters. Default: on new dataset versions, drift or by hand.',
    ),
  gate: gate.describe('What a candidate must pass before it is registered.'),
  purpose: z.string().min(1).max(1000).describe('What the model is for: in its model card.'),
  intendedUses: z.string().min(1).max(1000).describe('What its predictions are used for: in its model card.'),
  limits: z.string().min(1).max(1000).describe('What it is not for, and what it does not know: in its model card.'),
});

const version = (family: string, example: string) => z.string().min(1).optional().describe(`Version of ${family}, such as ${example}.`);

const image = z
  .strictObject({
    scikitLearn: version('scikit-learn of SageMaker', '1.4-2'),
    xgboost: version('XGBoost of SageMaker as a framework', '1.7-1'),
    xgboostAlgorithm: version('XGBoost of SageMaker as the built-in algorithm', '1.7-1'),
    pytorch: version('PyTorch Inference', '2.6.0'),
    tensorflow: version('TensorFlow Inference', '2.19.0'),
    djlLmi: version('Large Model Inference of DJL', '0.36.0-lmi28.0.0'),
    huggingFacePytorch: version('Hugging Face PyTorch Inference', '2.6.0-transformers5.5.3'),
    huggingFaceTgi: version('Text Generation Inference of Hugging Face', '2.7.0-tgi3.3.6'),
    huggingFaceVllm: version('vLLM of Hugging Face', '0.25.1-transformers5.10.2'),
    accelerator: z.enum(['cpu', 'gpu']).optional().describe('What pytorch, tensorflow and huggingFacePytorch compute on. Default: cpu.'),
  })
  .refine(({ accelerator: _, ...families }) => Object.keys(families).length === 1, 'give exactly one family of images')
  .refine(
    ({ accelerator, pytorch, tensorflow, huggingFacePytorch }) =>
      accelerator === undefined || (pytorch ?? tensorflow ?? huggingFacePytorch) !== undefined,
    'accelerator goes with pytorch, tensorflow or huggingFacePytorch: the other families are for one only',
  );

const endpoint = z.strictObject({
  model: z
    .strictObject({
      training: training.optional().describe('Trained here: approved versions of its model package group are released to the endpoint.'),
      asset: z.string().min(1).optional().describe('Folder with model data and code, relative to this file; packed at synth.'),
      tarball: z
        .string()
        .regex(/^s3:\/\/[a-z0-9.-]{3,63}\/.+\.tar\.gz$/, 'must look like s3://bucket/key.tar.gz')
        .optional()
        .describe('A model.tar.gz in Amazon S3.'),
    })
    .refine((value) => Object.keys(value).length === 1, 'give exactly one of training, asset, tarball')
    .describe('Where the model comes from.'),
  image: image.describe('Container image of AWS that serves the model: one family, with its version.'),
  instance: z.string().regex(/^ml\./, "must start with 'ml.'").describe('SageMaker hosting instance type.'),
  unlistedInstance: z
    .boolean()
    .default(false)
    .describe('Take an instance type that the catalogue does not list, because it is newer; its shape and Region are not checked.'),
  slo: z.strictObject({
    latencyPercentile: z.number().min(50).max(99.9).default(99).describe('Percentile of model latency that must hold.'),
    latencyBelowMs: z.int().min(1).max(60000).describe('Bound of that percentile, milliseconds.'),
    availabilityPercent: z.number().min(50).max(99.999).default(99.5).describe('Share of invocations that must succeed.'),
  }),
  scaling: z
    .strictObject({
      fixed: z.int().min(1).max(1000).optional().describe('Instances that always run. How an endpoint starts.'),
      min: z.int().min(1).max(1000).optional().describe('Fewest instances.'),
      max: z.int().min(1).max(1000).optional().describe('Most instances.'),
      capacity: z.string().min(1).optional().describe('Measured capacity file, relative to this file (docs/capacity-file.md).'),
      concurrency: z
        .int()
        .min(1)
        .max(10_000)
        .optional()
        .describe('Requests at once in the busiest instance: beside capacity a guard that adds instances within a minute or two.'),
      schedules: schedules.optional().describe('Other limits at known times; goes with min and max.'),
    })
    .refine(
      (value) => (value.fixed === undefined) !== (value.min === undefined && value.max === undefined),
      'give either fixed, or min, max and capacity',
    )
    .refine((value) => (value.min === undefined) === (value.max === undefined), 'min and max go together')
    .refine((value) => value.min === undefined || value.max === undefined || value.min <= value.max, 'min is above max')
    .refine((value) => value.schedules === undefined || value.fixed === undefined, 'schedules go with min and max, not with fixed')
    .refine((value) => value.concurrency === undefined || value.fixed === undefined, 'concurrency goes with min and max, not with fixed'),
  rollout: rollout.optional().describe('How an update reaches the fleet. Default: auto.'),
  amiVersion: z
    .string()
    .regex(/^[a-z0-9]+-ami-sagemaker-inference-[a-z0-9-]+$/, "must look like 'al2023-ami-sagemaker-inference-gpu-4-1'")
    .optional()
    .describe(
      'Machine image of the instances, which decides the GPU driver. Default: the oldest that carries the CUDA version of the image.',
    ),
  modelSize: modelSize
    .optional()
    .describe('How much memory the model needs: an instance that cannot hold it is refused. Default: not checked.'),
  signature: signature
    .optional()
    .describe(
      'What the model takes and gives. With it the API answers 400 to a request that does not fit. Default: the protocol alone is checked.',
    ),
  captureSamplingPercent: z.int().min(0).max(100).default(100).describe('Share of requests that data capture keeps.'),
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
  objective: objective.describe('What the workload is for, as a number.'),
  budget: z.strictObject({ monthlyUsd: z.number().gt(0).describe('Monthly limit, USD.') }),
  data: z.strictObject({
    contracts: z.array(z.string().min(1)).min(1).describe('Data contracts (Open Data Contract Standard), relative to this file.'),
    rawRetentionDays: wholeDays.default(400).describe('Raw objects are kept this long; at least as long as quarantine.'),
    quarantineRetentionDays: wholeDays.default(365).describe('Quarantined records are kept this long.'),
    deleteDataWithStack: z.boolean().default(false).describe('Let `cdk destroy` delete the data; only outside prod.'),
  }),
  models: z
    .strictObject({
      trustedAccounts: z
        .array(z.string().regex(/^\d{12}$/, 'must be 12 digits, in quotes'))
        .default([])
        .describe('Accounts that may read the registered models and deploy them, such as that of prod.'),
    })
    .prefault({})
    .describe('Models that are trained here.'),
  endpoints: z.record(name(20), endpoint).describe('One endpoint per model, by route name.'),
  labelWindowHours: z.int().min(1).max(8760).default(48).describe('A prediction without ground truth expires this long after its event.'),
  network: network.optional().describe('Default: none in dev, isolated in prod.'),
});

type WrittenConfig = z.infer<typeof blueprintConfig>;
export type EndpointConfig = WrittenConfig['endpoints'][string];
export type TrainingConfig = NonNullable<EndpointConfig['model']['training']>;
export type NetworkConfig = NonNullable<WrittenConfig['network']>;
/** The file's content with its defaults; those that depend on the stage are in. */
export type BlueprintConfig = WrittenConfig & { network: NetworkConfig };

/** The JSON Schema that config/blueprint.schema.json holds. */
export function blueprintJsonSchema(): object {
  return { ...z.toJSONSchema(blueprintConfig, { io: 'input' }), title: 'cdk-ai-workloads blueprint' };
}
