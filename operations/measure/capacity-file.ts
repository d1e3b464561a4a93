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
  readonly latencyPercentile: number;
  readonly latencyBelowMs: number;
  readonly measuredOn: string;
  readonly tool: string;
}

/** `how` tells what was sent: arrivals, seed, and whether it was the local account. */
export function capacityFile(
  of: MeasurableEndpoint,
  { percentile, belowMs }: Objective,
  rate: number,
  now: Date,
  how: string,
): CapacityFile {
  return {
    version: 1,
    ...{ model: of.model, instance: of.instance, image: of.image },
    requestsPerSecondPerInstance: Number((rate / of.units).toPrecision(3)),
    ...{ latencyPercentile: percentile, latencyBelowMs: belowMs },
    measuredOn: now.toISOString().slice(0, 10),
    tool: `cdk-ai-workloads measure ${version}: ${how}`,
  };
}
