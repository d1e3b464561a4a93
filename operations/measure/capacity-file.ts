import { readMeasuredFile } from '../../capacity/plan/measured-file';
import { version } from '../../package.json';
import type { MeasurableEndpoint } from './endpoint';
import { Found, rounded } from './search';
import type { Objective, StatedTokens } from './step';

/** What docs/capacity-file.md describes. */
export interface CapacityFile {
  readonly version: 1;
  readonly model: string;
  readonly instance: string;
  readonly image: string;
  readonly requestsPerSecondPerInstance: number;
  readonly fleet?: { readonly instances: number; readonly requestsPerSecondPerInstance: number };
  readonly priorityWindowSeconds?: number;
  /** Mean tokens of a request, prompt and answer together, 1 to 1,000,000. */
  readonly tokensPerRequest?: number;
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

/** `how` tells what was sent: arrivals, seed, and whether it was the local account. Tokens are stated when every answer of the confirmation states them. */
export function capacityFile(
  of: MeasurableEndpoint,
  { objective: { percentile, belowMs }, priorityWindowSeconds }: Conditions,
  { rate, step }: Pick<Found, 'rate' | 'step'>,
  now: Date,
  how: string,
): CapacityFile {
  const tokensPerRequest = meanTokens(step.tokens);
  return {
    version: 1,
    ...{ model: of.model, instance: of.instance, image: of.image },
    requestsPerSecondPerInstance: rounded(rate / of.units),
    ...(priorityWindowSeconds === undefined ? {} : { priorityWindowSeconds }),
    ...(tokensPerRequest === undefined ? {} : { tokensPerRequest }),
    ...{ latencyPercentile: percentile, latencyBelowMs: belowMs },
    measuredOn: now.toISOString().slice(0, 10),
    tool: `cdk-ai-workloads measure ${version}: ${how}`,
  };
}

/** The mean of all that were served; undefined when only some state their tokens, or none: it might be that of others. */
export const meanTokens = (tokens: StatedTokens | undefined): number | undefined =>
  tokens !== undefined && tokens.stating === tokens.served ? rounded(tokens.mean) : undefined;

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

/** How far the mean tokens of the requests of a fleet may be from those of one. */
const SAME_REQUESTS = 0.1;

/**
 * Adds what a fleet serves to what one serves; all else stays as it was measured for one. Errors: `OtherRequests` when both state `tokensPerRequest` and they
 * differ by more than a tenth.
 */
export function withFleet(file: CapacityFile, fleet: CapacityFile, instances: number): CapacityFile {
  const { tokensPerRequest: stated } = file;
  const { tokensPerRequest: measured, requestsPerSecondPerInstance } = fleet;
  if (stated !== undefined && measured !== undefined && Math.abs(measured / stated - 1) > SAME_REQUESTS + 1e-9) {
    const [low, high] = [1 - SAME_REQUESTS, 1 + SAME_REQUESTS].map((share) => Number((stated * share).toPrecision(6)));
    throw new Error(
      `OtherRequests: 'tokensPerRequest' is '${stated}' in the capacity file and '${measured}' here, and both rates must be of the same requests (${low} to ` +
        `${high} tokens): repeat it with the --request of that measurement, or measure one of them first, without --fleet`,
    );
  }
  return { ...file, fleet: { instances, requestsPerSecondPerInstance } };
}
