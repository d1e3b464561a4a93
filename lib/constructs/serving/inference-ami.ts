import { InferenceImage } from '../models/inference-image';
import { mismatch } from '../shared/checks';
import { amiOf, AMI_NAMES, compareCuda, familyOf, gpuAmis, gpuDefault } from './instance-catalogue';
import { InstanceType } from './instance-type.generated';

/**
 * A version of the machine image that SageMaker starts instances from: it decides the driver of the accelerators
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/inference-gpu-drivers.html).
 */
export class InferenceAmiVersion {
  /** NVIDIA driver 535, CUDA 12.2. Mounts the compatibility libraries of CUDA into containers. */
  public static readonly AL2_GPU_2 = InferenceAmiVersion.of('al2-ami-sagemaker-inference-gpu-2');
  /** NVIDIA driver 535, CUDA 12.2. */
  public static readonly AL2_GPU_2_1 = InferenceAmiVersion.of('al2-ami-sagemaker-inference-gpu-2-1');
  /** NVIDIA driver 550, CUDA 12.4. */
  public static readonly AL2_GPU_3_1 = InferenceAmiVersion.of('al2-ami-sagemaker-inference-gpu-3-1');
  /** NVIDIA driver 580, CUDA 13.0. */
  public static readonly AL2023_GPU_4_1 = InferenceAmiVersion.of('al2023-ami-sagemaker-inference-gpu-4-1');
  /** Neuron driver 2.19, for Inferentia2 and Trainium. */
  public static readonly AL2_NEURON_2 = InferenceAmiVersion.of('al2-ami-sagemaker-inference-neuron-2');

  /** Any version by its name, such as `al2023-ami-sagemaker-inference-gpu-4-1`; one that is not known here is not checked. */
  public static of(name: string): InferenceAmiVersion {
    const problems = mismatch(
      'name',
      name,
      /^[a-z0-9]+-ami-sagemaker-inference-[a-z0-9-]+$/,
      "like 'al2023-ami-sagemaker-inference-gpu-4-1'",
    );
    if (problems.length > 0) {
      throw new Error(`InvalidInferenceAmiVersion: ${problems.join('; ')}`);
    }
    return new InferenceAmiVersion(name);
  }

  private constructor(
    /** Name, such as `al2023-ami-sagemaker-inference-gpu-4-1`. */
    public readonly name: string,
  ) {}

  /** The name. */
  public toString(): string {
    return this.name;
  }
}

/** Which machine image instances start from, and why. @internal */
export interface AmiDecision {
  /** Absent where SageMaker's default is right. */
  readonly version?: string;
  /** Absent where there is no driver to choose. */
  readonly reason?: string;
  readonly problems: readonly string[];
  readonly warnings: readonly string[];
  /** Whether the version is one that nothing is known of. */
  readonly unlisted?: boolean;
}

/** Oldest driver that runs anything of a major version of CUDA (https://docs.nvidia.com/deploy/cuda-compatibility/minor-version-compatibility.html). */
const LEAST_DRIVERS: Readonly<Record<string, number>> = { 11: 450, 12: 525, 13: 580 };

/**
 * The machine image for the CUDA version of an image: SageMaker's default where its driver carries that version, otherwise the oldest that
 * does. SageMaker itself never looks at the image
 * (https://docs.aws.amazon.com/sagemaker/latest/dg/inference-gpu-drivers.html). Where models come later, without an image, it is the newest:
 * a driver also runs images of older CUDA versions.
 *
 * @internal
 */
export function chooseAmi(instance: InstanceType, image: InferenceImage | undefined, given: InferenceAmiVersion | undefined): AmiDecision {
  return given === undefined ? defaultAmi(instance, image) : givenAmi(instance, image, given);
}

/** What is wrong with a later model's image on instances that start from this machine image. @internal */
export function driverProblems({ version }: AmiDecision, image: InferenceImage): readonly string[] {
  const known = version === undefined ? undefined : amiOf(version);
  return known === undefined ? [] : cudaFindings(known, image).problems;
}

