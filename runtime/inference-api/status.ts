import type { PredictionBooks } from '../prediction-books/store';
import { knownName, Refusal } from './core';
import { reply, Request } from './http';
import { signatureOf, Signatures } from './signature';

/** Status of an endpoint; undefined when there is none of that name. */
export type Describe = (endpoint: string) => Promise<string | undefined>;

export interface StatusDependencies {
  endpointPrefix: string;
  describe: Describe;
  signatures: Signatures;
  books: Pick<PredictionBooks, 'get'>;
}

/** The API itself runs. */
export const live = () => Promise.resolve(reply(200, { live: true }));

/** The API can do its work: the books answer. */
export async function ready(_request: Request, { books }: StatusDependencies) {
  await books.get('health', 'ready');
  return reply(200, { live: true, ready: true });
}

export const server = () => Promise.resolve(reply(200, { name: 'cdk-ai-workloads', version: '2', extensions: [] }));

export async function modelReady(request: Request, deps: StatusDependencies) {
  const { model, status } = await lookUp(request, deps);
  const inService = SERVES.has(status);
  return reply(inService ? 200 : 503, { name: model, ready: inService });
}

/** Endpoints serve in these states: an update or a rollback replaces a fleet that goes on answering. */
const SERVES = new Set(['InService', 'Updating', 'SystemUpdating', 'RollingBack']);

export async function modelMetadata(request: Request, deps: StatusDependencies) {
  const { model } = await lookUp(request, deps);
  const { inputs, outputs } = signatureOf(deps.signatures, model) ?? { inputs: [], outputs: [] };
  const sent = inputs.filter(({ feature }) => feature === undefined);
  return reply(200, { name: model, platform: 'amazon_sagemaker', inputs: sent, outputs });
}

async function lookUp(request: Request, deps: StatusDependencies) {
  const model = knownName(request.pathParameters?.model);
  const status = await deps.describe(`${deps.endpointPrefix}${model}`);
  if (status === undefined) {
    throw new Refusal(404, `there is no model '${model}'`);
  }
  return { model, status };
}
