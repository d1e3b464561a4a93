import { closest } from '../../lib/constructs/shared/contract';
import catalogue from '../../lib/constructs/serving/data/instances.json';
import { interpolated, ServiceModel } from '../simulator/service-model';
import data from './gpus.json';
import models from './models.json';

/** A language model, as far as its speed depends on it. */
export interface LanguageModel {
  readonly parametersBillions: number;
  readonly bytesPerParameter: number;
  /** Keys and values of one token in context. */
  readonly kvBytesPerToken: number;
}

interface Gpu {
  readonly gigabytesPerSecond: number;
  /** Times of an iteration by its tokens, milliseconds, of a model of this size in 16 bits. */
  readonly measured?: { readonly parametersBillions: number; readonly milliseconds: readonly (readonly number[])[] };
  /** Where nobody published times: which share of the bandwidth reads weights, and prompt tokens of an 8B model in 16 bits a second. */
  readonly estimate?: { readonly readShare: number; readonly tokensPerSecond: number };
}

interface Shape {
  readonly vcpus: number;
  readonly accelerator?: { readonly name: string; readonly count: number; readonly memoryMib?: number };
  readonly usdPerHour?: { readonly amount: number; readonly region: string; readonly source: string };
}

/** A model on an instance type. */
export interface Profile {
  /** `MODEL@INSTANCE`. */
  readonly name: string;
  /** One server: a replica of the model on one GPU. */
  readonly service: ServiceModel;
  /** GPUs of an instance, each with a replica. */
  readonly gpus: number;
  /** Price of an instance; absent when the catalogue has none. */
  readonly usdPerHour?: number;
}

const GPUS: Readonly<Record<string, Gpu>> = data.gpus;
const MODELS: Readonly<Record<string, LanguageModel>> = models;
const SHAPES: Readonly<Record<string, Shape>> = catalogue.types;
const ESTIMATES_FOR_BILLIONS = 8;
const MIB = 2 ** 20;

/** Most prompt tokens that share an iteration of a profile. */
export const CHUNK_TOKENS: number = data.chunkTokens;

/** The instance types of which the speed of a GPU is known, sorted. */
export const PROFILED_INSTANCES: readonly string[] = Object.keys(SHAPES)
  .filter((type) => gpuOf(SHAPES[type]) !== undefined)
  .sort();

/** The models of which the size is known. */
export const PROFILED_MODELS: readonly string[] = Object.keys(MODELS);

/** The profile of this name, such as `llama-3-8b@ml.g5.2xlarge`. Errors: an unknown model or instance type; a model that the GPU has no room for. */
export function profileNamed(name: string): Profile {
  const [model, type, ...more] = name.split('@');
  const problems = [
    ...(type === undefined || more.length > 0 ? [`'${name}' is not MODEL@INSTANCE, such as ${PROFILED_MODELS[0]}@ml.g5.2xlarge`] : []),
    ...(type === undefined ? [] : [...unknown('model', model, PROFILED_MODELS), ...unknown('instance type', type, PROFILED_INSTANCES)]),
  ];
  if (problems.length > 0) {
    throw new Error(`UnknownProfile: ${problems.join('; ')}`);
  }
  return profileOf(name, MODELS[model], type);
}

/** The profile with fewer prompt tokens in an iteration: those that decode wait less for each of their tokens, and prompts are cut more often. */
export const withChunk = <T extends Pick<Profile, 'service'>>(profile: T, chunkTokens = profile.service.chunkTokens): T => ({
  ...profile,
  service: { ...profile.service, chunkTokens },
});

/** The model of this name. Errors `UnknownProfile`. */
export function modelNamed(name: string): LanguageModel {
  const problems = unknown('model', name, PROFILED_MODELS);
  if (problems.length > 0) {
    throw new Error(`UnknownProfile: ${problems.join('; ')}`);
  }
  return MODELS[name];
}

/** The profile of a model on an instance type, each GPU of which serves a replica. Errors: a model that the GPU has no room for. */
export function profileOf(name: string, model: LanguageModel, type: string): Profile {
  const shape = SHAPES[type];
  const { count, memoryMib = 0 } = shape.accelerator!;
  const weights = model.parametersBillions * 1e9 * model.bytesPerParameter;
  const kvBytes = memoryMib * MIB * data.memoryUtilization - data.activationGib * 2 ** 30 - weights;
  if (kvBytes < model.kvBytesPerToken) {
    throw new Error(
      `ModelTooLarge: the weights of '${name}' take ${gib(weights)} GiB, a GPU of ${type} has ${gib(memoryMib * MIB)} GiB, of which ` +
        `${data.memoryUtilization * 100} % less ${data.activationGib} GiB may be used: take an instance type with more memory for each GPU`,
    );
  }
  const gpu = gpuOf(shape)!;
  return {
    name,
    gpus: count,
    usdPerHour: shape.usdPerHour?.amount,
    service: {
      iterationSeconds: iterations(gpu, model),
      chunkTokens: CHUNK_TOKENS,
      readSeconds: model.kvBytesPerToken / (gpu.gigabytesPerSecond * 1e9 * data.contextReadShare),
      maxSequences: data.maxSequences,
      kvTokens: Math.floor(kvBytes / model.kvBytesPerToken),
      streams: true,
    },
  };
}

/** Both bounds of an iteration, reading the weights and computing, are in proportion to the size of the model. */
function iterations(gpu: Gpu, model: LanguageModel): Float64Array {
  const length = data.maxSequences + data.chunkTokens + 1;
  if (gpu.measured !== undefined) {
    const scale = model.parametersBillions / gpu.measured.parametersBillions;
    return interpolated(
      gpu.measured.milliseconds.map(([tokens, time]) => [tokens, (time * scale) / 1000] as const),
      length,
    );
  }
  const { readShare, tokensPerSecond } = gpu.estimate!;
  const base = (model.parametersBillions * model.bytesPerParameter) / (gpu.gigabytesPerSecond * readShare);
  const perToken = model.parametersBillions / ESTIMATES_FOR_BILLIONS / tokensPerSecond;
  return Float64Array.from({ length }, (_, tokens) => Math.max(base, tokens * perToken));
}

/** An A100 comes with 40 and with 80 GB, which differ in bandwidth. */
function gpuOf({ accelerator }: Shape): Gpu | undefined {
  if (accelerator === undefined) {
    return undefined;
  }
  const large = accelerator.name === 'A100' && (accelerator.memoryMib ?? 0) > 50_000;
  const name = large ? 'A100-80GB' : accelerator.name;
  return Object.hasOwn(GPUS, name) ? GPUS[name] : undefined;
}

function unknown(what: string, name: string, known: readonly string[]): string[] {
  if (known.includes(name)) {
    return [];
  }
  const near = closest(name, known);
  return [`${what} '${name}' is not profiled: ${near === undefined ? `use one of ${known.join(', ')}` : `did you mean '${near}'?`}`];
}

const gib = (bytes: number): string => (bytes / 2 ** 30).toFixed(1);
