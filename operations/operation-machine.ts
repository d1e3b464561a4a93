import { DescribeExecutionCommand, StartExecutionCommand } from '@aws-sdk/client-sfn';
import { GetCommand } from '@aws-sdk/lib-dynamodb';
import { LEDGER } from '../lib/constructs/data/contract';
import type { Clients } from './clients';
import { executionLink } from './found';
import type { Workload } from './workload';

/** What somebody asks of a machine of operations. */
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
  readonly reason: string;
  readonly requestedBy: string;
  readonly selection: Readonly<Record<string, unknown>>;
  readonly contract?: string;
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

/** A machine of operations, and where it says how far it is. */
export class OperationMachine {
  /** The one of an intake. Errors: `UnknownDataset`, `NotDeployed`. */
  public static ofIntake(clients: Clients, workload: Workload, dataset: string | undefined): OperationMachine {
    const known = workload.datasets;
    const meant = dataset ?? (known.length === 1 ? known[0] : undefined);
    if (meant === undefined || (known.length > 0 && !known.includes(meant.replaceAll('-', '')) && !known.includes(meant))) {
      const got = dataset === undefined ? `there are ${known.length}` : `there is no '${dataset}'`;
      throw new Error(`UnknownDataset: ${got}: name one with --dataset; known: ${known.join(', ')}`);
    }
    const [machine, ledger] = [workload.output(`${meant}Operations`), workload.output(`${meant}Ledger`)];
    return new OperationMachine(clients, { about: meant, machine, ledgers: [ledger], item: LEDGER.operation });
  }

  /** The one that withdraws data. Errors: `NotDeployed`. */
  public static ofRecall(clients: Clients, workload: Workload, about: string): OperationMachine {
    const ledgers = workload.datasets.map((dataset) => workload.output(`${dataset}Ledger`));
    return new OperationMachine(clients, { about, machine: workload.output('RecallMachine'), ledgers, item: LEDGER.withdrawing });
  }

  private constructor(
    private readonly clients: Clients,
    private readonly place: {
      readonly about: string;
      readonly machine: string;
      readonly ledgers: readonly string[];
      readonly item: string;
    },
    public pause: () => Promise<unknown> = () => new Promise((resolve) => setTimeout(resolve, 1000)),
  ) {}

  /** What its operations are about, for people. */
  public get about(): string {
    return this.place.about;
  }

  /** Starts an execution and waits for its end. Errors: `OperationRefused` and `OperationFailed` with what the machine says. */
  public async execute(input: OperationInput, say: (text: string) => void): Promise<OperationReport> {
    const start = new StartExecutionCommand({ stateMachineArn: this.place.machine, input: JSON.stringify(input) });
    const { executionArn } = await this.clients.machines.send(start);
    for (;;) {
      const { status, output, error, cause } = await this.clients.machines.send(new DescribeExecutionCommand({ executionArn }));
      if (status === 'SUCCEEDED') {
        return answerIn(output!);
      }
      if (status !== 'RUNNING') {
        const link = executionLink(this.clients.region, executionArn!);
        throw new Error(`OperationFailed: ${status}: ${error ?? ''}: ${messageIn(cause)}: see ${link}`);
      }
      say(await this.progress(executionArn!));
      await this.pause();
    }
  }

  /** How far the execution is, as the ledger of its dataset has it. */
  private async progress(executionArn: string): Promise<string> {
    for (const TableName of this.place.ledgers) {
      const Key = { [LEDGER.key]: this.place.item };
      const { Item } = await this.clients.tables.send(new GetCommand({ TableName, Key }));
      const { id, progress } = (Item ?? {}) as { id?: string; progress?: { totals: Record<string, number> } };
      const totals = id !== undefined && executionArn.endsWith(`:${id}`) ? Object.entries(progress?.totals ?? {}) : [];
      if (totals.length > 0) {
        return totals.map(([name, value]) => `${name} ${value}`).join(', ');
      }
    }
    return 'looking';
  }
}

/** A request that was refused changed nothing, and is no failure of the machine. Errors: `OperationRefused`. */
function answerIn(output: string): OperationReport {
  const answer = JSON.parse(output) as OperationReport & { refused?: string };
  if (answer.refused !== undefined) {
    throw new Error(`OperationRefused: ${answer.refused}`);
  }
  return answer;
}

/** The message in what AWS Lambda says of an error. */
function messageIn(cause = ''): string {
  try {
    return (JSON.parse(cause) as { errorMessage?: string }).errorMessage ?? cause;
  } catch {
    return cause;
  }
}
