import { CompiledContract, FileRule, holds } from '../../lib/constructs/data/data-contract/contract';
import { KeySet } from './key-set';
import { textAt } from './lexical';
import { PrimaryKey } from './primary-key';
import { nullTest } from './rules';

/** What a file rule counts, by the path of the rule. Sums over parts of a file are those of the file, but for what `_needsWholeFile` of the contract names. */
export type FileRuleCounts = Record<string, number>;

/** Whether an accepted record counts for a rule; the values are bytes of valid UTF-8. */
type Counted = (bytes: Uint8Array, starts: Int32Array, ends: Int32Array, order: Int32Array, record: number) => boolean;

/** Counts over the accepted records of one file. Memory: one key set per rule about duplicates. */
export class FileRuleCounter {
  /** Rules whose metric is counted here: rows are counted anyway. */
  public readonly counts: FileRuleCounts = {};
  /** Rules about duplicates: each has as many keys to compare as the file has valid records. */
  public readonly keySets: KeySet[] = [];
  private readonly rules: { path: string; counted: Counted }[];

  constructor(
    contract: CompiledContract,
    private readonly scratchFolder: string,
  ) {
    const counting = (contract.fileRules ?? []).filter(({ metric }) => metric !== 'rowCount');
    this.rules = counting.map((rule) => ({ path: rule.path, counted: this.counted(contract, rule) }));
    counting.forEach(({ path }) => (this.counts[path] = 0));
  }

  public get empty(): boolean {
    return this.rules.length === 0;
  }

  public add(bytes: Uint8Array, starts: Int32Array, ends: Int32Array, order: Int32Array, record: number): void {
    for (const { path, counted } of this.rules) {
      if (counted(bytes, starts, ends, order, record)) {
        this.counts[path]++;
      }
    }
  }

  public close(): void {
    this.keySets.forEach((keys) => keys.close());
  }

  private counted(contract: CompiledContract, rule: FileRule): Counted {
    const places = rule.columns.map((name) => contract.columns.findIndex((column) => column.name === name));
    const isNull = nullTest(contract.nullTokens);
    if (rule.metric === 'duplicateValues') {
      return this.duplicates(contract, rule, places, isNull);
    }
    const [place] = places;
    const fails = valueTest(rule);
    const nullsCount = rule.metric !== 'invalidValues';
    return (bytes, starts, ends, order) => {
      const [start, end] = [starts[order[place]], ends[order[place]]];
      return isNull(bytes, start, end) ? nullsCount : fails(bytes, start, end);
    };
  }

  /** Surplus records: of n equal ones, n - 1. One without value in a column equals no other. */
  private duplicates({ columns }: CompiledContract, rule: FileRule, places: number[], isNull: ReturnType<typeof nullTest>): Counted {
    const key = new PrimaryKey({ columns, primaryKey: rule.columns });
    const keys = new KeySet(this.scratchFolder);
    this.keySets.push(keys);
    return (bytes, starts, ends, order, record) => {
      if (places.some((place) => isNull(bytes, starts[order[place]], ends[order[place]]))) {
        return false;
      }
      key.read(bytes, starts, ends, order);
      return keys.add(key.words, key.length, record) !== undefined;
    };
  }
}

/** Whether a value that is one counts for a rule. */
function valueTest({ metric, missing, allowed, pattern }: FileRule): (bytes: Uint8Array, start: number, end: number) => boolean {
  if (metric === 'nullValues') {
    return () => false;
  }
  if (metric === 'missingValues') {
    const texts = new Set(missing ?? []);
    return texts.size === 0 ? () => false : (bytes, start, end) => texts.has(textAt(bytes, start, end));
  }
  const expression = pattern === undefined ? undefined : new RegExp(pattern, 'u');
  const values = allowed === undefined ? undefined : new Set(allowed);
  return (bytes, start, end) => {
    const text = textAt(bytes, start, end);
    return values?.has(text) === false || expression?.test(text) === false;
  };
}

/** Why a file with these counts breaks its contract, every rule at once; undefined when it does not. Its values stand in no reason. */
export function brokenFileRules(
  { fileRules = [] }: Pick<CompiledContract, 'fileRules'>,
  { valid, byFileRule = {} }: { readonly valid: number; readonly byFileRule?: FileRuleCounts },
): string | undefined {
  const broken = fileRules.flatMap((rule) => {
    const count = rule.metric === 'rowCount' ? valid : byFileRule[rule.path];
    const percent = valid === 0 ? 0 : (100 * count) / valid;
    return holds(rule, rule.unit === 'percent' ? percent : count) ? [] : [breach(rule, count, percent, valid)];
  });
  const more = broken.length > LISTED ? [`and ${broken.length - LISTED} more`] : [];
  return broken.length === 0 ? undefined : `the file breaks its contract: ${[...broken.slice(0, LISTED), ...more].join('; ')}`;
}

/** Rules that a reason lists at most: it must fit into a ledger row. */
const LISTED = 10;

function breach({ metric, columns, unit, operator, limits, path }: FileRule, count: number, percent: number, valid: number): string {
  const what = columns.length === 0 ? metric : `${metric} of ${columns.map((name) => `'${name.slice(0, 40)}'`).join(', ')}`;
  const found = unit === 'percent' ? `${Number(percent.toPrecision(6))} percent` : `${count}`;
  const of = metric === 'rowCount' ? '' : ` (${count} of ${valid} valid records)`;
  return `${what} is ${found}${of}, ${operator} ${limits.join(' and ')} [${path}]`;
}
