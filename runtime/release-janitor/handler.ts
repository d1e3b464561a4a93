import { Logger } from '@aws-lambda-powertools/logger';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { DeleteEndpointConfigCommand, DeleteModelCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { DELIVERY_ENV } from '../../lib/constructs/delivery/contract';
import type { Log } from '../shared/telemetry';
import { unneeded } from './core';
import { configurationsOf, modelsOf, stacksOf, usedConfigurations } from './inventory';
import { known } from './unknown';

export interface JanitorDependencies {
  prefix: string;
  sageMaker: SageMakerClient;
  stacks: CloudFormationClient;
  now: () => Date;
  logger: Log;
}

export interface JanitorReport {
  configurations: number;
  models: number;
}

/**
 * Deletes models and endpoint configurations that releases left behind and nothing needs. What is needed is read last, so that nothing that
 * comes into use meanwhile is missed. Errors: `NotDeleted` when something could not be deleted; everything else is.
 */
export const makeHandler = (deps: JanitorDependencies) => async (): Promise<JanitorReport> => {
  const { prefix, sageMaker, stacks, now, logger } = deps;
  const models = await modelsOf(sageMaker, prefix);
  const configurations = await configurationsOf(sageMaker, prefix, models);
  const names = new Set([...models, ...configurations].flatMap(({ stack }) => (stack === undefined ? [] : [stack])));
  const found = await stacksOf(stacks, [...names]);
  const used = await usedConfigurations(sageMaker);
  const going = unneeded({ now: now().getTime(), configurations, models, used, stacks: found });
  const problems: string[] = [];
  const remove = async (name: string, deletion: () => Promise<unknown>) => {
    try {
      await known(deletion());
      logger.info('deleted', { name });
    } catch (error) {
      problems.push(`${name}: ${(error as Error).message}`);
    }
  };
  for (const EndpointConfigName of going.configurations) {
    await remove(EndpointConfigName, () => sageMaker.send(new DeleteEndpointConfigCommand({ EndpointConfigName })));
  }
  for (const ModelName of going.models) {
    await remove(ModelName, () => sageMaker.send(new DeleteModelCommand({ ModelName })));
  }
  if (problems.length > 0) {
    throw new Error(`NotDeleted: ${problems.join('; ')}: they are tried again at the next run`);
  }
  return { configurations: going.configurations.length, models: going.models.length };
};

let run: (() => Promise<JanitorReport>) | undefined;

export const handler = (): Promise<JanitorReport> => {
  run ??= makeHandler({
    prefix: process.env[DELIVERY_ENV.prefix]!,
    sageMaker: new SageMakerClient({}),
    stacks: new CloudFormationClient({}),
    now: () => new Date(),
    logger: new Logger({ serviceName: 'release-janitor' }),
  });
  return run();
};
