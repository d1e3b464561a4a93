import { isoTime, Refusal } from '../inference-api/core';

export interface Feedback {
  outcome: boolean;
  /** ISO 8601 in UTC; when the outcome was observed, by the one who reports it. */
  observedAt?: string;
}

/** Reads `{"outcome": true | false, "observed_at"?: "<ISO 8601>"}`. Errors: a `Refusal` that lists every problem. */
export function readFeedback(body: unknown): Feedback {
  if (typeof body !== 'object' || body === null || Array.isArray(body)) {
    throw new Refusal(400, 'the body must be a JSON object');
  }
  const { outcome, observed_at: observed } = body as { outcome?: unknown; observed_at?: unknown };
  const problems: string[] = [];
  if (typeof outcome !== 'boolean') {
    problems.push("'outcome' must be true or false: whether what the model predicts came about");
  }
  if (observed !== undefined && Number.isNaN(isoTime(observed).getTime())) {
    problems.push("'observed_at' must be an ISO 8601 time with offset, such as 2026-04-01T12:00:00Z");
  }
  if (problems.length > 0) {
    throw new Refusal(400, problems.join('; '));
  }
  return { outcome: outcome as boolean, observedAt: observed === undefined ? undefined : isoTime(observed).toISOString() };
}
