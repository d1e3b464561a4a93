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
