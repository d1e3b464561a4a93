import type { MetricUnit } from '@aws-lambda-powertools/metrics';
import type { AggregateDefinition } from '../../lib/constructs/data/features/contract';
import { API_METRIC, MAXIMUM_FEATURE_ROWS } from '../../lib/constructs/integration/contract';
import { entityOf, windowOf } from '../features/core';
import type { Aggregate, FeatureStore } from '../features/store';
import type { Telemetry } from './http';
import { InferenceRequest, Tensor } from './protocol';
import type { Signature } from './signature';

/** Why a feature is null. */
export enum NullReason {
  /** The store has no record in the window. */
  NO_RECORDS = 'no records',
  /** The store failed, or did not answer within its time. */
  UNAVAILABLE = 'store unavailable',
  /** The window begins before what the store keeps. */
  TOO_OLD = 'before what is kept',
}

/** What the model was given for one entity: kept with the prediction. Times are ISO 8601. */
export interface ServedFeature {
  entity: string;
  value: number | null;
  /** End of the window. */
  asOf: string;
  /** Records in the window; absent when nobody knows. */
  records?: number;
  /** Event time of the newest of them, and how long before the prediction that was. */
  newest?: string;
  ageSeconds?: number;
  reason?: NullReason;
}

export interface FeatureOptions {
  definitions: readonly AggregateDefinition[];
  store: Pick<FeatureStore, 'read'>;
  keepSeconds: number;
  /** All lookups of a request together. */
  timeoutMs: number;
}

/** A request with its features, and what they were. */
export interface Completed {
  body: string;
  /** By input; absent when the model takes none. */
  features?: Record<string, ServedFeature[]>;
}

/** Problem when a request asks about more entities than are looked up for one. */
export function rowProblems(request: InferenceRequest, { inputs }: Signature): string[] {
  const rows = Math.max(...request.inputs.map(({ shape }) => shape[0]));
  return rows > MAXIMUM_FEATURE_ROWS && inputs.some(({ feature }) => feature !== undefined)
    ? [`a request to this model asks about at most ${MAXIMUM_FEATURE_ROWS} rows, because features are looked up for each, got ${rows}`]
    : [];
}

/**
 * Adds the inputs that the API fills in. A store that fails or is slow makes them null, counted and alarmed, and never fails the prediction:
 * a model that is told nothing of the last hour is better than none. The body is written anew; without features it is passed on as it came.
 */
export async function complete(
  body: string,
  request: InferenceRequest,
  { inputs }: Signature,
  times: { event: Date; now: Date },
  options: FeatureOptions,
  telemetry: Pick<Telemetry, 'measure' | 'logger'>,
): Promise<Completed> {
  const wanted = inputs.filter(({ feature }) => feature !== undefined);
  if (wanted.length === 0) {
    return { body };
  }
  const started = performance.now();
  const signal = AbortSignal.timeout(options.timeoutMs);
  const filled = await Promise.all(
    wanted.map(async ({ name, datatype, feature }) => {
      const definition = options.definitions.find((known) => known.name === feature)!;
      const served = await serve(definition, rowsOf(request, definition), times, { ...options, signal }, telemetry);
      const data = served.map(({ value }) => value);
      return { name, served, tensor: { name, datatype, shape: [data.length], data } satisfies Tensor };
    }),
  );
  telemetry.measure(
    API_METRIC.featureTime,
    Math.round(performance.now() - started),
    'Milliseconds' satisfies (typeof MetricUnit)['Milliseconds'],
  );
  return {
    body: JSON.stringify({ ...request, inputs: [...request.inputs, ...filled.map(({ tensor }) => tensor)] }),
    features: Object.fromEntries(filled.map(({ name, served }) => [name, distinct(served)])),
  };
}

/** The entity's inputs of each row by name. */
function rowsOf({ inputs }: InferenceRequest, { entity }: AggregateDefinition): Record<string, unknown>[] {
  const columns = inputs.filter(({ name }) => entity.includes(name));
  const length = Math.max(0, ...columns.map(({ shape }) => shape[0]));
  return Array.from({ length }, (_, row) => Object.fromEntries(columns.map(({ name, data }) => [name, (data as unknown[])[row]])));
}

const distinct = (served: readonly ServedFeature[]) => [...new Map(served.map((one) => [one.entity, one])).values()];

async function serve(
  definition: AggregateDefinition,
  rows: readonly Record<string, unknown>[],
  { event, now }: { event: Date; now: Date },
  options: FeatureOptions & { signal: AbortSignal },
  { measure, logger }: Pick<Telemetry, 'measure' | 'logger'>,
): Promise<ServedFeature[]> {
  const entities = rows.map((row) => entityOf(definition, row) ?? '');
  const window = windowOf(definition, event.getTime());
  const asOf = new Date(window.until).toISOString();
  const look = async (entity: string): Promise<ServedFeature> => {
    if (window.after < now.getTime() - options.keepSeconds * 1000) {
      return { entity, value: null, asOf, reason: NullReason.TOO_OLD };
    }
    try {
      return found(await inTime(options.store.read(definition, entity, window, options.signal), options.signal), { entity, asOf, now });
    } catch (error) {
      logger.warn('feature unavailable', { feature: definition.name, entity, error: error as Error });
      measure(API_METRIC.featureUnavailable, 1);
      return { entity, value: null, asOf, reason: NullReason.UNAVAILABLE };
    }
  };
  const values = new Map(await Promise.all([...new Set(entities)].map(async (entity) => [entity, await look(entity)] as const)));
  const served = entities.map((entity) => values.get(entity)!);
  measure(API_METRIC.featureNull, distinct(served).filter(({ value }) => value === null).length);
  return served;
}

function found({ value, records, newest }: Aggregate, { entity, asOf, now }: { entity: string; asOf: string; now: Date }): ServedFeature {
  return {
    ...{ entity, value, asOf, records },
    ...(newest === undefined ? {} : { newest: new Date(newest).toISOString(), ageSeconds: (now.getTime() - newest) / 1000 }),
    ...(value === null ? { reason: NullReason.NO_RECORDS } : {}),
  };
}

/** The client ends a call when the signal says so; this does not wait for it to do that. */
function inTime<T>(answer: Promise<T>, signal: AbortSignal): Promise<T> {
  return new Promise((resolve, reject) => {
    const late = () => reject(new Error('no answer within the time for features'));
    signal.addEventListener('abort', late, { once: true });
    answer.then(resolve, reject).finally(() => signal.removeEventListener('abort', late));
  });
}
