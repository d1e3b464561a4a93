import { loadBlueprint } from '../../lib/config/load';
import type { BlueprintConfig } from '../../lib/config/schema';
import { DataContract } from '../../lib/constructs/data/data-contract/data-contract';

/** What the replayed flights need of a config: names that the demonstration sends its data to. */
export const DEMO = { dataset: 'flights', model: 'delay' } as const;

/**
 * Reads a config and its contracts for the demonstration. Errors: everything that is wrong with them, and what the replay of recorded flights
 * needs and does not find, before anything is started.
 */
export function demoConfig(file: string): BlueprintConfig {
  const config = loadBlueprint(file);
  const datasets = config.data.contracts.map((contract) => DataContract.fromFile(contract).dataset);
  const problems = [
    ...(config.clock === 'replay'
      ? []
      : ["'clock' must be 'replay': flights of 2013 are replayed, and real time would let every prediction expire"]),
    ...(DEMO.model in config.endpoints ? [] : [`'endpoints' needs '${DEMO.model}': the flights are sent to that model`]),
    ...(config.endpoints[DEMO.model] === undefined || config.endpoints[DEMO.model].model.training !== undefined
      ? []
      : [`'endpoints.${DEMO.model}.model' needs 'training': it is trained, released and undone`]),
    ...(datasets.includes(DEMO.dataset)
      ? []
      : [`'data.contracts' needs one with the name '${DEMO.dataset}', found ${datasets.join(', ')}`]),
  ];
  if (problems.length > 0) {
    throw new Error(`UnfitConfig: ${file} deploys, but not for this demonstration: ${problems.join('; ')}`);
  }
  return config;
}
