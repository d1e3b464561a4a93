import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { LEDGER } from '../lib/constructs/data/contract';
import type { Clients } from './clients';
import { executionLink } from './found';
import type { Workload } from './workload';

/** What somebody asks of an intake. */
export interface OperationInput {
  readonly operation: string;
  readonly dryRun: boolean;
  readonly reason: string;
  readonly requestedBy: string;
  readonly selection: object;
}

/** What an execution answers. */
export interface OperationReport {
  readonly id: string;
  readonly dataset: string;
  readonly operation: string;
  readonly dryRun: boolean;
  readonly contract: string;
  readonly startedAt: string;
  readonly endedAt: string;
  readonly interrupted?: string;
  readonly plan: { readonly totals: Readonly<Record<string, number>>; readonly first: readonly Readonly<Record<string, unknown>>[] };
  readonly before: Readonly<Record<string, unknown>>;
  readonly after?: Readonly<Record<string, unknown>>;
  readonly totals: Readonly<Record<string, number>>;
  readonly failed: readonly Readonly<Record<string, unknown>>[];
  readonly parts: number;
  readonly report: { readonly bucket: string; readonly key: string; readonly versionId?: string };
}

/** The machine of one intake. */
export class IntakeMachine {
  /** Errors: `UnknownDataset`, `NotDeployed`. */
  public static of(clients: Clients, workload: Workload, dataset: string | undefined): IntakeMachine {
    const known = workload.datasets;
    const meant = dataset ?? (known.length === 1 ? known[0] : undefined);
    if (meant === undefined || (known.length > 0 && !known.includes(meant.replaceAll('-', '')) && !known.includes(meant))) {
      const got = dataset === undefined ? `there are ${known.length}` : `there is no '${dataset}'`;
      throw new Error(`UnknownDataset: ${got}: name one with --dataset; known: ${known.join(', ')}`);
    }
    return new IntakeMachine(clients, meant, workload.output(`${meant}Operations`), workload.output(`${meant}Ledger`));
  }

  private constructor(
    private readonly clients: Clients,
    public readonly dataset: string,
    private readonly machine: string,
    private readonly ledger: string,
    public pause: () => Promise<unknown> = () => new Promise((resolve) => setTimeout(resolve, 1000)),
  ) {}

  /** Starts an execution and waits for its end. Errors: `OperationFailed` with what the machine says. */
  public async execute(input: OperationInput, say: (text: string) => void): Promise<OperationReport> {
    const start = new StartExecutionCommand({ stateMachineArn: this.machine, input: JSON.stringify(input) });
    const { executionArn } = await this.clients.machines.send(start);
    for (;;) {
      const { status, output, error, cause } = await this.clients.machines.send(new DescribeExecutionCommand({ executionArn }));
      if (status === 'SUCCEEDED') {
        return JSON.parse(output!) as OperationReport;
      }
      if (status !== 'RUNNING') {
        const link = executionLink(this.clients.region, executionArn!);
        throw new Error(`OperationFailed: ${status}: ${error ?? ''}: ${messageIn(cause)}: see ${link}`);
      }
      say(await this.progress(executionArn!));
      await this.pause();
    }
  }

  /** How far the execution is, as the ledger has it. */
  private async progress(executionArn: string): Promise<string> {
    const Key = { [LEDGER.key]: LEDGER.operation };
    const { Item } = await this.clients.tables.send(new GetCommand({ TableName: this.ledger, Key }));
    const { id, progress } = (Item ?? {}) as { id?: string; progress?: { totals: Record<string, number> } };
    const totals = id !== undefined && executionArn.endsWith(`:${id}`) ? Object.entries(progress?.totals ?? {}) : [];
    return totals.length === 0 ? 'looking' : totals.map(([name, value]) => `${name} ${value}`).join(', ');
  }
}

/** The message in what AWS Lambda says of an error. */
function messageIn(cause = ''): string {
  try {
    return (JSON.parse(cause) as { errorMessage?: string }).errorMessage ?? cause;
  } catch {
    return cause;
  }
}
