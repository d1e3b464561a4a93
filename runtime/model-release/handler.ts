import { createHash } from 'node:crypto';
import { Logger } from '@aws-lambda-powertools/logger';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { CloudWatchClient } from '@aws-sdk/client-cloudwatch';
import { DynamoDBClient } from '@aws-sdk/client-dynamodb';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import {
  DescribeExecutionCommand,
  ExecutionAlreadyExists,
  ExecutionDoesNotExist,
  SFNClient,
  StartExecutionCommand,
} from '@aws-sdk/client-sfn';
import { SSMClient } from '@aws-sdk/client-ssm';
import { DynamoDBDocumentClient } from '@aws-sdk/lib-dynamodb';
import { DELIVERY_ENV, DELIVERY_METRIC } from '../../lib/constructs/delivery/contract';
import { Log, Measure, measureWith, metricsFor } from '../shared/telemetry';
import { leaseMove } from './lease';
import { groupsOf } from './registry';
import { hostOf } from './place';
import { StackMachine } from './stack-machine';
import type { StackAction } from './stackmates';
import { ReleaseTable } from './table';

export interface Dependencies {
  prefix: string;
  table: string;
  stateMachine: string;
  releaseRole: string;
  artifacts: string;
  images: string[];
  maximumWaitMs: number;
  dynamo: DynamoDBDocumentClient;
  registry: SageMakerClient;
  stacks: CloudFormationClient;
  alarms: CloudWatchClient;
  parameters: SSMClient;
  executions: Pick<SFNClient, 'send'>;
  now: () => Date;
  measure: Measure;
  logger: Log;
}

/** Who is to be looked after: by its name, or by its group in the registry. */
export interface Wake {
  model?: string;
  group?: string;
}

export type Request =
  | { action: 'TakeLease'; execution: string; input: Wake }
  | { action: 'Decide'; execution: string; model: string }
  | { action: 'Act'; execution: string; model: string; next: StackAction }
  | { action: 'GiveBack'; execution: string; model: string; wakes: number }
  | { action: 'WakeAll'; id: string }
  | { action: 'Revive'; execution: string; input: string };

/** So many executions in a row may fail without having changed anything before a person is called. */
export const FAILURES = 3;
const LEASE_TRIES = 5;

/**
 * Every step of the release machine, and what wakes it. The `model` of a step is the one whose serving stack the execution holds the lease of, with
 * all models that the stack serves.
 */
export const makeHandler =
  (deps: Dependencies) =>
  async (request: Request): Promise<object> => {
    switch (request.action) {
      case 'TakeLease':
        return takeLease(deps, request.execution, await hostOf(deps, modelOf(request.input, deps.prefix)));
      case 'Decide':
        return new StackMachine(deps, request.model, request.execution).decide();
      case 'Act':
        await new StackMachine(deps, request.model, request.execution).act(request.next);
        return {};
      case 'GiveBack':
        return { done: await tableOf(deps, request.model).giveBack(request.execution, request.wakes) };
      case 'WakeAll':
        return wakeAll(deps, request.id);
      case 'Revive':
        return revive(deps, request.execution, request.input);
    }
  };

const tableOf = ({ dynamo, table }: Dependencies, model: string) => new ReleaseTable(dynamo, table, model);

/** Errors: `InvalidWake`. */
export function modelOf({ model, group }: Wake, prefix: string): string {
  const name = model ?? (group?.startsWith(`${prefix}-`) ? group.slice(prefix.length + 1) : undefined);
  if (name === undefined || name === '') {
    throw new Error(
      `InvalidWake: {"model": "<name>"} or {"group": "${prefix}-<name>"} must say which model, got ${JSON.stringify({ model, group })}`,
    );
  }
  return name;
}

