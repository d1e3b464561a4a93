import { EVENT_VERSION, EventType, STATE } from '../../lib/constructs/integration/contract';
import type { Prediction } from '../prediction-books/core';

export interface PredictionEvent {
  type: EventType;
  detail: Record<string, unknown>;
}

const TYPES: Record<string, EventType> = {
  [STATE.open]: EventType.PREDICTION_MADE,
  [STATE.labelled]: EventType.PREDICTION_LABELLED,
  [STATE.expired]: EventType.PREDICTION_EXPIRED,
};

/**
 * The event of one committed change; undefined when the state did not move. `eventId` is the same however often the change is delivered.
 */
export function eventOf(before: Prediction | undefined, after: Prediction | undefined): PredictionEvent | undefined {
  if (after === undefined || before?.state === after.state) {
    return undefined;
  }
  const { key, model, id, state, endpoint, variant, madeAt, eventTime, expiresAt, decision, requestSha256, correlationId } = after;
  const detail = {
    version: EVENT_VERSION,
    eventId: `${key}/${state}`,
    ...{ model, predictionId: id, state, endpoint, variant, madeAt, eventTime, expiresAt, decision, requestSha256, correlationId },
    ...(after.features === undefined ? {} : { features: JSON.parse(after.features) as unknown }),
    ...(state === STATE.labelled ? { outcome: after.outcome, observedAt: after.observedAt, labelledAt: after.labelledAt } : {}),
    ...(state === STATE.expired ? { expiredAt: after.expiredAt } : {}),
  };
  return { type: TYPES[state], detail };
}
