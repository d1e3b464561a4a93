import type { APIGatewayProxyEvent, APIGatewayProxyResult } from 'aws-lambda';
import { Refusal } from '../inference-api/core';
import { reply } from '../inference-api/http';
import type { OnlineReader } from '../online-table/reader';

/**
 * Answers what is known now of an entity: the columns of its newest record, when that happened and how old it is by the workload clock. 404 when
 * nothing is known of it. Errors: a `Refusal` of a query that does not name the entity, and nothing else.
 *
 * @param query values of the columns that name the entity, as texts; the empty one for a column without a value
 */
export async function answerNewest(
  query: APIGatewayProxyEvent['queryStringParameters'],
  columns: readonly string[],
  reader: Pick<OnlineReader, 'read'>,
): Promise<APIGatewayProxyResult> {
  const given = query ?? {};
  const names = [...columns].sort().join();
  if (Object.keys(given).sort().join() !== names) {
    const got = Object.keys(given).length === 0 ? 'none' : Object.keys(given).join(', ');
    throw new Refusal(400, `the query names ${got}: name the entity by ${columns.join(', ')}, each once, and nothing else`);
  }
  const entity = Object.fromEntries(columns.map((name) => [name, given[name]!]));
  const found = await reader.read(entity);
  if (found === undefined) {
    return reply(404, { error: 'nothing is known of this entity now: no record of it has arrived, or none for long' });
  }
  return reply(200, { entity, ...found });
}
