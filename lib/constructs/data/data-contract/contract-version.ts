import { ContractProblem, shown } from './contract-problem';
import v310 from './odcs-v3.1.0.json';

/**
 * The schemas of the standard that a contract may be written for, each from the tag of its version. A later minor version is one more line and
 * one more file; v3.1.0 is the last that the standard has published
 * (https://github.com/bitol-io/open-data-contract-standard/releases).
 *
 * @internal
 */
export const STANDARDS: Readonly<Record<string, object>> = { 'v3.1.0': v310 };

const LATEST = Object.keys(STANDARDS).at(-1)!;

/** What a document has to change on its way to v3.1.0 (https://github.com/bitol-io/open-data-contract-standard/blob/v3.1.0/CHANGELOG.md). */
const FROM_V3_0 =
  "'exclusiveMinimum' and 'exclusiveMaximum' are bounds, not true or false; 'team' is an object with 'name' and 'members'; " +
  "quality rules of type library name a 'metric' instead of a 'rule'; keys that the standard does not know go into 'customProperties'";
const FROM_V2 =
  "'uuid' is 'id', 'dataset' is 'schema' with 'name' and 'properties' instead of 'table' and 'columns', 'isNullable: false' is 'required: true', " +
  "'isPrimaryKey' and 'isUnique' are 'primaryKey' and 'unique', 'stakeholders' is 'team', 'column' of a service level is 'element'";

/** Why a contract's version of the standard is not read, with the step to one that is. @internal */
export function versionProblems(apiVersion: unknown): ContractProblem[] {
  if (typeof apiVersion === 'string' && Object.hasOwn(STANDARDS, apiVersion)) {
    return [];
  }
  const known = Object.keys(STANDARDS).join(', ');
  return [{ path: 'apiVersion', text: `must be one of ${known}, got ${shown(apiVersion ?? null)}: ${upgradeStep(apiVersion)}` }];
}

function upgradeStep(apiVersion: unknown): string {
  const version = String(apiVersion);
  if (apiVersion === undefined) {
    return `write 'apiVersion: ${LATEST}'`;
  }
  if (/^v3\.0\.\d+$/.test(version)) {
    return `write ${LATEST}, and then ${FROM_V3_0}`;
  }
  if (/^v2\.\d+\.\d+$/.test(version)) {
    return `write ${LATEST}, and then ${FROM_V2}; ${FROM_V3_0}`;
  }
  return /^v\d+\.\d+\.\d+/.test(version)
    ? `this library has no schema of that version: update the library, or write the contract for ${LATEST}`
    : `no version of the standard is written like that: write ${LATEST}`;
}
