import { createHash } from 'node:crypto';
import { CloudFormationClient, DescribeStacksCommand, Stack, UpdateStackCommand } from '@aws-sdk/client-cloudformation';
import { GetParameterCommand, ParameterNotFound, PutParameterCommand, SSMClient } from '@aws-sdk/client-ssm';
import type { StackState } from './types';

async function describe(client: CloudFormationClient, name: string): Promise<Stack | undefined> {
  try {
    const { Stacks = [] } = await client.send(new DescribeStacksCommand({ StackName: name }));
    return Stacks[0];
  } catch (error) {
    if (/does not exist/.test((error as Error).message)) {
      return undefined;
    }
    throw error;
  }
}

/** A stack that is there; one that only a change set was made for is not there yet. */
async function deployed(client: CloudFormationClient, name: string): Promise<Stack | undefined> {
  const stack = await describe(client, name);
  return stack?.StackStatus === 'REVIEW_IN_PROGRESS' ? undefined : stack;
}

/** Values of a stack's parameters: for one that reads an SSM parameter, its name. Undefined while the stack is not there. */
export async function parametersOf(client: CloudFormationClient, name: string): Promise<string[] | undefined> {
  const stack = await deployed(client, name);
  return stack && (stack.Parameters ?? []).map(({ ParameterValue = '' }) => ParameterValue);
}

/**
 * The serving stack, undefined while it is not there.
 * Errors: `InvalidServingStack` when it has no parameter that reads the pointer.
 */
export async function stackOf(client: CloudFormationClient, name: string, parameter: string): Promise<StackState | undefined> {
  const stack = await deployed(client, name);
  if (stack === undefined) {
    return undefined;
  }
  const found = stack.Parameters?.find(({ ParameterValue }) => ParameterValue === parameter);
  if (found?.ResolvedValue === undefined) {
    throw new Error(`InvalidServingStack: ${name} has no parameter that reads ${parameter}: serve the model with ModelSource.fromRegistry`);
  }
  return { status: stack.StackStatus!, resolvedPointer: found.ResolvedValue };
}

/** What became of asking for an update: it runs or ran, somebody else changes the stack at the moment, or there was nothing to change. */
export type Asked = 'accepted' | 'busy' | 'nothing to update';

/** Deploys the stack as it is, so that only the pointer is read again. */
export async function updateStack(client: CloudFormationClient, name: string, roleArn: string, release: string): Promise<Asked> {
  const stack = await describe(client, name);
  if (stack === undefined) {
    return 'busy';
  }
  try {
    await client.send(
      new UpdateStackCommand({
        StackName: name,
        UsePreviousTemplate: true,
        Parameters: stack.Parameters?.map(({ ParameterKey }) => ({ ParameterKey, UsePreviousValue: true })),
        Capabilities: stack.Capabilities,
        RoleARN: roleArn,
        ClientRequestToken: `release-${createHash('sha256').update(release).digest('hex').slice(0, 40)}`,
      }),
    );
    return 'accepted';
  } catch (error) {
    return outcomeOf(error as Error);
  }
}

function outcomeOf(error: Error): Asked {
  if (error.name === 'TokenAlreadyExistsException') {
    return 'accepted';
  }
  if (/No updates are to be performed/.test(error.message)) {
    return 'nothing to update';
  }
  if (/is in [A-Z_]+ state and can ?not be updated/.test(error.message)) {
    return 'busy';
  }
  throw error;
}

/** What the pointer says; undefined when it is missing. */
export async function readPointer(client: SSMClient, name: string): Promise<string | undefined> {
  try {
    return (await client.send(new GetParameterCommand({ Name: name }))).Parameter?.Value;
  } catch (error) {
    if (error instanceof ParameterNotFound) {
      return undefined;
    }
    throw error;
  }
}

export async function writePointer(client: SSMClient, name: string, value: string): Promise<void> {
  await client.send(new PutParameterCommand({ Name: name, Value: value, Type: 'String', Overwrite: true }));
}
