import { Logger } from '@aws-lambda-powertools/logger';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { DescribeModelPackageCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { ExecutionAlreadyExists, SFNClient, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { GetParameterCommand, ParameterNotFound, SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBDocumentClient, GetCommand, paginateScan } from '@aws-sdk/lib-dynamodb';
import { LEDGER } from '../../lib/constructs/data/contract';
import {
  CurrentVersion,
  DELIVERY_ENV,
  DELIVERY_METRIC,
  namesOf,
  PipelineSettings,
  RunRow,
  RunState,
  TrainingPlan,
} from '../../lib/constructs/delivery/contract';
import { approvedParameter, LINEAGE, NO_VERSION } from '../../lib/constructs/models/contract';
import { versionOfRun } from '../shared/run-version';
import { Log, Measure, measureWith, metricsFor } from '../shared/telemetry';
import {
  checkNotWithdrawn,
  checkRequest,
  DatasetVersion,
  evaluationInputs,
  executionOf,
  newestOf,
  planOf,
  runIdOf,
  TrainingRequest,
} from './core';
import { Runs, startingRow } from './runs';

export interface TriggerDependencies {
  settings: PipelineSettings;
  runsTable: string;
  catalogue: string;
  stateMachine: string;
  dynamo: DynamoDBDocumentClient;
  executions: Pick<SFNClient, 'send'>;
  parameters: Pick<SSMClient, 'send'>;
  registry: SageMakerClient;
  now: () => Date;
  measure: Measure;
  logger: Log;
}

export interface TriggerAnswer {
  /** `started`, `known` (nothing to do) or `over limit`. */
  readonly outcome: string;
  readonly runId: string;
  readonly state?: RunState;
}

/** What the state machine asks before it evaluates. */
export interface CurrentRequest {
  readonly current: TrainingPlan;
}

/** What the candidate is compared with, and the inputs of the job that does it. */
export interface CurrentAnswer {
  readonly version?: CurrentVersion;
  readonly inputs: object[];
}

/**
 * Starts one run per dataset version, code, gap, features and parameters; none that has a version in the registry already, whatever became of the attempt
 * that registered it. Every step may be repeated: the row is entered once, and a row that says `running`
 * has its execution started again, which does nothing while it runs or has run
 * (https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html).
 */
export const makeHandler =
  (deps: TriggerDependencies) =>
  (request: TrainingRequest | CurrentRequest): Promise<TriggerAnswer | CurrentAnswer> =>
    'current' in request ? compareWith(request.current, deps) : start(request, deps);

async function start(request: TrainingRequest, deps: TriggerDependencies): Promise<TriggerAnswer> {
  const { settings, logger, measure } = deps;
  checkRequest(request, settings);
  const dataset = await datasetFor(request, deps);
  const parameters = { ...settings.parameters, ...request.parameters };
  const { codeRevision: code, featuresSha256 } = settings;
  const runId = runIdOf({ dataset: dataset.id, code, featuresSha256, parameters });
  const startedAt = deps.now().toISOString();
  const entered = await new Runs(deps.dynamo, deps.runsTable).enter({
    runId,
    datasetId: dataset.id,
    day: startedAt.slice(0, 10),
    now: startedAt,
    maximumRunsPerDay: settings.maximumRunsPerDay,
    registered: () => versionOfRun(deps.registry, namesOf(settings.prefix, settings.model).group, runId),
    rowOf: (number) => {
      const plan = planOf(settings, { dataset, parameters, runId, ...number });
      return startingRow(plan, { trigger: request.trigger, startedAt, execution: executionOf(plan) });
    },
  });
  if (entered.outcome === 'over limit') {
    logger.warn('the day has no run left', { runId, limit: settings.maximumRunsPerDay });
    measure(DELIVERY_METRIC.runsOverLimit, 1);
    return { outcome: entered.outcome, runId };
  }
  const { row } = entered;
  if (entered.outcome === 'registered') {
    measure(DELIVERY_METRIC.registered, 1);
  }
  const started = row.state === RunState.RUNNING && (await startExecution(row, deps));
  logger.info('training run', { runId, attempt: row.attempt, state: row.state, started });
  return { outcome: started ? 'started' : 'known', runId, state: row.state };
}

/** False when the execution has run already. */
async function startExecution({ execution, plan }: RunRow, { executions, stateMachine }: TriggerDependencies): Promise<boolean> {
  try {
    await executions.send(
      new StartExecutionCommand({ stateMachineArn: stateMachine, name: execution, input: JSON.stringify(sortKeys(plan)) }),
    );
    return true;
  } catch (error) {
    if (error instanceof ExecutionAlreadyExists) {
      return false;
    }
    throw error;
  }
}

/** A second start is the same only with the same input to the byte; a table gives the names of a map back in any order. */
function sortKeys(value: unknown): unknown {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return value;
  }
  const entries = Object.entries(value).sort(([a], [b]) => (a < b ? -1 : 1));
  return Object.fromEntries(entries.map(([name, inner]) => [name, sortKeys(inner)]));
}

async function datasetFor({ datasetId }: TrainingRequest, deps: TriggerDependencies): Promise<DatasetVersion> {
  const { dataset } = deps.settings;
  const found = datasetId === undefined ? newestOf(await versionsOf(deps)) : await versionOf(datasetId, deps);
  if (found === undefined) {
    throw new Error(
      datasetId === undefined
        ? `NoDataset: the catalogue has no version of '${dataset}' yet: publish one first`
        : `UnknownDataset: the catalogue has no version '${datasetId}' of '${dataset}'`,
    );
  }
  checkNotWithdrawn(found);
  return found;
}

async function versionOf(id: string, { dynamo, catalogue, settings }: TriggerDependencies): Promise<DatasetVersion | undefined> {
  const Key = { [LEDGER.key]: `${settings.dataset}#${id}` };
  const { Item } = await dynamo.send(new GetCommand({ TableName: catalogue, Key, ConsistentRead: true }));
  return Item as DatasetVersion | undefined;
}

async function versionsOf({ dynamo, catalogue, settings }: TriggerDependencies): Promise<DatasetVersion[]> {
  const filter = {
    FilterExpression: '#dataset = :dataset',
    ExpressionAttributeNames: { '#dataset': 'dataset' },
    ExpressionAttributeValues: { ':dataset': settings.dataset },
  };
  const versions: DatasetVersion[] = [];
  for await (const { Items = [] } of paginateScan({ client: dynamo }, { TableName: catalogue, ConsistentRead: true, ...filter })) {
    versions.push(...(Items as DatasetVersion[]));
  }
  return versions;
}

/**
 * Asked right before the evaluation, not at the start: another version may have been released meanwhile, or the data withdrawn. Errors:
 * `WithdrawnDataset`.
 */
async function compareWith(plan: TrainingPlan, deps: TriggerDependencies): Promise<CurrentAnswer> {
  const trainedOn = await versionOf(plan.datasetId, deps);
  if (trainedOn !== undefined) {
    checkNotWithdrawn(trainedOn);
  }
  const version = await currentVersion(plan, deps);
  return { ...(version === undefined ? {} : { version }), inputs: evaluationInputs(plan, deps.settings, version) };
}

async function currentVersion({ datasetId }: TrainingPlan, deps: TriggerDependencies): Promise<CurrentVersion | undefined> {
  const packageArn = await approved(deps);
  if (packageArn === NO_VERSION) {
    return undefined;
  }
  const found = await deps.registry.send(new DescribeModelPackageCommand({ ModelPackageName: packageArn }));
  const modelDataUrl = found.InferenceSpecification?.Containers?.[0]?.ModelDataUrl;
  const { [LINEAGE.dataset]: trainedOn, [LINEAGE.code]: codeUri } = found.CustomerMetadataProperties ?? {};
  if (modelDataUrl === undefined || trainedOn === undefined) {
    throw new Error(`IncompleteVersion: ${packageArn} has no model data or no '${LINEAGE.dataset}': nothing can be compared with it`);
  }
  const [old, candidate] = [await versionOf(trainedOn, deps), await versionOf(datasetId, deps)];
  // Data that the catalogue does not know cannot be proved to be older.
  const newerData = old !== undefined && candidate !== undefined && old.id !== candidate.id && candidate.publishedAt > old.publishedAt;
  return { packageArn, modelDataUrl, ...(codeUri === undefined ? {} : { codeUri }), trainedOn, newerData };
}

async function approved({ parameters, settings }: TriggerDependencies): Promise<string> {
  try {
    const { Parameter } = await parameters.send(new GetParameterCommand({ Name: approvedParameter(settings.prefix, settings.model) }));
    return Parameter?.Value ?? NO_VERSION;
  } catch (error) {
    if (error instanceof ParameterNotFound) {
      return NO_VERSION;
    }
    throw error;
  }
}

export const handler = async (request: TrainingRequest | CurrentRequest): Promise<TriggerAnswer | CurrentAnswer> => {
  const settings = JSON.parse(process.env[DELIVERY_ENV.pipeline]!) as PipelineSettings;
  const metrics = metricsFor({ [DELIVERY_METRIC.dimension]: `${settings.prefix}-${settings.model}` });
  const run = makeHandler({
    settings,
    runsTable: process.env[DELIVERY_ENV.runs]!,
    catalogue: process.env[DELIVERY_ENV.catalogue]!,
    stateMachine: process.env[DELIVERY_ENV.stateMachine]!,
    dynamo: DynamoDBDocumentClient.from(new DynamoDBClient({})),
    executions: new SFNClient({}),
    parameters: new SSMClient({}),
    registry: new SageMakerClient({}),
    now: () => new Date(),
    measure: measureWith(metrics),
    logger: new Logger({ serviceName: 'training-trigger' }),
  });
  try {
    return await run(request);
  } finally {
    metrics.publishStoredMetrics();
  }
};
