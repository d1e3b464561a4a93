import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { namesOf } from '../../lib/constructs/delivery/contract';
import { approvedParameter } from '../../lib/constructs/models/contract';
import { groupsOf } from './registry';
import { parametersOf } from './stack';

/** Where it is looked for which models share a stack. */
export interface Places {
  readonly prefix: string;
  readonly registry: SageMakerClient;
  readonly stacks: CloudFormationClient;
}

/**
 * The model whose serving stack serves `model`: itself when it has a stack of its own, else the one whose stack reads its pointer, for a variant.
 * Itself too when nothing serves it yet. Asks for every serving stack of the workload only when there is no own one.
 * Errors: `AmbiguousPlace` when several stacks read its pointer, because a release into one would leave the other behind.
 */
export async function hostOf(places: Places, model: string): Promise<string> {
  const { prefix, registry, stacks } = places;
  if ((await parametersOf(stacks, namesOf(prefix, model).stack)) !== undefined) {
    return model;
  }
  const others = (await groupsOf(registry, prefix)).map((group) => group.slice(prefix.length + 1)).filter((other) => other !== model);
  const hosts: string[] = [];
  for (const other of others) {
    const parameters = await parametersOf(stacks, namesOf(prefix, other).stack);
    if (parameters?.includes(approvedParameter(prefix, model)) === true) {
      hosts.push(other);
    }
  }
  if (hosts.length > 1) {
    const names = hosts.map((host) => namesOf(prefix, host).stack);
    throw new Error(`AmbiguousPlace: ${names.join(' and ')} read the pointer of ${model}: give each endpoint a model of its own`);
  }
  return hosts[0] ?? model;
}

/** The models that a serving stack serves, that of the endpoint itself first. One with a stack of its own is released there and nowhere else. */
export async function modelsOf({ prefix, stacks }: Places, host: string): Promise<string[]> {
  const parameters = (await parametersOf(stacks, namesOf(prefix, host).stack)) ?? [];
  const [start, end] = approvedParameter(prefix, '*').split('*');
  const named = parameters.filter((value) => value.startsWith(start) && value.endsWith(end));
  const models = [host];
  for (const model of new Set(named.map((value) => value.slice(start.length, -end.length)))) {
    if (model !== host && (await parametersOf(stacks, namesOf(prefix, model).stack)) === undefined) {
      models.push(model);
    }
  }
  return models;
}
