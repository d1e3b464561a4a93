import { FARTHEST_EVENT_DAYS } from '../../lib/constructs/integration/contract';
import { rowProblems } from './features';
import { ID, InferenceRequest, isObject, problemsOf } from './protocol';
import { Signature, signatureProblems } from './signature';

/** A refusal with its HTTP status. */
export class Refusal extends Error {
  constructor(
    readonly status: number,
    message: string,
    readonly headers: Record<string, string> = {},
  ) {
    super(message);
  }
}

/** Route names of models: they become part of an endpoint name. */
const MODEL = /^[a-z0-9](-?[a-z0-9])*$/;

export interface Limits {
  maximumRequestBytes: number;
  labelWindowSeconds: number;
}

/** Far more than a tensor has dimensions. */
const MOST_LEVELS = 64;

export interface Accepted {
  model: string;
  /** Absent: the client leaves the choice to us and gives up repeating the request safely. */
  id?: string;
  eventTime: Date;
  expiresAt: Date;
  request: InferenceRequest;
}

/** Reads a request to predict, against the model's signature when there is one. Errors: a `Refusal` that lists every problem. */
export function accept(model: string | undefined, body: string, limits: Limits, now: Date, signature?: Signature): Accepted {
  const bytes = Buffer.byteLength(body);
  if (bytes > limits.maximumRequestBytes) {
    throw new Refusal(413, `the body has ${bytes} bytes, the limit is ${limits.maximumRequestBytes}: send fewer rows in one request`);
  }
  const request = parse(body);
  const problems = [...problemsOf(request), ...(signature === undefined ? [] : signatureProblems(request, signature))];
  const eventTime = eventTimeOf(request, now);
  const expiresAt = new Date(eventTime.getTime() + limits.labelWindowSeconds * 1000);
  if (problems.length === 0) {
    problems.push(...timeProblems(eventTime, expiresAt, now));
    problems.push(...(signature === undefined ? [] : rowProblems(request as InferenceRequest, signature)));
  }
  if (problems.length > 0) {
    throw new Refusal(400, problems.join('; '));
  }
  return { model: knownName(model), id: (request as InferenceRequest).id, eventTime, expiresAt, request: request as InferenceRequest };
}

/** Errors: a `Refusal` of what is not JSON, and of what is nested so deeply that nothing that walks through it would come to an end of its own. */
export function parse(body: string): unknown {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new Refusal(400, 'the body is not JSON');
  }
  if (isDeeper(value, MOST_LEVELS)) {
    throw new Refusal(400, `the body nests lists and objects in more than ${MOST_LEVELS} levels: send a tensor flat, with its 'shape'`);
  }
  return value;
}

/** Level by level: a call for each level is what a deep value exhausts. */
function isDeeper(value: unknown, levels: number): boolean {
  let containers = [value].filter(isContainer);
  for (let level = 0; level < levels && containers.length > 0; level++) {
    containers = containers.flatMap((one) => Object.values(one).filter(isContainer));
  }
  return containers.length > 0;
}

const isContainer = (value: unknown): value is object => typeof value === 'object' && value !== null;

/** The model's route name. Errors: 404 for a name that no endpoint can have. */
export function knownName(model: string | undefined): string {
  if (model === undefined || !MODEL.test(model) || model.length > 40) {
    throw new Refusal(404, `there is no model '${model ?? ''}'`);
  }
  return model;
}

/** The prediction id of a path. Errors: 404 for a text that is no id. */
export function knownId(id: string | undefined): string {
  if (id === undefined || !ID.test(id)) {
    throw new Refusal(404, `there is no prediction '${id ?? ''}'`);
  }
  return id;
}

function eventTimeOf(request: unknown, now: Date): Date {
  const given = (request as InferenceRequest | null)?.parameters?.event_time;
  return given === undefined ? now : isoTime(given);
}

/** A date and time with offset; an invalid date for anything else. A time without offset would mean another moment on each machine. */
export function isoTime(value: unknown): Date {
  return typeof value === 'string' && /^\d{4}-\d\d-\d\dT\d\d:\d\d(:\d\d(\.\d{1,9})?)?(Z|[+-]\d\d:\d\d)$/.test(value)
    ? new Date(value)
    : new Date(Number.NaN);
}

function timeProblems(eventTime: Date, expiresAt: Date, now: Date): string[] {
  if (Number.isNaN(eventTime.getTime())) {
    return ["'parameters.event_time' must be an ISO 8601 time with offset, such as 2026-04-01T12:00:00Z"];
  }
  if (expiresAt <= now) {
    return [`'parameters.event_time' is so far before now (${now.toISOString()}) that no feedback could be accepted`];
  }
  return eventTime.getTime() - now.getTime() > FARTHEST_EVENT_DAYS * 86_400_000
    ? [`'parameters.event_time' is more than ${FARTHEST_EVENT_DAYS} days after now (${now.toISOString()})`]
    : [];
}

/** What a failed call of the model means. */
export type Failure = 'unknown-model' | 'refused' | 'unavailable' | 'ours';

interface ServiceError {
  name?: string;
  message?: string;
  OriginalStatusCode?: number;
  OriginalMessage?: string;
  $metadata?: { httpStatusCode?: number };
}

/**
 * SageMaker answers 400 ValidationError for an endpoint that does not exist, 424 ModelError for whatever the container answers beyond
 * 2xx (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html). No status at all: nobody answered.
 */
export function failureOf(error: unknown): Failure {
  const { name, message, OriginalStatusCode, $metadata } = error as ServiceError;
  if (name === 'ValidationError' && /not found/i.test(message ?? '')) {
    return 'unknown-model';
  }
  if (name === 'ModelError') {
    const status = OriginalStatusCode ?? 500;
    return status >= 400 && status < 500 && status !== 408 && status !== 429 ? 'refused' : 'unavailable';
  }
  const status = $metadata?.httpStatusCode;
  return status === undefined || status >= 500 || status === 429 || status === 408 ? 'unavailable' : 'ours';
}

/**
 * Why the container refused a request: the `error` of its answer in the protocol's form, else what it answered
 * (https://docs.aws.amazon.com/sagemaker/latest/APIReference/API_runtime_InvokeEndpoint.html, ModelError).
 */
export function reasonOf(error: unknown): string {
  const { message, OriginalMessage } = error as ServiceError;
  const text = OriginalMessage ?? message ?? '';
  try {
    const answer: unknown = JSON.parse(text);
    return isObject(answer) && typeof answer.error === 'string' ? answer.error : text;
  } catch {
    return text;
  }
}
