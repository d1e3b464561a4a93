import { readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { DATA_ENV } from '../lib/constructs/data/contract';
import { CompiledContract } from '../lib/constructs/data/data-contract/contract';
import { versionObjections } from '../lib/constructs/data/data-contract/contract-changes';
import { assetFile, Subject } from './assembly';
import { Finding } from './check';
import { literal, ofType } from './template';

/** The contract of an intake, as its functions read it, and one of those. */
interface Deployed {
  readonly resource: string;
  readonly contract: CompiledContract;
}

/**
 * Changes of data contracts from a deployed assembly to the next that their versions do not allow: what was valid may be so no more, and
 * whoever sends or reads the data is told by the version alone.
 */
export function refusedContracts(deployed: Subject[], next: Subject[]): Finding[] {
  return deployed.flatMap((subject) => {
    const after = next.find(({ stack }) => stack === subject.stack);
    const [was, is] = [contractsOf(subject), after === undefined ? new Map<string, Deployed>() : contractsOf(after)];
    return [...was].flatMap(([dataset, { contract }]) => {
      const other = is.get(dataset);
      const objections = other === undefined ? [] : versionObjections(contract, other.contract);
      return objections.map((text) => ({
        check: 'contracts',
        stack: subject.stack,
        resource: other!.resource,
        problem: `contract of '${dataset}': ${text}`,
      }));
    });
  });
}

/** By dataset. Errors: an assembly that lacks the file of a contract which its template names. */
function contractsOf({ file, template }: Subject): Map<string, Deployed> {
  const found = new Map<string, Deployed>();
  for (const [resource, { Properties }] of ofType(template, 'AWS::Lambda::Function')) {
    const variables = Properties.Environment?.Variables ?? {};
    const [key, hash] = [literal(variables[DATA_ENV.contractKey]), literal(variables[DATA_ENV.contractHash])];
    if (key === undefined || hash === undefined) {
      continue;
    }
    const path = assetFile(dirname(file), key);
    if (path === undefined) {
      throw new Error(`MissingContract: ${file} names the contract ${key}, but its assembly does not have it: give the whole folder`);
    }
    const contract = JSON.parse(readFileSync(path, 'utf8')) as CompiledContract;
    found.set(contract.dataset, found.get(contract.dataset) ?? { resource, contract });
  }
  return found;
}
