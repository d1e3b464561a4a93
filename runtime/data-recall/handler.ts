import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { DATA_ENV, LEDGER } from '../../lib/constructs/data/contract';
import { DELIVERY_ENV } from '../../lib/constructs/delivery/contract';
import { ENV } from '../../lib/constructs/integration/contract';
import { LISTED, OperationRefused } from '../operation/core';
import { OperationLease } from '../operation/lease';
import { makeSteps, Operations, stepsHandler } from '../operation/steps';
import { Catalogue } from './catalogue';
import { isVersionId, keyOf, RecallRequest, requestOf } from './core';
import { AffectedModel, Models } from './models';
import { Predictions } from './predictions';
import { WithdrawalWork } from './withdrawal';

export interface RecallDependencies {
  /** Ledger of each dataset. */
  ledgers: Record<string, string>;
  catalogue: string;
  validatedBucket: string;
  /** Absent where no model is trained. */
  delivery?: { prefix: string; releases: string };
  /** Absent where no prediction is kept. */
  predictions?: { table: string; replayed: boolean };
  s3: S3Client;
  dynamo: DynamoDBDocumentClient;
  registry: SageMakerClient;
  now: () => Date;
  pause?: (ms: number) => Promise<unknown>;
}

/** Takes data out of every future dataset, and bars what was trained on it. */
export const makeHandler = (deps: RecallDependencies) => {
  const { dynamo, delivery } = deps;
  const catalogue = new Catalogue(dynamo, deps.catalogue, deps.s3, deps.validatedBucket);
  const stateOf = (id: string) => catalogue.stateOf(Object.keys(deps.ledgers), id);
  const models = delivery && new Models(deps.registry, dynamo, delivery.releases, delivery.prefix, stateOf);
  const predictions = deps.predictions && new Predictions(dynamo, deps.predictions.table, deps.predictions.replayed);
  const workOf = (run: { dataset: string }) => ({
    ledger: { client: dynamo, table: deps.ledgers[run.dataset], pause: deps.pause },
    ...{ catalogue, models, predictions },
  });

  const datasetOf = async ({ selection: { thing } }: RecallRequest): Promise<string> => {
    const known = Object.keys(deps.ledgers);
    for (const dataset of known) {
      const isOfIt = isVersionId(thing) ? (await catalogue.get(dataset, thing)) !== undefined : keyOf(thing).startsWith(`${dataset}/`);
      if (isOfIt) {
        return dataset;
      }
    }
    throw new OperationRefused(
      `UnknownThing: '${thing}' is neither an object key nor a dataset version of ${known.join(', ') || 'any dataset'}`,
    );
  };

  const operations: Operations<RecallRequest> = {
    requestOf,
    datasetOf,
    leaseOf: (dataset) => new OperationLease(dynamo, deps.ledgers[dataset], deps.now, LEDGER.withdrawing),
    books: () => Promise.resolve({}),
    plan: (run, time) => new WithdrawalWork(run, workOf(run)).plan(time),
    work: (run, journal, time) => new WithdrawalWork(run, workOf(run)).work(journal, time),
    facts: async (run) => ({ models: shownModels(await new WithdrawalWork(run, workOf(run)).models()) }),
  };
  return makeSteps(deps, operations);
};

/** An answer of an execution has at most 256 KiB (https://docs.aws.amazon.com/step-functions/latest/dg/service-quotas.html); the parts name all. */
const shownModels = (models: readonly AffectedModel[]): AffectedModel[] =>
  models.slice(0, LISTED).map((model) => ({
    ...model,
    versions: model.versions.slice(0, LISTED),
    passedOver: model.passedOver.slice(0, LISTED),
  }));

const logger = new Logger({ serviceName: 'data-recall' });

export const handler = stepsHandler<RecallRequest>(start, ({ action }, answer) => logger.info('recall', { action, answer }));

function start(env: NodeJS.ProcessEnv): ReturnType<typeof makeHandler> {
  const [prefix, releases, predictions] = [env[DELIVERY_ENV.prefix], env[DELIVERY_ENV.releases], env[ENV.predictionsTable]];
  return makeHandler({
    ledgers: JSON.parse(env[DATA_ENV.datasets]!) as Record<string, string>,
    catalogue: env[DATA_ENV.catalogue]!,
    validatedBucket: env[DATA_ENV.validatedBucket]!,
    delivery: prefix === undefined || releases === undefined ? undefined : { prefix, releases },
    predictions: predictions === undefined ? undefined : { table: predictions, replayed: env[DELIVERY_ENV.replayed] === '1' },
    s3: new S3Client({}),
    dynamo: DynamoDBDocumentClient.from(new DynamoDBClient({})),
    registry: new SageMakerClient({}),
    now: () => new Date(),
  });
}
