import { readMeasuredFile } from '../../capacity/plan/measured-file';
import { version } from '../../package.json';
import type { MeasurableEndpoint } from './endpoint';
import type { Objective } from './step';

/** What docs/capacity-file.md describes. */
export interface CapacityFile {
  readonly version: 1;
  readonly model: string;
  readonly instance: string;
  readonly image: string;
  readonly requestsPerSecondPerInstance: number;
  readonly fleet?: { readonly instances: number; readonly requestsPerSecondPerInstance: number };
  readonly priorityWindowSeconds?: number;
  readonly latencyPercentile: number;
  readonly latencyBelowMs: number;
  readonly measuredOn: string;
  readonly tool: string;
}

/** What an earlier measurement wrote. Errors `InvalidCapacityFile` with every problem. */
export function readCapacityFile(path: string): CapacityFile {
  const { path: _, ...file } = readMeasuredFile(path);
  return file;
}

/** Under which conditions a rate was found. */
export interface Conditions {
  readonly objective: Objective;
  readonly priorityWindowSeconds?: number;
}

/** `how` tells what was sent: arrivals, seed, and whether it was the local account. */
export function capacityFile(
  of: MeasurableEndpoint,
  { objective: { percentile, belowMs }, priorityWindowSeconds }: Conditions,
  rate: number,
  now: Date,
  how: string,
): CapacityFile {
  return {
    version: 1,
    ...{ model: of.model, instance: of.instance, image: of.image },
    requestsPerSecondPerInstance: Number((rate / of.units).toPrecision(3)),
    ...(priorityWindowSeconds === undefined ? {} : { priorityWindowSeconds }),
    ...{ latencyPercentile: percentile, latencyBelowMs: belowMs },
    measuredOn: now.toISOString().slice(0, 10),
    tool: `cdk-ai-workloads measure ${version}: ${how}`,
  };
}

/**
 * A file that states what one serves, with what several were measured to serve together. Errors: `InvalidFleet` when they were fewer than two; `OtherEndpoint`
 * when the file was measured on something else.
 */
export function checkFleet(
  file: CapacityFile,
  of: MeasurableEndpoint,
  { objective: { percentile, belowMs }, priorityWindowSeconds }: Conditions,
): void {
  if (of.units < 2) {
    throw new Error(
      'InvalidFleet: --fleet measures what two or more serve together, and one is running: deploy four with Scaling.fixed(4)',
    );
  }
  const measured = {
    ...{ model: of.model, instance: of.instance, image: of.image },
    latencyPercentile: percentile,
    latencyBelowMs: belowMs,
    priorityWindowSeconds,
  };
  const others = Object.entries(measured).filter(([name, value]) => file[name as keyof typeof measured] !== value);
  if (others.length > 0) {
    const told = others.map(([name, value]) => `'${name}' is ${shown(file[name as keyof typeof measured])} there and ${shown(value)} here`);
    throw new Error(
      `OtherEndpoint: the capacity file is of something else: ${told.join(', ')}: measure one of them first, without --fleet`,
    );
  }
}

const shown = (value: string | number | undefined): string => (value === undefined ? 'not stated' : `'${value}'`);

export const withFleet = (file: CapacityFile, { requestsPerSecondPerInstance }: CapacityFile, instances: number): CapacityFile => ({
  ...file,
  fleet: { instances, requestsPerSecondPerInstance },
});
