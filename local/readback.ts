import { AccountClient, runClient } from './account-client';
import { classOf, loadCoverage } from './coverage';

/** One resource that CloudFormation has and its service has not. */
export interface MissingResource {
  readonly stack: string;
  readonly type: string;
  readonly logicalId: string;
  readonly id: string;
  readonly problem: string;
}

/** What reading back found. */
export interface ReadBack {
  /** How many resources were read from their own service. */
  readonly read: number;
  readonly missing: MissingResource[];
  /** Types that no service can be asked for; each must be a stub in coverage.json. */
  readonly typesWithoutReader: string[];
}

/** Reads each resource of the stacks from its own service's API. */
export async function readBack(account: AccountClient, stacks: string[]): Promise<ReadBack> {
  const [report] = await runClient<ReadBack>(account, 'account.readback', stacks, 120);
  return report;
}

/** One sentence for each resource that is missing and each type that claims more than can be read. */
export function readBackProblems(report: ReadBack): string[] {
  const coverage = loadCoverage();
  return [
    ...report.missing.map((row) => `ResourceMissing: ${row.type} ${row.stack}/${row.logicalId} (${row.id}): ${row.problem}`),
    ...report.typesWithoutReader
      .filter((type) => classOf(coverage, type) !== 'stub')
      .map(
        (type) => `ResourceUnread: ${type} has no reader in local/account/readers.py, so its class in local/coverage.json must be 'stub'`,
      ),
  ];
}
