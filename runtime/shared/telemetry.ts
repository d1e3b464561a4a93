import { Metrics, MetricUnit } from '@aws-lambda-powertools/metrics';
import { METRIC_NAMESPACE } from '../../lib/constructs/integration/contract';

/** Publishes one measurement. */
export type Measure = (name: string, value: number, unit?: (typeof MetricUnit)[keyof typeof MetricUnit]) => void;

/** What a handler needs of a structured logger. */
export interface Log {
  info(message: string, fields: Record<string, unknown>): void;
  warn(message: string, fields: Record<string, unknown>): void;
  error(message: string, fields: Record<string, unknown>): void;
}

/** Metrics in the library's namespace with exactly these dimensions: an alarm on other dimensions would hear nothing. */
export function metricsFor(dimensions: Record<string, string>): Metrics {
  const metrics = new Metrics({ namespace: METRIC_NAMESPACE });
  metrics.clearDefaultDimensions();
  metrics.setDefaultDimensions(dimensions);
  return metrics;
}

export function measureWith(metrics: Metrics): Measure {
  return (name, value, unit = MetricUnit.Count) => {
    metrics.addMetric(name, unit, value);
  };
}

/** A function's entry: what it works with is made at its first invocation, and its metrics are published whatever becomes of each. */
export function publishing<Deps extends { flush: () => void }, Given extends unknown[], Answer>(
  dependencies: () => Deps,
  make: (deps: Deps) => (...given: Given) => Promise<Answer>,
): (...given: Given) => Promise<Answer> {
  let made: { run: (...given: Given) => Promise<Answer>; flush: () => void } | undefined;
  return async (...given) => {
    if (made === undefined) {
      const deps = dependencies();
      made = { run: make(deps), flush: deps.flush };
    }
    try {
      return await made.run(...given);
    } finally {
      made.flush();
    }
  };
}
