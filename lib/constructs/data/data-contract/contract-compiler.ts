import { CompiledContract } from '../contract';
import { readColumns } from './contract-columns';
import { Part, part, parts, text } from './contract-document';
import { readCustomProperties, readFreshness } from './contract-limits';
import { ContractProblem, inWords, shown, withoutConsequences } from './contract-problem';
import { schemaProblems } from './contract-schema';

/** What a contract says. @internal */
export interface ReadContract {
  readonly compiled: CompiledContract;
  readonly owner: string;
  /** Everything that is wrong, in words; then the rest says nothing. */
  readonly problems: string[];
}

const API_VERSION = 'v3.1.0';

/** Places of which we allow less than the standard and say so ourselves. */
const STRICTER = /^(apiVersion|schema\[\d+\]\.properties\[\d+\]\.logicalType)$/;

/** Prefix of the manifests in the validated zone. */
const RESERVED = 'datasets';

/** Reads a document of the Open Data Contract Standard. @internal */
export function readContract(value: unknown): ReadContract {
  const document = part(value);
  const objects = parts(document.schema);
  const object = objects[0] ?? {};
  const { custom, problems: ofCustom } = readCustomProperties(document);
  const { format, nullTokens, maxQuarantinePercent, newlinesQuoted } = custom;
  const { columns, primaryKey, problems: ofColumns } = readColumns(object, 'schema[0]', nullTokens);
  const { freshnessHours, problems: ofFreshness } = readFreshness(document, text(object.name));
  const ours = [
    ...headProblems(document),
    ...objectProblems(objects),
    ...(objects.length === 0 ? [] : ofColumns),
    ...ofCustom,
    ...ofFreshness,
  ];
  const ofSchema = schemaProblems(value).filter(({ path }) => !STRICTER.test(path));
  return {
    compiled: {
      dataset: datasetOf(document).name,
      version: text(document.version) ?? '',
      ...{ format, columns, nullTokens, primaryKey },
      ...(newlinesQuoted === false && format === 'csv' ? { newlinesQuoted } : {}),
      ...(maxQuarantinePercent === undefined ? {} : { maxQuarantinePercent }),
      ...(freshnessHours === undefined ? {} : { freshnessHours }),
    },
    owner: text(part(document.team).name) ?? '',
    problems: withoutConsequences(ofSchema, ours).map(inWords),
  };
}

function datasetOf(document: Part): { path: string; name: string } {
  const path = document.name === undefined ? 'id' : 'name';
  return { path, name: text(document[path]) ?? '' };
}

/** Name, version of the standard, owner. */
function headProblems(document: Part): ContractProblem[] {
  const problems: ContractProblem[] = [];
  if (document.apiVersion !== API_VERSION) {
    problems.push({
      path: 'apiVersion',
      text: `must be ${API_VERSION}, got ${shown(document.apiVersion ?? null)}: other versions are not read`,
    });
  }
  const { path, name } = datasetOf(document);
  if (!/^[a-z0-9](-?[a-z0-9]){0,62}$/.test(name) || name === RESERVED) {
    const shape = `1 to 63 lower-case letters, digits and inner hyphens, not '${RESERVED}'`;
    problems.push({ path, text: `must be ${shape}, because it names the dataset in keys and metrics, got ${shown(name)}` });
  }
  if (text(document.version)?.trim() === '') {
    problems.push({ path: 'version', text: 'is empty: say which version of the contract this is' });
  }
  if ((text(part(document.team).name) ?? '').trim() === '') {
    problems.push({ path: 'team.name', text: 'is missing: it names the team that owns the data' });
  }
  return problems;
}

function objectProblems(objects: readonly Part[]): ContractProblem[] {
  if (objects.length === 0) {
    return [{ path: 'schema', text: 'is missing or empty: say what a record must be' }];
  }
  return objects.length === 1
    ? []
    : [
        {
          path: 'schema',
          text: `must have one object, got ${objects.length}: write one contract for each, so that each has its own files`,
        },
      ];
}
