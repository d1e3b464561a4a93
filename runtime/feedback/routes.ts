import { API_METRIC, STATE } from '../../lib/constructs/integration/contract';
import { knownId, knownName, parse, Refusal } from '../inference-api/core';
import { bodyOf, reply, Request, Telemetry } from '../inference-api/http';
import { judge, Prediction, sum } from '../prediction-books/core';
import type { PredictionBooks } from '../prediction-books/store';
import type { Clock } from '../shared/clock';
import { Feedback, readFeedback } from './core';

export interface FeedbackDependencies extends Telemetry {
  books: Pick<PredictionBooks, 'get' | 'label' | 'tally'>;
  clock: Clock;
}

/** Joins ground truth to its prediction, once. */
export async function postFeedback(request: Request, deps: FeedbackDependencies) {
  const model = knownName(request.pathParameters?.model);
  const id = knownId(request.pathParameters?.id);
  const feedback = readFeedback(parse(bodyOf(request)));
  const now = await deps.clock.now();
  const prediction = await find(model, id, deps);
  if (judge(prediction, feedback.outcome, now) === 'label' && (await label(prediction, feedback, now, deps))) {
    deps.measure(API_METRIC.labelled, 1);
    return reply(200, { id, state: STATE.labelled, duplicate: false });
  }
  return settled(await find(model, id, deps), feedback, now, deps);
}

const label = (prediction: Prediction, { outcome, observedAt }: Feedback, now: Date, { books }: FeedbackDependencies) =>
  books.label(prediction, outcome, observedAt ?? now.toISOString(), now);

/** The prediction has its end already, or its window is over. */
function settled(prediction: Prediction, { outcome }: Feedback, now: Date, { measure }: FeedbackDependencies) {
  switch (judge(prediction, outcome, now)) {
    case 'same':
      return reply(200, { id: prediction.id, state: STATE.labelled, duplicate: true });
    case 'conflict':
      measure(API_METRIC.feedbackConflict, 1);
      throw new Refusal(409, `the outcome of '${prediction.id}' is already recorded as ${prediction.outcome}: the first one stays`);
    case 'late':
      measure(API_METRIC.feedbackLate, 1);
      throw new Refusal(410, `the label window of '${prediction.id}' ended at ${prediction.expiresAt}: it counts as expired`);
    default:
      throw new Error(`prediction '${prediction.key}' is open but could not be labelled`);
  }
}

/** The state of one prediction. */
export async function getPrediction(request: Request, deps: FeedbackDependencies) {
  const prediction = await find(knownName(request.pathParameters?.model), knownId(request.pathParameters?.id), deps);
  const { id, model, state, madeAt, eventTime, expiresAt, decision, outcome, observedAt, labelledAt, expiredAt } = prediction;
  return reply(200, {
    ...{ id, model, state, decision, outcome, endpoint: prediction.endpoint, variant: prediction.variant },
    ...{ made_at: madeAt, event_time: eventTime, expires_at: expiresAt },
    ...{ observed_at: observedAt, labelled_at: labelledAt, expired_at: expiredAt, correlation_id: prediction.correlationId },
  });
}

/** The books of a model: made = labelled + expired + open, always. */
export async function getBooks(request: Request, deps: FeedbackDependencies) {
  const model = knownName(request.pathParameters?.model);
  const { made, labelled, expired, open } = sum((await deps.books.tally()).filter((row) => row.model === model));
  return reply(200, { model, made, labelled, expired, open });
}

async function find(model: string, id: string, { books }: FeedbackDependencies): Promise<Prediction> {
  const prediction = await books.get(model, id);
  if (prediction === undefined) {
    throw new Refusal(404, `there is no prediction '${id}' of model '${model}'`);
  }
  return prediction;
}
