import type { CompiledColumn } from '../../lib/constructs/data/data-contract/contract';
import { charactersAt, numberAt, textAt } from '../intake/lexical';
import { binOf, binsOf } from './bins';
import { dayOf } from './event-days';

/** Different texts that are counted one by one, and the longest of them, in characters; a column with more or longer ones has no categories. */
export const MOST_CATEGORIES = 256;
export const LONGEST_CATEGORY = 64;

/** Sums stay exact in a number until they are about to leave the safe integers; one value is at most 2^53. */
const SAFE = 2 ** 53 - 1;

/** Counts the values of one column: exact, and the same in whatever order and parts they come. */
export interface ColumnCounter {
  /** Takes a value that is one: the bytes from `start` to before `end`. False when it has not the form of the column's type. */
  add(bytes: Uint8Array, start: number, end: number): boolean;
  /** What was counted, as it is stored. Nothing when no value came. */
  result(): object;
}

/** Of a column with personal data only how many values there are is told: a category, a smallest number or a first day is the value of a person. */
export function counterOf({ type }: CompiledColumn, personal: boolean): ColumnCounter {
  const counter = counterFor(type);
  return personal ? { add: (bytes, start, end) => counter.add(bytes, start, end), result: () => ({}) } : counter;
}

function counterFor(type: CompiledColumn['type']): ColumnCounter {
  switch (type) {
    case 'integer':
    case 'number':
      return new Numbers(type);
    case 'boolean':
      return new Booleans();
    case 'date':
    case 'timestamp':
      return new Days();
    default:
      return new Texts();
  }
}

class Numbers implements ColumnCounter {
  private readonly bins = new Map<number, number>();
  private minimum = Infinity;
  private maximum = -Infinity;
  private total = 0n;
  private part = 0;

  constructor(private readonly type: 'integer' | 'number') {}

  public add(bytes: Uint8Array, start: number, end: number): boolean {
    // Negative zero is zero.
    const value = numberAt(this.type, bytes, start, end) + 0;
    if (Number.isNaN(value)) {
      return false;
    }
    this.minimum = Math.min(this.minimum, value);
    this.maximum = Math.max(this.maximum, value);
    const bin = binOf(value);
    this.bins.set(bin, (this.bins.get(bin) ?? 0) + 1);
    if (this.type === 'integer') {
      if (Math.abs(this.part) + Math.abs(value) > SAFE) {
        this.total += BigInt(this.part);
        this.part = 0;
      }
      this.part += value;
    }
    return true;
  }

  public result(): object {
    const { minimum, maximum, type } = this;
    const sum = type === 'integer' ? { sum: String(this.total + BigInt(this.part)) } : {};
    return maximum < minimum ? {} : { minimum, maximum, ...sum, histogram: binsOf(this.bins) };
  }
}

class Booleans implements ColumnCounter {
  private readonly counts = [0, 0];

  public add(bytes: Uint8Array, start: number, end: number): boolean {
    const at = ['false', 'true'].indexOf(textAt(bytes, start, end));
    if (at >= 0) {
      this.counts[at]++;
    }
    return at >= 0;
  }

  public result(): object {
    return { false: this.counts[0], true: this.counts[1] };
  }
}

class Days implements ColumnCounter {
  private first?: string;
  private last?: string;
  private readonly months = new Map<string, number>();
  private readonly seen = new LastText(dayOfText);

  public add(bytes: Uint8Array, start: number, end: number): boolean {
    const day = this.seen.of(textAt(bytes, start, end));
    if (day === undefined) {
      return false;
    }
    this.first = this.first === undefined || day < this.first ? day : this.first;
    this.last = this.last === undefined || day > this.last ? day : this.last;
    const month = day.slice(0, 7);
    this.months.set(month, (this.months.get(month) ?? 0) + 1);
    return true;
  }

  public result(): object {
    return this.first === undefined
      ? {}
      : { first: this.first, last: this.last, months: [...this.months].sort(([a], [b]) => (a < b ? -1 : 1)) };
  }
}

const dayOfText = (text: string) => dayOf([text]);

/** Neighbouring records often have the same time. */
class LastText {
  private text = '';
  private answer?: string;

  constructor(private readonly ask: (text: string) => string | undefined) {}

  public of(text: string): string | undefined {
    if (text !== this.text) {
      this.answer = this.ask(text);
      this.text = text;
    }
    return this.answer;
  }
}

class Texts implements ColumnCounter {
  private shortest = Infinity;
  private longest = 0;
  private categories?: Map<string, number> = new Map();

  public add(bytes: Uint8Array, start: number, end: number): boolean {
    const length = charactersAt(bytes, start, end);
    this.shortest = Math.min(this.shortest, length);
    this.longest = Math.max(this.longest, length);
    if (this.categories !== undefined) {
      this.categories = length > LONGEST_CATEGORY ? undefined : counted(this.categories, textAt(bytes, start, end));
    }
    return true;
  }

  public result(): object {
    const { shortest, longest, categories } = this;
    if (longest < shortest) {
      return {};
    }
    const listed = categories && [...categories].sort(([a], [b]) => Buffer.compare(Buffer.from(a), Buffer.from(b)));
    return { shortest, longest, ...(listed === undefined ? {} : { categories: listed }) };
  }
}

/** The categories with one text more; undefined when there is no room for it. */
function counted(categories: Map<string, number>, text: string): Map<string, number> | undefined {
  const count = categories.get(text);
  return count === undefined && categories.size === MOST_CATEGORIES ? undefined : categories.set(text, (count ?? 0) + 1);
}
