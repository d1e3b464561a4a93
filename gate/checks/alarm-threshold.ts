import { MetricFacts } from '../metrics';
import { numeric } from '../template';

/** A threshold that the metric can never cross, or always does. */
// eslint-disable-next-line @typescript-eslint/no-explicit-any -- properties of a template
export function thresholdProblems(alarm: Record<string, any>, facts: MetricFacts, statistic: string): string[] {
  const threshold = numeric(alarm.Threshold);
  if (threshold === undefined) {
    return [];
  }
  const highest = ['Sum', 'SampleCount'].includes(statistic)
    ? Infinity
    : statistic === 'Average'
      ? (facts.averageMaximum ?? facts.maximum ?? Infinity)
      : (facts.maximum ?? Infinity);
  const crossed: Record<string, (value: number) => boolean> = {
    GreaterThanThreshold: (value) => value > threshold,
    GreaterThanOrEqualToThreshold: (value) => value >= threshold,
    LessThanThreshold: (value) => value < threshold,
    LessThanOrEqualToThreshold: (value) => value <= threshold,
  };
  const breaches = crossed[alarm.ComparisonOperator];
  if (breaches === undefined) {
    return [];
  }
  const [low, high] = [breaches(0), breaches(highest)];
  if (!low && !high) {
    return [`threshold ${threshold} with ${alarm.ComparisonOperator} can never be reached: the ${statistic} lies between 0 and ${highest}`];
  }
  return low && high
    ? [`threshold ${threshold} with ${alarm.ComparisonOperator} is always breached: the ${statistic} lies between 0 and ${highest}`]
    : [];
}
