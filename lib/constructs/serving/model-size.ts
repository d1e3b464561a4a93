import { Size, SizeRoundingBehavior, Stack, Token } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import { notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../shared/checks';
import { CATALOGUED_TYPES, hostingRegions, InstanceShape, isGpu, shapeOf } from './instance-catalogue';
import { InstanceType } from './instance-type.generated';

/** How many bits each weight of a model has. */
export enum WeightPrecision {
  /** 32 bits. */
  FP32 = 'fp32',
  /** 16 bits: also FP16. */
  BF16 = 'bf16',
  /** 8 bits: also INT8. */
  FP8 = 'fp8',
  /** 4 bits. */
  INT4 = 'int4',
}

const BITS: Readonly<Record<WeightPrecision, number>> = { fp32: 32, bf16: 16, fp8: 8, int4: 4 };

/** What a model needs beside its weights, and where it may lie. */
export interface ModelMemoryProps {
  /**
   * Bytes that each token adds to the KV cache of a language model, a whole number from 1: 2 x layers x KV heads x head dimension x bytes of a
   * value, from the model's `config.json`. Goes with `tokens`.
   *
   * @default - no KV cache is counted
   */
  readonly kvBytesPerToken?: number;
  /**
   * Tokens in the KV cache at the same time, a whole number from 1: prompts and answers of all requests that one instance works on.
   *
   * @default - no KV cache is counted
   */
  readonly tokens?: number;
  /**
   * Accelerators that the model is spread over, a whole number from 1 to 16.
   *
   * @default - all of the instance
   */
  readonly accelerators?: number;
  /**
   * Share of the memory that the server takes for weights and KV cache, 0.1 to 1: the rest is for the driver and for intermediate results. vLLM
   * calls it `gpu_memory_utilization` (https://docs.anyscale.com/llm/batch-inference/resource-allocation/gpu-memory).
   *
   * @default 0.9
   */
  readonly memoryShare?: number;
}

/** The same for a model whose parameters are counted. */
export interface ModelParametersProps extends ModelMemoryProps {
  /**
   * Precision of the weights.
   *
   * @default WeightPrecision.BF16
   */
  readonly precision?: WeightPrecision;
}

/**
 * How much memory a model needs, so that an instance that cannot hold it is refused at synth and not after half an hour of loading
 * (https://docs.djl.ai/docs/serving/serving/docs/lmi/deployment_guide/instance-type-selection.html).
 */
export class ModelSize {
  /**
   * A model by its parameters, such as 8.2e9; of a mixture of experts all of them count.
   *
   * @param parameters number of parameters, at least 1, known at synth
   * @param props precision, KV cache and where the model may lie
   */
  public static ofParameters(parameters: number, props: ModelParametersProps = {}): ModelSize {
    const unknown = unknownAtSynth('modelSize.parameters', parameters);
    const problems = unknown.length > 0 ? unknown : outsideRange('modelSize.parameters', parameters, 1, 1e13);
    return new ModelSize((parameters * BITS[props.precision ?? WeightPrecision.BF16]) / 8, props, problems);
  }

  /**
   * A model by the size of its weights: the sum of its `.safetensors` files, say.
   *
   * @param weights size of the weights, known at synth
   * @param props KV cache and where the model may lie
   */
  public static ofWeights(weights: Size, props: ModelMemoryProps = {}): ModelSize {
    const problems = unknownAmount('modelSize.weights', weights);
    return new ModelSize(problems.length > 0 ? 0 : weights.toBytes({ rounding: SizeRoundingBehavior.NONE }), props, problems);
  }

  private constructor(
    private readonly weightBytes: number,
    private readonly props: ModelMemoryProps,
    private readonly given: readonly string[],
  ) {}

  /** Storage volume that has room for archive, unpacked weights and image: two and a half times the weights. @internal */
  public get _volume(): Size {
    return Size.gibibytes(this.given.length > 0 ? 1 : Math.min(512, Math.max(1, Math.ceil((2.5 * this.weightBytes) / GIB))));
  }

  /** What is wrong with it for an instance in the Region of `scope`, with the volume that was asked for. @internal */
  public _problems(scope: Construct, instance: InstanceType, volume?: Size): string[] {
    const problems = [...this.given, ...this.valueProblems()];
    if (problems.length > 0) {
      return problems;
    }
    const lack = instance._shape && this.shortage(instance._shape);
    return [
      ...(lack === undefined ? [] : [`'instance' ${instance.name} ${lack}: ${this.wayOut(scope, instance._shape!)}`]),
      ...this.volumeProblems(volume),
    ];
  }

  /** What is wrong with it for a copy that takes a part of an instance, whose volume all copies share. @internal */
  public _copyProblems(scope: Construct, instance: InstanceType, copy: CopyRoom, volume?: Size): string[] {
    const problems = [...this.given, ...this.valueProblems()];
    const [accelerators, spread] = [copy.accelerators ?? 0, this.props.accelerators];
    if (problems.length > 0) {
      return problems;
    }
    if (spread !== undefined && spread > accelerators) {
      return [
        `'modelSize.accelerators' spreads the model over ${spread}, but 'compute.accelerators' gives a copy ${accelerators}: give it ${spread}`,
      ];
    }
    const size = volume === undefined || volume.isUnresolved() ? Infinity : volume.toBytes({ rounding: SizeRoundingBehavior.NONE });
    return [
      ...(accelerators === 0 ? this.reservedProblems(copy) : this.acceleratorProblems(scope, instance, spread ?? accelerators)),
      ...(size < this.weightBytes
        ? [
            `'modelSize' has weights of ${gib(this.weightBytes)}, which the volume of the endpoint, ${gib(size)}, cannot hold: give the ` +
              `endpoint 'volumeSize' of at least ${this._volume.toGibibytes()} GiB`,
          ]
        : []),
    ];
  }

  /** Without accelerators the weights lie in what is reserved: SageMaker places as many copies on an instance as it can reserve for. */
  private reservedProblems({ minMemory, maxMemory }: CopyRoom): string[] {
    const needed = this.weightBytes + this.cacheBytes;
    const [least, most] = [minMemory, maxMemory].map((size) => size?.toBytes({ rounding: SizeRoundingBehavior.NONE }) ?? Infinity);
    return [
      ...(least < needed
        ? [
            `'compute.minMemory' reserves ${gib(least)}, but the model needs ${gib(needed)}: reserve that, or copies share an instance that cannot hold them`,
          ]
        : []),
      ...(most < needed
        ? [`'compute.maxMemory' of ${gib(most)} cannot hold the model, which needs ${gib(needed)}: leave it out or raise it`]
        : []),
    ];
  }

  private acceleratorProblems(scope: Construct, { name, _shape: shape }: InstanceType, accelerators: number): string[] {
    const tooMany = accelerators > (shape?.accelerator?.count ?? 0); // which is said where copies are fitted
    const lack = shape === undefined || tooMany ? undefined : this.shortage(shape, accelerators);
    if (lack === undefined) {
      return [];
    }
    const counts = Array.from({ length: shape!.accelerator?.count ?? 0 }, (_, i) => i + 1);
    const enough = this.props.accelerators === undefined ? counts.find((count) => this.shortage(shape!, count) === undefined) : undefined;
    const wayOut = enough === undefined ? this.wayOut(scope, shape!) : `give each copy ${enough}`;
    return [`'compute.accelerators' of ${accelerators} on ${name} ${lack}: ${wayOut}`];
  }

  private volumeProblems(volume: Size | undefined): string[] {
    const size = volume === undefined || volume.isUnresolved() ? Infinity : volume.toBytes({ rounding: SizeRoundingBehavior.NONE });
    return size < this.weightBytes
      ? [`'volumeSize' of ${gib(size)} cannot hold weights of ${gib(this.weightBytes)}: leave it out for ${this._volume.toGibibytes()} GiB`]
      : [];
  }

  private valueProblems(): string[] {
    const { kvBytesPerToken, tokens, accelerators, memoryShare } = this.props;
    const whole = (name: string, value: number | undefined, most: number) => [
      ...unknownAtSynth(name, value),
      ...notWhole(name, value),
      ...outsideRange(name, value, 1, most),
    ];
    return [
      ...whole('modelSize.kvBytesPerToken', kvBytesPerToken, 1e9),
      ...whole('modelSize.tokens', tokens, 1e9),
      ...whole('modelSize.accelerators', accelerators, 16),
      ...unknownAtSynth('modelSize.memoryShare', memoryShare),
      ...outsideRange('modelSize.memoryShare', memoryShare, 0.1, 1),
      ...((kvBytesPerToken === undefined) === (tokens === undefined)
        ? []
        : ["'modelSize.kvBytesPerToken' and 'modelSize.tokens' make the KV cache together: give both or none"]),
    ];
  }

  /** What an instance lacks; undefined when the model fits. */
  private shortage(shape: InstanceShape, accelerators = this.props.accelerators): string | undefined {
    const { tokens } = this.props;
    const { accelerator } = shape;
    const kind = accelerator === undefined ? 'memory' : isGpu(shape) ? 'GPU memory' : 'accelerator memory';
    const [held, share] = [memoryOf(shape, accelerators), this.props.memoryShare ?? 0.9];
    if (held === undefined) {
      return undefined;
    }
    if (accelerators !== undefined && (accelerator?.count ?? 0) < accelerators) {
      return `has ${accelerator?.count ?? 0} of the ${accelerators} accelerators that the model is spread over`;
    }
    if (this.weightBytes > held) {
      return `has ${gib(held)} of ${kind} but the weights alone need ${gib(this.weightBytes)}`;
    }
    const needed = this.weightBytes + this.cacheBytes;
    const parts = this.cacheBytes === 0 ? 'the weights need' : `weights (${gib(this.weightBytes)}) and KV cache of ${tokens} tokens need`;
    return needed > held * share
      ? `has ${gib(held)} of ${kind}, of which the server takes ${Math.round(share * 100)} %, but ${parts} ${gib(needed)}`
      : undefined;
  }

  private get cacheBytes(): number {
    return (this.props.kvBytesPerToken ?? 0) * (this.props.tokens ?? 0);
  }

  /** The smallest type of the same kind that fits and is sold where the endpoint is. */
  private wayOut(scope: Construct, current: InstanceShape): string {
    const { region } = Stack.of(scope);
    const sold = (name: string) => Token.isUnresolved(region) || (hostingRegions(name, region)?.includes(region) ?? true);
    const kind = current.accelerator === undefined && this.props.accelerators !== undefined ? 'gpu' : kindOf(current);
    const [smallest] = CATALOGUED_TYPES.map((name) => ({ name, shape: shapeOf(name)! }))
      .filter(
        ({ name, shape }) => kindOf(shape) === kind && memoryOf(shape) !== undefined && sold(name) && this.shortage(shape) === undefined,
      )
      .sort((a, b) => compare(rank(a), rank(b)));
    const less = this.cacheBytes === 0 ? 'weights of a lower precision' : "fewer 'tokens' or weights of a lower precision";
    return smallest === undefined
      ? `no type of its kind in ${Token.isUnresolved(region) ? 'any Region' : region} is large enough, use ${less}`
      : `use ${smallest.name} (${gib(memoryOf(smallest.shape, this.props.accelerators)!)}) or larger, or ${less}`;
  }
}

/** What one copy of several on an instance may take. @internal */
export interface CopyRoom {
  readonly accelerators?: number;
  readonly minMemory: Size;
  readonly maxMemory?: Size;
}

const GIB = 1024 ** 3;
const gib = (bytes: number) => `${Number((bytes / GIB).toFixed(1))} GiB`;

/** Types of one kind run the same image, and are scaled alike. */
function kindOf(shape: InstanceShape): string {
  if (shape.accelerator === undefined) {
    return `cpu${shape.arm === true ? ' arm' : ''}${shape.burstable === true ? ' burstable' : ''}`;
  }
  return isGpu(shape) ? 'gpu' : shape.accelerator.name;
}

/** Bytes that a model may lie in: of some or all accelerators, or of the instance; undefined where nothing is known. */
function memoryOf({ accelerator, memoryMib }: InstanceShape, accelerators?: number): number | undefined {
  if (accelerator === undefined) {
    return memoryMib * 1024 ** 2;
  }
  return accelerator.memoryMib === undefined ? undefined : (accelerators ?? accelerator.count) * accelerator.memoryMib * 1024 ** 2;
}

/** Smaller memory first, then fewer CPUs and less of their memory, then the newer generation. */
function rank({ name, shape }: { name: string; shape: InstanceShape }): number[] {
  const generation = Number(/\d/.exec(name)?.[0] ?? 0);
  return [memoryOf(shape)!, shape.vcpus, shape.memoryMib, -generation];
}

function compare(a: number[], b: number[]): number {
  const at = a.findIndex((value, i) => value !== b[i]);
  return at < 0 ? 0 : a[at] - b[at];
}
