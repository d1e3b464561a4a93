import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { Duration } from 'aws-cdk-lib';
import { parseDocument } from 'yaml';
import { failOnFile } from '../../shared/checks';
import { CompiledContract, CompiledLimits } from './contract';
import { readContract, ReadContract } from './contract-compiler';

/**
 * What a record and a file must be, who owns the data, how much of it must come and how old it may get: a document of the Open Data Contract
 * Standard v3.1.0 (https://bitol-io.github.io/open-data-contract-standard/v3.1.0/). What the standard leaves open is fixed in
 * docs/contract-semantics.md.
 */
export class DataContract {
  /**
   * Reads a contract, YAML or JSON, and checks it: against the schema of the standard, then for what that lets pass although it means
   * nothing (a column twice, an empty range, a pattern that is no regular expression, a rule that nobody can check).
   *
   * Errors: one that names every problem by its place in the document.
   *
   * @param path the file, relative to the working directory
   */
  public static fromFile(path: string): DataContract {
    const { document, problems } = parse(path);
    failOnFile(path, 'InvalidDataContract', problems);
    const read = readContract(document);
    failOnFile(path, 'InvalidDataContract', read.problems);
    return new DataContract(path, read);
  }

  /** Name of the dataset: the contract's `name`, or its `id` when it has none. */
  public readonly dataset: string;
  /** Version of the contract. */
  public readonly version: string;
  /** Team that owns the data. */
  public readonly owner: string;
  /** Columns that identify a record, in their order; none when the contract names no primary key. */
  public readonly primaryKey: string[];
  /** Time without an accepted file after which the owner is told; undefined when the contract does not limit it. */
  public readonly freshness?: Duration;
  /** Time from the arrival of a file until it is final after which the owner is told, at most an hour; undefined when the contract does not limit it. */
  public readonly latency?: Duration;
  /** Valid records that must come in every `minimumRowsPeriod`; undefined when the contract does not limit it. */
  public readonly minimumRows?: number;
  /** Period of `minimumRows`. */
  public readonly minimumRowsPeriod?: Duration;
  /** Share of a file's records in quarantine above which the owner is told, percent; undefined when the contract does not limit it. */
  public readonly maxQuarantinePercent?: number;
  /** Columns that hold personal data, by their classification. */
  public readonly personalData: string[];
  /** What the validator reads. @internal */
  public readonly _rules: CompiledContract;
  /** The same as the text of a file. @internal */
  public readonly _json: string;
  /** SHA-256 of that, hexadecimal: what a file was judged by. @internal */
  public readonly _hash: string;
  /** The limits of its alarms: another limit does not judge records otherwise, so no hash has them. @internal */
  public readonly _limits: CompiledLimits;
  /**
   * Rules that counts over parts of a file do not judge, by their places: duplicates beside the primary key, of which a part knows only its
   * own. Of other rules the counts of the parts add up. @internal
   */
  public readonly _needsWholeFile: string[];

  private constructor(
    private readonly path: string,
    { compiled, limits, owner, personalData }: ReadContract,
  ) {
    const { freshnessHours, latencySeconds, throughput } = limits;
    this.dataset = compiled.dataset;
    this.version = compiled.version;
    this.owner = owner;
    this.primaryKey = [...compiled.primaryKey];
    this.freshness = freshnessHours === undefined ? undefined : Duration.hours(freshnessHours);
    this.latency = latencySeconds === undefined ? undefined : Duration.seconds(latencySeconds);
    this.minimumRows = throughput?.rows;
    this.minimumRowsPeriod = throughput === undefined ? undefined : Duration.hours(throughput.hours);
    this.maxQuarantinePercent = limits.maxQuarantinePercent;
    this.personalData = [...personalData];
    this._rules = compiled;
    this._limits = limits;
    this._json = JSON.stringify(compiled);
    this._hash = createHash('sha256').update(this._json).digest('hex');
    this._needsWholeFile = (compiled.fileRules ?? []).filter(({ metric }) => metric === 'duplicateValues').map(({ path: place }) => place);
  }

  /** The file that this contract was read from. */
  public toString(): string {
    return this.path;
  }
}

function parse(path: string): { document?: unknown; problems: string[] } {
  if (!existsSync(path) || !statSync(path).isFile()) {
    return { problems: ['the file does not exist: give the path of a contract, relative to the working directory'] };
  }
  const parsed = parseDocument(readFileSync(path, 'utf8'));
  if (parsed.errors.length > 0) {
    return { problems: parsed.errors.map(({ message }) => `the file is no YAML: ${message.split('\n')[0].replace(/:$/, '')}`) };
  }
  try {
    return { document: parsed.toJS(), problems: [] };
  } catch (error) {
    return { problems: [`the file is no YAML: ${(error as Error).message}`] };
  }
}
