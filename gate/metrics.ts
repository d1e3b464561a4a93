import { readFileSync } from 'node:fs';
import { join } from 'node:path';

export interface MetricFacts {
  unit: string;
  statistics: string[];
  /** Highest value of any statistic but Sum and SampleCount. */
  maximum?: number;
  /** Highest average: set for metrics that are 0 or 1 per event. */
  averageMaximum?: number;
}

export interface MetricGroup {
  namespace: string;
  source: string;
  /** Sets of dimension names that the service publishes, each sorted. */
  dimensions: string[][];
  /** Seconds. */
  shortestPeriod: number;
  metrics: Record<string, MetricFacts>;
}

const { groups }: { groups: MetricGroup[] } = JSON.parse(readFileSync(join(__dirname, 'data', 'metrics.json'), 'utf8'));

/** What is known of a namespace; empty for one that is not in the catalogue. */
export function groupsOf(namespace: string): MetricGroup[] {
  return groups.filter((group) => group.namespace === namespace);
}

/** A namespace of an AWS service: an unknown one there is a gap of the catalogue, elsewhere it is somebody's own. */
export function isAwsNamespace(namespace: string): boolean {
  return /^(AWS|\/?aws)\//.test(namespace);
}
