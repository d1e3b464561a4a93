import { CompiledContract } from '../../lib/constructs/data/data-contract/contract';
import { DatasetSplit } from '../../lib/constructs/data/dataset-catalog/contract';
import { textAt } from '../intake/lexical';
import type { ReadRecord } from './record-reader';

/** Days that are remembered by their text: data is mostly sorted, and a hostile file has as many times as records. */
const REMEMBERED = 10_000;
const TIMESTAMP = /^(\d{4}-\d\d-\d\d)T(\d\d:\d\d:\d\d)(?:\.\d+)?(Z|[+-]\d\d(?::?\d\d)?)$/;
const DATE = /^\d{4}-\d\d-\d\d$/;

/** The day in UTC, `yyyy-MM-dd`, of a date, of a timestamp with its zone, or of year, month and day; undefined when there is none. */
export function dayOf(texts: readonly string[]): string | undefined {
  if (texts.length === 3) {
    return existing(texts.every((text) => /^\d{1,4}$/.test(text)) ? calendarText(texts) : '');
  }
  const match = TIMESTAMP.exec(texts[0]);
  return match === null ? existing(texts[0]) : utcDay(match);
}

function calendarText([year, month, day]: readonly string[]): string {
  return `${year.padStart(4, '0')}-${month.padStart(2, '0')}-${day.padStart(2, '0')}`;
}

function existing(text: string): string | undefined {
  const time = DATE.test(text) ? Date.parse(`${text}T00:00:00Z`) : Number.NaN;
  return Number.isNaN(time) || new Date(time).toISOString().slice(0, 10) !== text || text < '0001' ? undefined : text;
}

function utcDay([, day, clock, zone]: RegExpExecArray): string | undefined {
  const digits = zone.slice(1).replace(':', '').padEnd(4, '0');
  const offset = zone === 'Z' ? 'Z' : `${zone[0]}${digits.slice(0, 2)}:${digits.slice(2)}`;
  const time = existing(day) === undefined ? Number.NaN : Date.parse(`${day}T${clock}${offset}`);
  return Number.isNaN(time) ? undefined : existing(new Date(time).toISOString().slice(0, 10));
}

/** Counts records by the day of their event. */
export class EventDays {
  /** Records by day. */
  public readonly counts = new Map<string, number>();
  /** Of the event times that are none the first in the order of texts; undefined when all are some. */
  public wrong?: string;
  private readonly columns: number[];
  private readonly days = new Map<string, string | undefined>();

  constructor({ columns }: CompiledContract, { eventTime }: DatasetSplit) {
    this.columns = eventTime.map((name) => columns.findIndex((column) => column.name === name));
  }

  public add({ fields: { bytes, starts, ends }, order }: ReadRecord): void {
    const texts = this.columns.map((column) => textAt(bytes, starts[order[column]], ends[order[column]]));
    const text = texts.join(',');
    const day = this.days.get(text) ?? this.remember(text, dayOf(texts));
    if (day !== undefined) {
      this.counts.set(day, (this.counts.get(day) ?? 0) + 1);
    } else if (this.wrong === undefined || text < this.wrong) {
      this.wrong = text;
    }
  }

  private remember(text: string, day: string | undefined): string | undefined {
    if (this.days.size < REMEMBERED) {
      this.days.set(text, day);
    }
    return day;
  }
}
