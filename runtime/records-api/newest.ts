import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { Refusal } from '../inference-api/core';
import { reply } from '../inference-api/http';
import type { OnlineReader } from '../online-table/reader';

/**
 * Answers what is known now of an entity: the columns of its newest record, when that happened and how old it is by the workload clock. 404 when
 * nothing is known of it. Errors: a `Refusal` of a query that does not name the entity, and nothing else.
 *
 * @param query values of the columns that name the entity, as texts; the empty one for a column without a value. Every value of a name that comes more
 * than once: `queryStringParameters` has only the last one
 * (https://docs.aws.amazon.com/apigateway/latest/developerguide/set-up-lambda-proxy-integrations.html).
 */
export async function answerNewest(
  query: APIGatewayProxyEvent['multiValueQueryStringParameters'],
  columns: readonly string[],
  reader: Pick<OnlineReader, 'read'>,
): Promise<APIGatewayProxyResult> {
  const given = query ?? {};
  const names = Object.entries(given).flatMap(([name, values = []]) => values.map(() => name));
  if (JSON.stringify([...names].sort()) !== JSON.stringify([...columns].sort())) {
    const got = names.length === 0 ? 'none' : names.join(', ');
    throw new Refusal(400, `the query names ${got}: name the entity by ${columns.join(', ')}, each once, and nothing else`);
  }
  const entity = Object.fromEntries(columns.map((name) => [name, given[name]![0]]));
  const found = await reader.read(entity);
  if (found === undefined) {
    return reply(404, { error: 'nothing is known of this entity now: no record of it has arrived, or none for long' });
  }
  return reply(200, { entity, ...found });
}
