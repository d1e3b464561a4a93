import { closest } from '../shared/checks';
import data from './data/instances.json';

/** What is known of a hosting instance type. @internal */
export interface InstanceShape {
  readonly vcpus: number;
  readonly memoryMib: number;
  readonly accelerator?: { readonly name: string; readonly count: number; readonly memoryMib?: number };
  /** Local NVMe storage, GB. */
  readonly nvmeGb?: number;
  readonly burstable?: boolean;
  /** 64-bit Arm instead of x86-64. */
  readonly arm?: boolean;
}

const SHAPES: Readonly<Record<string, InstanceShape>> = data.types;

/** Names of all types in the catalogue. @internal */
export const CATALOGUED_TYPES: readonly string[] = Object.keys(SHAPES);

/** Date of the newest source of the catalogue. @internal */
export const CATALOGUE_DATE: string = data.date;

/** The shape of a type, or undefined when the catalogue does not list it. @internal */
export function shapeOf(name: string): InstanceShape | undefined {
  return Object.hasOwn(SHAPES, name) ? SHAPES[name] : undefined;
}

/** Whether a type has NVIDIA GPUs: not the accelerators that AWS makes itself. @internal */
export const isGpu = ({ accelerator }: InstanceShape): boolean =>
  accelerator !== undefined && !/^(Inferentia|Trainium)/.test(accelerator.name);

/** Problem when the catalogue does not list a type; suggests the one that was probably meant, and says how to give it all the same. @internal */
export function unknownInstanceType(name: string, wayOut = 'give it with InstanceType.of()'): string[] {
  if (shapeOf(name) !== undefined) {
    return [];
  }
  const near = closest(name, CATALOGUED_TYPES);
  const hint = near === undefined ? '' : `did you mean '${near}'? If not, `;
  return [`instance type '${name}' is not in the catalogue of ${CATALOGUE_DATE}: ${hint}${wayOut}`];
}

/** Regions in which a listed type was on sale for hosting; undefined when nothing is known of `region` or the type. @internal */
export function hostingRegions(name: string, region: string): readonly string[] | undefined {
  if (!data.regions.includes(region)) {
    return undefined;
  }
  return data.hosting.find((entry) => entry.types.includes(name))?.regions;
}

/** Driver of NVIDIA GPUs, and the newest CUDA version that it carries. @internal */
export interface GpuDriver {
  readonly driver: number;
  readonly cuda: string;
}

/** A version of the machine image, with the families that may use it. @internal */
export interface ListedAmi extends Partial<GpuDriver> {
  readonly version: string;
  readonly families: readonly string[];
}

const AMIS: readonly ListedAmi[] = [...data.gpuAmis, ...data.neuronAmis];

/** Names of the machine images that are known. @internal */
export const AMI_NAMES: readonly string[] = AMIS.map(({ version }) => version);

/** A machine image by its name, or undefined when the catalogue does not list it. @internal */
export const amiOf = (name: string): ListedAmi | undefined => AMIS.find(({ version }) => version === name);

/** Family of a type: 'g5' of 'ml.g5.xlarge'. @internal */
export const familyOf = (name: string): string => name.split('.')[1];

/** What SageMaker gives the GPUs of a type unless told otherwise; undefined for types without. @internal */
export const gpuDefault = (name: string): GpuDriver | undefined =>
  data.gpuDefaults.find(({ families }) => families.includes(familyOf(name)));

/** Machine images that a family of GPU types may use, the oldest first. @internal */
export const gpuAmis = (family: string) => data.gpuAmis.filter(({ families }) => families.includes(family));

/** Less than, equal to or greater than 0, as `a` is older, the same or newer: versions, not decimal fractions. @internal */
export function compareCuda(a: string, b: string): number {
  const [[majorA, minorA], [majorB, minorB]] = [a, b].map((version) => version.split('.').map(Number));
  return majorA - majorB || minorA - minorB;
}
