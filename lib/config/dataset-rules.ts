import { existsSync } from 'node:fs';
import { Duration } from 'aws-cdk-lib';
import { DataContract, EventTime, OnlineTableProps } from '../constructs/data';
import { columnProblems } from '../constructs/data/dataset-queries/query-table';
import { onlineTableProblems } from '../constructs/data/online-table/online-table';
import { orderProblems } from '../constructs/data/records-api/records-api';
import { fileRuleProblems } from '../constructs/data/stream-intake/stream-intake';
import { closest } from '../constructs/shared/checks';
import type { Problem } from './endpoint-rules';
import type { BlueprintConfig, MomentConfig, StreamConfig } from './schema';

/** Contracts that a file names and that are there. @internal */
export const contractsOf = ({ data }: BlueprintConfig): DataContract[] =>
  data.contracts.filter(existsSync).map((file) => DataContract.fromFile(file));

/** @internal */
export const momentOf = ({ column, plusMinutes }: MomentConfig): EventTime => EventTime.column(column).plusMinutes(...plusMinutes);

/** What a stream's online table is given of the file. @internal */
export const onlineOf = ({
  eventTime,
  entity,
  columns,
  keepHours,
}: NonNullable<StreamConfig['online']>): Omit<OnlineTableProps, 'source'> => ({
  ...{ eventTime: momentOf(eventTime), entity, columns },
  keepFor: Duration.hours(keepHours),
});

/** Streams are of datasets that there are, name columns that they have, and datasets that are queried fit a table. @internal */
export function datasetRules(config: BlueprintConfig): Problem[] {
  const contracts = contractsOf(config);
  return [...streamProblems(config, contracts), ...queryProblems(config, contracts)];
}

function streamProblems({ data }: BlueprintConfig, contracts: DataContract[]): Problem[] {
  return Object.entries(data.streams).flatMap(([dataset, { http, online }]): Problem[] => {
    const path = ['data', 'streams', dataset];
    const contract = contracts.find((known) => known.dataset === dataset);
    if (contract === undefined) {
      return [{ path, message: inNoContract(dataset, contracts) }];
    }
    return [
      ...fileRuleProblems(`'${dataset}'`, contract).map((message) => ({ path, message })),
      ...orderProblems(contract, http ?? {}).map((message) => ({ path: [...path, 'http'], message })),
      ...(online === undefined ? [] : onlineTableProblems(contract, onlineOf(online))).map((message) => ({
        path: [...path, 'online'],
        message,
      })),
    ];
  });
}

function queryProblems({ data, endpoints }: BlueprintConfig, contracts: DataContract[]): Problem[] {
  const path = ['data', 'queries'];
  if (data.queries === undefined) {
    return [];
  }
  return Object.keys(endpoints).length === 0
    ? [{ path, message: 'goes with a real-time endpoint: without one there are no datasets' }]
    : contracts.flatMap((contract) => columnProblems(contract._rules)).map((message) => ({ path, message }));
}

/** @internal */
export function inNoContract(dataset: string, contracts: DataContract[]): string {
  const known = contracts.map((contract) => contract.dataset);
  const near = closest(dataset, known);
  return `'${dataset}' is in no contract: ${near ? `did you mean '${near}'?` : `known: ${known.join(', ')}`}`;
}
