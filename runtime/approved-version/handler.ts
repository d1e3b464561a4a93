import { Logger } from '@aws-lambda-powertools/logger';
import { DeleteParameterCommand, ParameterAlreadyExists, ParameterNotFound, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import { Log } from '../shared/telemetry';
import { adoptedId, Pointers, seed, SeedRequest } from './core';

/** A request of AWS CloudFormation (https://docs.aws.amazon.com/AWSCloudFormation/latest/UserGuide/crpg-ref-requests.html). */
export interface CustomResourceRequest extends SeedRequest {
  readonly ResponseURL: string;
  readonly StackId: string;
  readonly RequestId: string;
  readonly LogicalResourceId: string;
}

export interface SeedDependencies {
  pointers: Pointers;
  /** Puts a text to an address; throws unless it was taken. */
  put: (url: string, body: string) => Promise<void>;
  logger: Pick<Log, 'info' | 'error'>;
}

/**
 * Does what AWS CloudFormation asks for and tells it. A failure is told with the id of an adopted pointer: what is undone after it must not
 * delete anything.
 */
export const makeHandler = (deps: SeedDependencies) => async (request: CustomResourceRequest) => {
  const answer = async (outcome: { Status: string; PhysicalResourceId: string; Reason?: string }) => {
    const { StackId, RequestId, LogicalResourceId } = request;
    await deps.put(request.ResponseURL, JSON.stringify({ ...outcome, StackId, RequestId, LogicalResourceId }));
  };
  const name = request.ResourceProperties.ParameterName;
  let id: string;
  try {
    id = await seed(request, deps.pointers);
  } catch (error) {
    deps.logger.error('the pointer could not be seeded', { request: request.RequestType, name, error });
    const reason = `${request.RequestType} of ${name}: ${error instanceof Error ? error.message : String(error)}`;
    return answer({ Status: 'FAILED', PhysicalResourceId: request.PhysicalResourceId ?? adoptedId(name), Reason: reason });
  }
  deps.logger.info('pointer', { request: request.RequestType, id });
  return answer({ Status: 'SUCCESS', PhysicalResourceId: id });
};

/** Pointers as String parameters of AWS Systems Manager. */
export function parameters(client: Pick<SSMClient, 'send'>): Pointers {
  return {
    async createIfAbsent(name, value) {
      try {
        await client.send(new PutParameterCommand({ Name: name, Value: value, Type: 'String' }));
        return true;
      } catch (error) {
        if (error instanceof ParameterAlreadyExists) {
          return false;
        }
        throw error;
      }
    },
    async remove(name) {
      try {
        await client.send(new DeleteParameterCommand({ Name: name }));
      } catch (error) {
        if (!(error instanceof ParameterNotFound)) {
          throw error;
        }
      }
    },
  };
}

/** The response is a presigned address of Amazon S3, which was signed without a content type. */
export async function putAnswer(url: string, body: string): Promise<void> {
  const response = await fetch(url, { method: 'PUT', headers: { 'content-type': '' }, body });
  if (!response.ok) {
    throw new Error(`the answer was not taken: status ${response.status}`);
  }
}

let made: ReturnType<typeof makeHandler> | undefined;

export const handler = async (request: CustomResourceRequest): Promise<void> => {
  made ??= makeHandler({
    pointers: parameters(new SSMClient({})),
    put: putAnswer,
    logger: new Logger({ serviceName: 'approved-version' }),
  });
  await made(request);
};
