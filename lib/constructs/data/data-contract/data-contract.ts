import { createHash } from 'node:crypto';
import { existsSync, readFileSync, statSync } from 'node:fs';
import { Duration } from 'aws-cdk-lib';
import { parseDocument } from 'yaml';
import { failOnFile } from '../../shared/checks';
import { CompiledContract } from '../contract';
import { readContract } from './contract-compiler';

/**
 * What a record must be, who owns the data and how old it may get: a document of the Open Data Contract Standard v3.1.0
 * (https://bitol-io.github.io/open-data-contract-standard/v3.1.0/).
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
    const { compiled, owner, problems: found } = readContract(document);
    failOnFile(path, 'InvalidDataContract', found);
    return new DataContract(path, compiled, owner);
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
  /** Share of a file's records in quarantine above which the owner is told, percent; undefined when the contract does not limit it. */
  public readonly maxQuarantinePercent?: number;
  /** What the validator reads. @internal */
  public readonly _json: string;
  /** SHA-256 of that, hexadecimal: what a file was judged by. @internal */
  public readonly _hash: string;

  private constructor(
    private readonly path: string,
    { maxQuarantinePercent, freshnessHours, ...rules }: CompiledContract,
    owner: string,
  ) {
    this.dataset = rules.dataset;
    this.version = rules.version;
    this.owner = owner;
    this.primaryKey = [...rules.primaryKey];
    this.freshness = freshnessHours === undefined ? undefined : Duration.hours(freshnessHours);
    this.maxQuarantinePercent = maxQuarantinePercent;
    // Without the limits of alarms: another limit does not judge records otherwise.
    this._json = JSON.stringify(rules);
    this._hash = createHash('sha256').update(this._json).digest('hex');
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
