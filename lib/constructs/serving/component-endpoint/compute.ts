import { Size, SizeRoundingBehavior } from 'aws-cdk-lib';
import { CfnInferenceComponent } from 'aws-cdk-lib/aws-sagemaker';
import { ImageAccelerator, InferenceImage } from '../../models/inference-image';
import { notWhole, outsideRange, unknownAmount, unknownAtSynth } from '../../shared/checks';
import { InstanceType } from '../instance-type.generated';
import { Copies } from './copies';

/**
 * What one copy of a model takes of its instance
 * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_InferenceComponentComputeResourceRequirements.html).
 */
export interface ComputeRequirements {
  /** Memory of the instance that is reserved for one copy, whole MiB, at least 128. Not that of its accelerators. */
  readonly minMemory: Size;
  /**
   * Memory that one copy may take at most, whole MiB, at least `minMemory`.
   *
   * @default - no limit
   */
  readonly maxMemory?: Size;
  /**
   * GPUs or other accelerators of one copy, a whole number: a device is never shared by copies.
   *
   * @default 0
   */
  readonly accelerators?: number;
  /**
   * CPU cores of one copy, at least 0.25.
   *
   * @default - none reserved
   */
  readonly cpuCores?: number;
}

/** One resource of a copy, and how much of it an instance has. @internal */
export interface Demand {
  readonly name: string;
  readonly perCopy: number;
  readonly perInstance: number;
}

/** Above this share of an instance's memory a copy may not find room beside what SageMaker itself runs, which no document quantifies. @internal */
export const COMFORTABLE_MEMORY_SHARE = 0.9;

const mebibytes = (size: Size): number => size.toMebibytes({ rounding: SizeRoundingBehavior.NONE });

/** @internal */
export function computeResources(
  compute: ComputeRequirements,
): CfnInferenceComponent.InferenceComponentComputeResourceRequirementsProperty {
  return {
    minMemoryRequiredInMb: mebibytes(compute.minMemory),
    maxMemoryRequiredInMb: compute.maxMemory && mebibytes(compute.maxMemory),
    numberOfAcceleratorDevicesRequired: (compute.accelerators ?? 0) === 0 ? undefined : compute.accelerators,
    numberOfCpuCoresRequired: compute.cpuCores,
  };
}

/** What is wrong with the figures themselves. @internal */
export function computeProblems({ minMemory, maxMemory, accelerators, cpuCores }: ComputeRequirements): string[] {
  const unknown = [
    ...unknownAmount('compute.minMemory', minMemory),
    ...unknownAmount('compute.maxMemory', maxMemory),
    ...unknownAtSynth('compute.accelerators', accelerators),
    ...unknownAtSynth('compute.cpuCores', cpuCores),
  ];
  if (unknown.length > 0) {
    return unknown;
  }
  const [least, most] = [mebibytes(minMemory), maxMemory && mebibytes(maxMemory)];
  return [
    ...memoryProblems('minMemory', least),
    ...memoryProblems('maxMemory', most),
    ...(most !== undefined && most < least ? [`'compute.maxMemory' of ${most} MiB is below 'minMemory' of ${least} MiB`] : []),
    ...notWhole('compute.accelerators', accelerators),
    ...outsideRange('compute.accelerators', accelerators, 0, 64),
    ...outsideRange('compute.cpuCores', cpuCores, 0.25, 1024),
  ];
}

/** What every copy takes, beside what the instance has; empty for types that the catalogue does not list. @internal */
export function demands(compute: ComputeRequirements, { _shape: shape }: InstanceType): Demand[] {
  if (shape === undefined) {
    return [];
  }
  return [
    { name: 'accelerators', perCopy: compute.accelerators ?? 0, perInstance: shape.accelerator?.count ?? 0 },
    { name: 'CPU cores', perCopy: compute.cpuCores ?? 0, perInstance: shape.vcpus },
    { name: 'MiB of memory', perCopy: mebibytes(compute.minMemory), perInstance: shape.memoryMib },
  ].filter(({ perCopy }) => perCopy > 0);
}

/** What is wrong with one copy on one instance, and with all copies on all instances. @internal */
export function fitProblems(compute: ComputeRequirements, copies: Copies, instance: InstanceType, maxInstances: number): string[] {
  const tooLarge = demands(compute, instance).filter(({ perCopy, perInstance }) => perCopy > perInstance);
  if (tooLarge.length > 0) {
    return tooLarge.map(
      ({ name, perCopy, perInstance }) =>
        `'compute' needs ${perCopy} ${name} for one copy, but ${instance.name} has ${perInstance}: take less or give the endpoint a larger type`,
    );
  }
  const perInstance = Math.min(...demands(compute, instance).map((demand) => Math.floor(demand.perInstance / demand.perCopy)));
  const room = perInstance * maxInstances;
  const { most } = copies._range;
  return most > room
    ? [
        `'copies' goes up to ${most}, but ${perInstance} fit on one ${instance.name} and ${room} on the 'maxInstances' of ` +
          `${maxInstances}: have fewer copies or more instances`,
      ]
    : [];
}

/** What is wrong with a copy that its image cannot run in. @internal */
export function imageNeedProblems(compute: ComputeRequirements, image: InferenceImage): string[] {
  return image.accelerator === ImageAccelerator.GPU && (compute.accelerators ?? 0) === 0
    ? [`'compute.accelerators' is missing, but the image ${image.label} needs a GPU: give each copy at least 1`]
    : [];
}

function memoryProblems(name: string, size: number | undefined): string[] {
  const label = `compute.${name}, in MiB,`;
  return [...notWhole(label, size), ...outsideRange(label, size, 128, 100_000_000)];
}