async function takeLease(deps: Dependencies, me: string, model: string): Promise<{ model: string; held: boolean }> {
  const table = tableOf(deps, model);
  for (let tries = 0; tries < LEASE_TRIES; tries++) {
    const lease = await table.lease();
    const move = leaseMove(lease, me, lease !== undefined && lease.execution !== me && (await runs(deps, lease.execution)));
    if (move === 'keep') {
      return { model, held: true };
    }
    if (move === 'knock' && (await table.knock(lease!.execution))) {
      return { model, held: false };
    }
    if (move !== 'knock' && (await table.takeLease(me, deps.now(), lease?.execution))) {
      return { model, held: true };
    }
  }
  throw new Error(`LeaseContended: ${LEASE_TRIES} others took or gave back the lease of ${model} meanwhile; the step is tried again`);
}

async function runs({ executions }: Dependencies, executionArn: string): Promise<boolean> {
  try {
    const { status } = await executions.send(new DescribeExecutionCommand({ executionArn }));
    return status === 'RUNNING' || status === 'PENDING_REDRIVE';
  } catch (error) {
    if (error instanceof ExecutionDoesNotExist) {
      return false;
    }
    throw error;
  }
}

/** Makes up for lost events. Once per `id`, also when that comes twice. */
async function wakeAll(deps: Dependencies, id: string): Promise<{ woken: number }> {
  const groups = await groupsOf(deps.registry, deps.prefix);
  for (const group of groups) {
    await start(deps, `hourly-${group}-${id}`, { group });
  }
  return { woken: groups.length };
}

/** Starts a dead execution's work again; after too many failures without any change a person is called, and the next wake tries again. */
async function revive(deps: Dependencies, execution: string, input: string): Promise<{ revived: boolean }> {
  const wake = JSON.parse(input) as Wake;
  const woken = modelOf(wake, deps.prefix);
  // Failures are those of a stack; where nobody can say whose that is, they are counted all the same.
  const model = await hostOf(deps, woken).catch(() => woken);
  const table = tableOf(deps, model);
  const failures = await table.countFailure(execution);
  if (failures <= FAILURES) {
    await start(deps, `revive-${execution}`, wake);
    return { revived: true };
  }
  const reason = `${failures} executions failed in a row without having changed anything: read the error of ${execution}`;
  deps.logger.error('release stuck', { model, reason });
  deps.measure(DELIVERY_METRIC.releaseStuck, 1);
  await table.tell('executions of the release machine fail one after another: read their errors', deps.now().toISOString());
  return { revived: false };
}

/** An execution's name has at most 80 characters (https://docs.aws.amazon.com/step-functions/latest/apireference/API_StartExecution.html). */
async function start({ executions, stateMachine }: Dependencies, name: string, input: Wake): Promise<void> {
  const unique = createHash('sha256').update(name).digest('hex').slice(0, 40);
  try {
    const command = { stateMachineArn: stateMachine, name: `${name.split('-')[0]}-${unique}`, input: JSON.stringify(input) };
    await executions.send(new StartExecutionCommand(command));
  } catch (error) {
    if (!(error instanceof ExecutionAlreadyExists)) {
      throw error;
    }
  }
}

let run: ((request: Request) => Promise<object>) | undefined;

export const handler = async (request: Request): Promise<object> => {
  const prefix = process.env[DELIVERY_ENV.prefix]!;
  const metrics = metricsFor({ [DELIVERY_METRIC.workload]: prefix });
  run ??= makeHandler({
    prefix,
    table: process.env[DELIVERY_ENV.releases]!,
    stateMachine: process.env[DELIVERY_ENV.stateMachine]!,
    releaseRole: process.env[DELIVERY_ENV.releaseRole]!,
    artifacts: process.env[DELIVERY_ENV.artifacts]!,
    images: JSON.parse(process.env[DELIVERY_ENV.images]!),
    maximumWaitMs: Number(process.env[DELIVERY_ENV.maximumWait]) * 1000,
    dynamo: DynamoDBDocumentClient.from(new DynamoDBClient({})),
    registry: new SageMakerClient({}),
    stacks: new CloudFormationClient({}),
    alarms: new CloudWatchClient({}),
    parameters: new SSMClient({}),
    executions: new SFNClient({}),
    now: () => new Date(),
    measure: (...measurement) => {
      measureWith(metrics)(...measurement);
      metrics.publishStoredMetrics();
    },
    logger: new Logger({ serviceName: 'model-release' }),
  });
  return run(request);
};
