import { z } from 'zod';
import { DATATYPES } from '../constructs/integration/contract';
import { training } from './training-schema';

/** What the file says of a model: its tensors, its image, where it comes from. */

const tensor = z.strictObject({
  name: z.string().min(1).describe('Name of the tensor.'),
  datatype: z.enum(DATATYPES).describe('Data type of the Open Inference Protocol.'),
  shape: z
    .array(z.int().refine((length) => length === -1 || length >= 1, 'must be a length from 1, or -1 for any'))
    .min(1)
    .describe('Length of each dimension; -1 where it varies.'),
});
const input = tensor.extend({
  feature: z
    .string()
    .min(1)
    .optional()
    .describe(
      'Name under data.features: the API looks it up and fills it in, and training data has it. Default: requests bring the tensor.',
    ),
});
const AT_LEAST_ONE = 'name at least one tensor';

export const signature = z.strictObject({
  inputs: z.array(input).min(1, AT_LEAST_ONE).describe('Tensors that a request must carry, features aside, and no others.'),
  outputs: z.array(tensor).min(1, AT_LEAST_ONE).describe('Tensors that the answer carries.'),
});

const version = (family: string, example: string) => z.string().min(1).optional().describe(`Version of ${family}, such as ${example}.`);

export const image = z
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

/** Sources whose files the endpoint's role reads, or its container downloads. */
const fixedSources = {
  asset: z.string().min(1).optional().describe('Folder with model data and code, relative to this file; packed at synth.'),
  tarball: z
    .string()
    .regex(/^s3:\/\/[a-z0-9.-]{3,63}\/.+\.tar\.gz$/, 'must look like s3://bucket/key.tar.gz')
    .optional()
    .describe('A model.tar.gz in Amazon S3.'),
  s3Prefix: z
    .string()
    .regex(/^s3:\/\/[a-z0-9.-]{3,63}\/.+\/$/, 'must look like s3://bucket/prefix/')
    .optional()
    .describe('Uncompressed files below a prefix in Amazon S3, such as `npm run stage-model` puts there.'),
  huggingFace: z
    .strictObject({
      id: z
        .string()
        .regex(/^[\w.-]+\/[\w.-]+$/, "must look like 'Qwen/Qwen3-8B'")
        .describe('Name of the model on the hub.'),
      revision: z
        .string()
        .regex(/^[0-9a-f]{40}$/, 'must be a commit of 40 hexadecimal digits: a branch or tag would change what is deployed')
        .describe('Commit of its repository.'),
      downloadAtStart: z
        .literal(true)
        .describe('Acknowledges that new instances start only while the hub answers, and are not cut off from the network.'),
    })
    .optional()
    .describe('A model of the Hugging Face Hub, which containers download when they start: not in prod, where it is staged to Amazon S3.'),
};

const oneSource = (value: object) => Object.keys(value).length === 1;

/** Where the model of a real-time endpoint comes from. */
export const trainedOrFixedModel = z
  .strictObject({
    training: training.optional().describe('Trained here: approved versions of its model package group are released to the endpoint.'),
    ...fixedSources,
  })
  .refine(oneSource, `give exactly one of training, ${Object.keys(fixedSources).join(', ')}`)
  .describe('Where the model comes from.');

/** Where a model comes from that no release changes. */
export const fixedModel = z
  .strictObject(fixedSources)
  .refine(oneSource, `give exactly one of ${Object.keys(fixedSources).join(', ')}`)
  .describe('Where the model comes from.');

export const environment = z
  .record(z.string().regex(/^[a-zA-Z_][a-zA-Z0-9_]{0,1023}$/), z.string().max(1024))
  .default({})
  .describe('Variables of the container, with what its image and source need. Secrets by ARN, never by value.');

export type ImageConfig = z.infer<typeof image>;
export type ModelConfig = z.infer<typeof trainedOrFixedModel>;