function defaultAmi(instance: InstanceType, image: InferenceImage | undefined): AmiDecision {
  const usual = gpuDefault(instance.name);
  if (usual === undefined) {
    return { problems: [], warnings: [] };
  }
  const [family, cuda] = [familyOf(instance.name), image?.cudaVersion];
  const driver = `driver ${usual.driver} (CUDA ${usual.cuda}), the default of ml.${family}`;
  if (image === undefined) {
    const { version, ...newest } = gpuAmis(family).at(-1)!;
    return newest.driver === usual.driver
      ? { reason: `${driver}, is the newest`, problems: [], warnings: [] }
      : {
          version,
          reason: `the newest version, because models come later: driver ${newest.driver} (CUDA ${newest.cuda}); not ${driver}`,
          problems: [],
          warnings: [],
        };
  }
  if (cuda === undefined) {
    // An image for CPUs is warned of elsewhere.
    const blind = image.accelerator === undefined;
    const warning = `${driver}, must suffice for the image ${image.label}, whose CUDA version is not known: give 'amiVersion' to choose the driver`;
    return { reason: `${driver}: the CUDA version that it must carry is not known`, problems: [], warnings: blind ? [warning] : [] };
  }
  if (compareCuda(usual.cuda, cuda) >= 0) {
    return { reason: `${driver}, carries CUDA ${cuda} of ${image.label}`, problems: [], warnings: [] };
  }
  const fitting = gpuAmis(family);
  const chosen = fitting.find((ami) => compareCuda(ami.cuda, cuda) >= 0);
  if (chosen !== undefined) {
    const reason = `the oldest version that carries CUDA ${cuda} of ${image.label}: driver ${chosen.driver} (CUDA ${chosen.cuda}); not ${driver}`;
    return { version: chosen.version, reason, problems: [], warnings: [] };
  }
  const newest = fitting.at(-1)!;
  const problem =
    `'instance' ${instance.name} has at most driver ${newest.driver} (CUDA ${newest.cuda}) but the image ${image.label} needs CUDA ${cuda}: ` +
    `use an older version of the image, or give 'amiVersion' to try ${newest.version} all the same`;
  return { problems: [problem], warnings: [] };
}

function givenAmi(instance: InstanceType, image: InferenceImage | undefined, { name }: InferenceAmiVersion): AmiDecision {
  const known = amiOf(name);
  const reason = `${name} is given`;
  if (known === undefined || instance._shape === undefined) {
    return { version: name, reason, problems: [], warnings: [], unlisted: known === undefined };
  }
  const family = familyOf(instance.name);
  if (!known.families.includes(family)) {
    const usable = AMI_NAMES.filter((other) => amiOf(other)!.families.includes(family));
    const wayOut = usable.length > 0 ? `give ${usable.join(' or ')}, or leave it out` : 'leave it out';
    return { version: name, reason, problems: [`'amiVersion' ${name} is not for ml.${family}: ${wayOut}`], warnings: [] };
  }
  return { version: name, reason, ...cudaFindings(known, image) };
}

/** Within one major version of CUDA an older driver runs a newer image, with limits; across major versions it does not. */
function cudaFindings(
  { version, driver, cuda }: { version: string; driver?: number; cuda?: string },
  image: InferenceImage | undefined,
): Pick<AmiDecision, 'problems' | 'warnings'> {
  const needed = image?.cudaVersion;
  if (driver === undefined || cuda === undefined || needed === undefined || compareCuda(cuda, needed) >= 0) {
    return { problems: [], warnings: [] };
  }
  const finding = `'amiVersion' ${version} has driver ${driver} (CUDA ${cuda}) but the image ${image!.label} needs CUDA ${needed}`;
  return driver < (LEAST_DRIVERS[needed.split('.')[0]] ?? Infinity)
    ? { problems: [`${finding}: leave it out, or choose a newer one`], warnings: [] }
    : { problems: [], warnings: [`${finding}: NVIDIA runs it with a limited set of features; leave it out for a driver that carries it`] };
}
