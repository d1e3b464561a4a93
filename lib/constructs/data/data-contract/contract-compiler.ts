import { CompiledContract, CompiledLimits } from './contract';
import { readColumns } from './contract-columns';
import { Part, part, parts, text } from './contract-document';
import { readCustomProperties } from './contract-custom';
import { readLimits } from './contract-limits';
import { ContractProblem, inWords, shown, withoutConsequences } from './contract-problem';
import { schemaProblems } from './contract-schema';
import { unreadTerms } from './contract-terms';
import { versionProblems } from './contract-version';

/** What a contract says. @internal */
export interface ReadContract {
  readonly compiled: CompiledContract;
  readonly limits: CompiledLimits;
  readonly owner: string;
  /** Columns that hold personal data. */
  readonly personalData: string[];
  /** Everything that is wrong, in words; then the rest says nothing. */
  readonly problems: string[];
}

/** Places of which we allow less than the standard and say so ourselves. */
const STRICTER = /^schema\[\d+\]\.properties\[\d+\]\.logicalType$/;

/** Prefix of the manifests in the validated zone. */
const RESERVED = 'datasets';

/** Reads a document of the Open Data Contract Standard. @internal */
export function readContract(value: unknown): ReadContract {
  const document = part(value);
  const read = readParts(document);
  const { format, nullTokens, maxQuarantinePercent, newlinesQuoted } = read.custom;
  const { columns, primaryKey, fileRules, personalData } = read.columns;
  return {
    compiled: {
      dataset: datasetOf(document).name,
      version: text(document.version) ?? '',
      ...{ format, columns, nullTokens, primaryKey },
      ...(newlinesQuoted === false && format === 'csv' ? { newlinesQuoted } : {}),
      // Left out when there are none: a contract that has none keeps its hash.
      ...(fileRules.length === 0 ? {} : { fileRules }),
    },
    limits: { ...read.limits, ...(maxQuarantinePercent === undefined ? {} : { maxQuarantinePercent }) },
    owner: text(part(document.team).name) ?? '',
    personalData,
    problems: problemsOf(value, read.problems).map(inWords),
  };
}

function readParts(document: Part) {
  const objects = parts(document.schema);
  const object = objects[0] ?? {};
  const { custom, problems: ofCustom } = readCustomProperties(document);
  const columns = readColumns(object, 'schema[0]', custom.nullTokens);
  const { limits, problems: ofLimits } = readLimits(document, text(object.name));
  const ofColumns = objects.length === 0 ? [] : columns.problems;
  return {
    custom,
    columns,
    limits,
    problems: [
      ...headProblems(document),
      ...unreadTerms(document, 'document', ''),
      ...objectProblems(objects),
      ...ofColumns,
      ...ofCustom,
      ...ofLimits,
    ],
  };
}

/** A document of another version means other things by its words: of that nothing more is said. */
function problemsOf(value: unknown, ours: readonly ContractProblem[]): ContractProblem[] {
  if (typeof value !== 'object' || value === null || Array.isArray(value)) {
    return [{ path: '', text: `must be object, got ${shown(value)}` }];
  }
  const { apiVersion } = value as Part;
  const ofVersion = versionProblems(apiVersion);
  if (ofVersion.length > 0) {
    return ofVersion;
  }
  return withoutConsequences(
    schemaProblems(value, apiVersion as string).filter(({ path }) => !STRICTER.test(path)),
    ours,
  );
}

function datasetOf(document: Part): { path: string; name: string } {
  const path = document.name === undefined ? 'id' : 'name';
  return { path, name: text(document[path]) ?? '' };
}

/** Name, version, owner. */
function headProblems(document: Part): ContractProblem[] {
  const problems: ContractProblem[] = [];
  const { path, name } = datasetOf(document);
  if (!/^[a-z0-9](-?[a-z0-9]){0,62}$/.test(name) || name === RESERVED) {
    const shape = `1 to 63 lower-case letters, digits and inner hyphens, not '${RESERVED}'`;
    problems.push({ path, text: `must be ${shape}, because it names the dataset in keys and metrics, got ${shown(name)}` });
  }
  if (text(document.version)?.trim() === '') {
    problems.push({ path: 'version', text: 'is empty: say which version of the contract this is' });
  }
  if (text(document.status)?.trim().toLowerCase() === 'retired') {
    problems.push({
      path: 'status',
      text: "is 'retired': nothing is taken in by such a contract; make it active, or leave out what uses it",
    });
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
    ? unreadTerms(objects[0], 'object', 'schema[0]')
    : [
        {
          path: 'schema',
          text: `must have one object, got ${objects.length}: write one contract for each, so that each has its own files`,
        },
      ];
}
