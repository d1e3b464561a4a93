import { isUtf8 } from 'node:buffer';
import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { API_METRIC } from '../../lib/constructs/integration/contract';
import type { Log, Measure } from '../shared/telemetry';
import { Refusal } from './core';

export type Request = Pick<APIGatewayProxyEvent, 'resource' | 'httpMethod' | 'pathParameters' | 'body' | 'isBase64Encoded'> & {
  requestContext: Pick<APIGatewayProxyEvent['requestContext'], 'requestId'>;
};

export interface Telemetry {
  measure: Measure;
  logger: Log;
}

export type Route = (request: Request) => Promise<APIGatewayProxyResult>;

export function reply(statusCode: number, body: unknown, headers: Record<string, string> = {}): APIGatewayProxyResult {
  const text = typeof body === 'string' ? body : JSON.stringify(body);
  return { statusCode, headers: { 'content-type': 'application/json', ...headers }, body: text };
}

/** Errors: a `Refusal` of bytes that are not UTF-8; decoded all the same they would be another text. */
export function bodyOf({ body, isBase64Encoded }: Pick<Request, 'body' | 'isBase64Encoded'>): string {
  if (!isBase64Encoded) {
    return body ?? '';
  }
  const bytes = Buffer.from(body ?? '', 'base64');
  if (!isUtf8(bytes)) {
    throw new Refusal(400, 'the body is not UTF-8: send it in UTF-8, whatever charset its Content-Type names');
  }
  return bytes.toString('utf8');
}

/**
 * Answers every request, whatever happens, in the error form of the protocol: `{"error": "..."}`. Refusals are the client's business;
 * everything else is our fault, logged in full, counted, and told to the client only by its correlation id.
 */
export async function answer(routes: Record<string, Route>, request: Request, { measure, logger }: Telemetry) {
  const correlationId = request.requestContext.requestId;
  const tagged = (result: APIGatewayProxyResult) => ({
    ...result,
    headers: { ...result.headers, 'x-correlation-id': correlationId },
  });
  const started = { correlationId, route: `${request.httpMethod} ${request.resource}`, ...request.pathParameters };
  try {
    const route = routes[`${request.httpMethod} ${request.resource}`];
    if (route === undefined) {
      throw new Refusal(404, `there is no route ${request.httpMethod} ${request.resource}`);
    }
    const result = await route(request);
    logger.info('answered', { ...started, status: result.statusCode, predictionId: result.headers?.['x-prediction-id'] as string });
    return tagged(result);
  } catch (error) {
    if (error instanceof Refusal) {
      logger.warn('refused', { ...started, status: error.status, reason: error.message });
      return tagged(reply(error.status, { error: error.message }, error.headers));
    }
    measure(API_METRIC.apiFault, 1);
    logger.error('fault', { ...started, error: error as Error });
    return tagged(reply(500, { error: `internal error; give this id to the owner of the API: ${correlationId}` }));
  }
}
