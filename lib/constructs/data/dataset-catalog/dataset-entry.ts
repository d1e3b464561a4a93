import { Stack } from 'aws-cdk-lib';
import { CfnTable } from 'aws-cdk-lib/aws-dynamodb';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { DatasetEntry } from './contract';
import { DataIntake } from '../data-intake/data-intake';
import type { DatasetOptions } from './dataset-catalog';

/** A dataset of a catalogue. @internal */
export interface Dataset {
  readonly intake: DataIntake;
  readonly options: DatasetOptions;
  readonly asset: Asset;
}

/** A function's environment holds 4 KB (https://docs.aws.amazon.com/lambda/latest/dg/gettingstarted-limits.html); the rest of ours stays below 1 KB. */
const ENVIRONMENT_BYTES = 3072;

/** What the builder is told of a dataset. @internal */
export function entryOf({ intake, options, asset }: Dataset, queried: boolean): DatasetEntry {
  return { ledger: intake.ledger.tableName, contract: asset.s3ObjectKey, ...rulesOf(intake, options, queried) };
}

/** Problem when what the builder is told does not fit into its environment. @internal */
export function sizeProblems(datasets: readonly Omit<Dataset, 'asset'>[], queried: boolean): string[] {
  const bytes = datasets.reduce((sum, dataset) => sum + entryBytes(dataset, queried), 0);
  return bytes > ENVIRONMENT_BYTES
    ? [
        `${datasets.length} datasets need up to ${bytes} bytes of the builder's environment, which has ${ENVIRONMENT_BYTES}: make a second catalogue`,
      ]
    : [];
}

/** Length of what the builder is told of a dataset. AWS CloudFormation names a table `<stack>-<logical id>-<13 characters>`, at most 255. */
function entryBytes({ intake, options }: Omit<Dataset, 'asset'>, queried: boolean): number {
  const { dataset, ledger, contract } = intake;
  const stack = Stack.of(ledger);
  const tableName = Math.min(255, stack.stackName.length + stack.getLogicalId(ledger.node.defaultChild as CfnTable).length + 15);
  const entry = { ledger: '', contract: `${contract._hash}.json`, ...rulesOf(intake, options, queried) };
  return JSON.stringify([dataset, entry]).length + tableName;
}

function rulesOf({ contract }: DataIntake, { split }: DatasetOptions, queried: boolean): Omit<DatasetEntry, 'ledger' | 'contract'> {
  const { personalData, _hash } = contract;
  return {
    split: split?._rule,
    ...(personalData.length === 0 ? {} : { personalData }),
    ...(queried ? { query: _hash } : {}),
  };
}
