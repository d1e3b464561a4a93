import { API_METRIC, MAXIMUM_ANSWER_BYTES } from '../../lib/constructs/integration/contract';
import { canonical, keyOf, Prediction, sha256, STATE_OPEN } from '../prediction-books/core';
import type { PredictionBooks } from '../prediction-books/store';
import type { Clock } from '../shared/clock';
import { accept, Accepted, failureOf, Limits, reasonOf, Refusal } from './core';
import { complete, Completed, FeatureOptions } from './features';
import { bodyOf, reply, Request, Telemetry } from './http';
import { decisionIn, parseAnswer, withId } from './protocol';
import { signatureOf, Signatures } from './signature';

export interface ModelAnswer {
  body: string;
  variant: string;
}

/** Calls an endpoint once, within the time that the route has. */
export type Invoke = (endpoint: string, body: string, predictionId: string, correlationId: string) => Promise<ModelAnswer>;

export interface InferSettings extends Limits {
  endpointPrefix: string;
  decisionOutput?: string;
  decisionLeadSeconds: number;
}

export interface InferDependencies extends Telemetry {
  settings: InferSettings;
  signatures: Signatures;
  books: Pick<PredictionBooks, 'get' | 'record'>;
  clock: Clock;
  invoke: Invoke;
  /** Absent: no model takes features. */
  features?: FeatureOptions;
  newId: () => string;
}

/** Seconds after which a client may try again while a model is down. */
const RETRY_AFTER = '30';

/** One prediction: checked, answered by the model, entered in the books, returned. An answer that the books do not hold is not given. */
export async function infer(request: Request, deps: InferDependencies) {
  const now = await deps.clock.now();
  const body = bodyOf(request);
  const model = request.pathParameters?.model;
  const accepted = accept(model, body, deps.settings, now, signatureOf(deps.signatures, model));
  const requestSha256 = sha256(canonical(accepted.request));
  const before = accepted.id === undefined ? undefined : await deps.books.get(accepted.model, accepted.id);
  if (before !== undefined) {
    return again(before, requestSha256);
  }
  const prediction = await predict(accepted, body, request.requestContext.requestId, now, requestSha256, deps);
  if (await deps.books.record(prediction)) {
    deps.measure(API_METRIC.predictions, 1);
    return given(prediction, {});
  }
  return again((await deps.books.get(prediction.model, prediction.id))!, requestSha256);
}

/** The same id again: the answer that was given, or a conflict when the request was another one. */
function again(before: Prediction, requestSha256: string) {
  if (before.requestSha256 !== requestSha256) {
    throw new Refusal(409, `the id '${before.id}' belongs to another request: use a new one`, { 'x-prediction-id': before.id });
  }
  return given(before, { 'x-idempotent-replay': 'true' });
}

const given = (prediction: Prediction, headers: Record<string, string>) =>
  reply(200, prediction.answer, { 'x-prediction-id': prediction.id, ...headers });

async function predict(
  accepted: Accepted,
  body: string,
  correlationId: string,
  now: Date,
  requestSha256: string,
  deps: InferDependencies,
): Promise<Prediction> {
  const { settings } = deps;
  const id = accepted.id ?? deps.newId();
  const endpoint = `${settings.endpointPrefix}${accepted.model}`;
  const { body: completed, features } = await withFeatures(accepted, body, now, deps);
  const model = await call(endpoint, completed, id, accepted.model, correlationId, deps);
  const parsed = parseAnswer(model.body);
  if (parsed === undefined) {
    throw unavailable(deps, accepted.model, 'its answer does not follow the Open Inference Protocol');
  }
  const decision = decisionIn(parsed.outputs, settings.decisionOutput);
  if (decision === 'many') {
    throw new Refusal(
      400,
      `'${settings.decisionOutput}' has more than one value: send one row per request, feedback joins to one decision`,
    );
  }
  const answer = withId(model.body, parsed, accepted.model, id);
  if (Buffer.byteLength(answer) > MAXIMUM_ANSWER_BYTES) {
    throw new Refusal(413, `the answer has more than ${MAXIMUM_ANSWER_BYTES} bytes: ask for fewer rows in one request`);
  }
  return {
    key: keyOf(accepted.model, id),
    model: accepted.model,
    id,
    state: STATE_OPEN,
    madeAt: now.toISOString(),
    eventTime: accepted.eventTime.toISOString(),
    expiresAt: accepted.expiresAt.toISOString(),
    endpoint,
    variant: model.variant,
    requestSha256,
    answer,
    ...(features === undefined ? {} : { features: JSON.stringify(features) }),
    ...(decision === undefined ? {} : { decision }),
    inTime: now.getTime() <= accepted.eventTime.getTime() - settings.decisionLeadSeconds * 1000 || settings.decisionLeadSeconds === 0,
    correlationId,
  };
}

function withFeatures({ model, request, eventTime }: Accepted, body: string, now: Date, deps: InferDependencies): Promise<Completed> {
  const signature = signatureOf(deps.signatures, model);
  return deps.features === undefined || signature === undefined
    ? Promise.resolve({ body })
    : complete(body, request, signature, { event: eventTime, now }, deps.features, deps);
}

async function call(endpoint: string, body: string, id: string, model: string, correlationId: string, deps: InferDependencies) {
  const started = performance.now();
  try {
    const answer = await deps.invoke(endpoint, body, id, correlationId);
    deps.measure(API_METRIC.modelTime, Math.round(performance.now() - started), 'Milliseconds');
    return answer;
  } catch (error) {
    switch (failureOf(error)) {
      case 'unknown-model':
        throw signatureOf(deps.signatures, model) === undefined ? new Refusal(404, `there is no model '${model}'`) : notReleased(model);
      case 'refused':
        throw new Refusal(400, `the model refused the request: ${reasonOf(error)}`);
      case 'unavailable':
        deps.logger.error('model unavailable', { correlationId, endpoint, error: error as Error });
        throw unavailable(deps, model, 'it failed or did not answer in time');
      default:
        throw error;
    }
  }
}

/** Expected until its first version is approved, so it is not counted as a failure of the model. */
const notReleased = (model: string) =>
  new Refusal(503, `the model '${model}' has no released version yet: approve one of its versions`, { 'retry-after': RETRY_AFTER });

function unavailable({ measure }: InferDependencies, model: string, why: string): Refusal {
  measure(API_METRIC.modelUnavailable, 1);
  return new Refusal(503, `the model '${model}' gives no answer now: ${why}`, { 'retry-after': RETRY_AFTER });
}
