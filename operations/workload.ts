import { paginateDescribeStacks, paginateListStackResources } from '@aws-sdk/client-cloudformation';
import type { BlueprintConfig } from '../lib/config/schema';
import { closest } from '../lib/constructs/shared/contract';
import type { Clients } from './clients';

type Shape = Pick<BlueprintConfig, 'workload' | 'stage' | 'clock' | 'endpoints'>;

/** A deployed workload as its stacks tell it: names come from the config file, tables and machines from outputs. */
export class Workload {
  public static async find(config: Shape, clients: Clients): Promise<Workload> {
    const prefix = `${config.workload}-${config.stage}`;
    const outputs: Record<string, string> = {};
    for await (const { Stacks = [] } of paginateDescribeStacks({ client: clients.stacks }, {})) {
      for (const { StackName, Outputs = [] } of Stacks) {
        if (StackName?.startsWith(`${prefix}-`)) {
          Outputs.forEach(({ OutputKey, OutputValue }) => (outputs[OutputKey!] = OutputValue!));
        }
      }
    }
    return new Workload(config, clients, prefix, outputs);
  }

  private constructor(
    private readonly config: Shape,
    private readonly clients: Clients,
    /** `<workload>-<stage>`. */
    public readonly prefix: string,
    private readonly outputs: Record<string, string>,
  ) {}

  /** Models that are trained and released. */
  public get models(): string[] {
    return Object.keys(this.config.endpoints).filter((name) => this.config.endpoints[name].model.training !== undefined);
  }

  /** Every model with an endpoint. */
  public get endpoints(): string[] {
    return Object.keys(this.config.endpoints);
  }

  /** Whether times of predictions are those of a replay, and not of the clock. */
  public get replayed(): boolean {
    return this.config.clock === 'replay';
  }

  public datasetOf(model: string): string {
    return this.config.endpoints[model].model.training!.dataset;
  }

  /** Datasets with a ledger. */
  public get datasets(): string[] {
    return Object.keys(this.outputs).flatMap((name) => (name.endsWith('Ledger') ? [name.slice(0, -'Ledger'.length)] : []));
  }

  /** Errors: `UnknownModel`. */
  public checkModel(model: string): void {
    if (!this.models.includes(model)) {
      const near = closest(model, this.models);
      const known = this.models.length === 0 ? 'none is trained' : `known: ${this.models.join(', ')}`;
      throw new Error(`UnknownModel: '${model}' is no trained model of ${this.prefix}: ${near ? `did you mean '${near}'?` : known}`);
    }
  }

  /** An output of one of its stacks. Errors: `NotDeployed`. */
  public output(name: string): string {
    const value = this.outputIfAny(name);
    if (value === undefined) {
      throw new Error(
        `NotDeployed: no stack of ${this.prefix} in ${this.clients.region} has the output '${name}': deploy it, or check --config, the Region and the credentials`,
      );
    }
    return value;
  }

  /** An output of one of its stacks; undefined when none has it. */
  public outputIfAny(name: string): string | undefined {
    // AWS CloudFormation names outputs with letters and digits alone.
    return this.outputs[name.replaceAll(/[^A-Za-z0-9]/g, '')];
  }

  /** The table of predictions; its stack names it in no output. Errors: `NotDeployed`. */
  public async predictionTable(): Promise<string> {
    const StackName = `${this.prefix}-integration`;
    for await (const { StackResourceSummaries = [] } of paginateListStackResources({ client: this.clients.stacks }, { StackName })) {
      const found = StackResourceSummaries.find(
        ({ ResourceType, LogicalResourceId }) =>
          ResourceType === 'AWS::DynamoDB::Table' && /BooksPredictions/.test(LogicalResourceId ?? ''),
      );
      if (found?.PhysicalResourceId !== undefined) {
        return found.PhysicalResourceId;
      }
    }
    throw new Error(`NotDeployed: ${StackName} has no table of predictions: deploy it`);
  }
}
