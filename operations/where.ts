import { contractsOf } from '../lib/config/dataset-rules';
import { loadBlueprint } from '../lib/config/load';
import { defaultClients } from './clients';
import { argumentsOf, ENVIRONMENT, runCommand } from './command';
import { printed } from './found';
import { Answer, Lookup } from './where-lookup';
import { Workload } from './workload';

const USAGE = `Usage: npm run where -- <thing> [options]

Says what is known of a thing: its state, its attempts, where its log is, what it came from (<-) and what came of it (->).

A thing is
  a model package    its ARN, or <model>/<version>: from its training run, dataset and files to its releases and endpoint
  a release          its entry in the release table: release#<time>#<execution>
  a prediction       its id, or <model>/<id>: the version that answered, and what that came from
  a file             its object key in the raw zone, or s3://<bucket>/<key>: the datasets, runs and versions that it is in
  a record           <dataset>?<column>=<value>&... with every column of the primary key: the files that it stands in, valid or in quarantine and
                     why, and the datasets in which it counts. Reads every accounted file of the dataset. '&' and '%' in a value: %26 and %25

Options:
  --json         for machines
  --config FILE  config file of the stage (default config/dev.yaml)

${ENVIRONMENT}`;

/** The text of an answer. Errors: `NotFound`, with every place that was looked at. */
export function textOf(thing: string, { found, looked }: Answer, json: boolean): string {
  if (found.length === 0) {
    throw new Error(`NotFound: '${thing}' is not known. Looked at\n${looked.map((place) => `  ${place}`).join('\n')}`);
  }
  return json ? JSON.stringify(found, null, 2) : found.flatMap((one) => printed(one)).join('\n');
}

async function main(args: string[]): Promise<number> {
  const { values, argument } = argumentsOf(args, { json: { type: 'boolean' }, config: { type: 'string' } }, USAGE);
  if (values.help === true) {
    console.log(USAGE);
    return 0;
  }
  const config = loadBlueprint((values.config as string | undefined) ?? 'config/dev.yaml');
  const contracts = contractsOf(config).map(({ _rules }) => _rules);
  const clients = await defaultClients(config.region);
  const answer = await new Lookup(clients, await Workload.find(config, clients), contracts).find(argument);
  console.log(textOf(argument, answer, values.json === true));
  return 0;
}

if (require.main === module) {
  runCommand(main);
}
