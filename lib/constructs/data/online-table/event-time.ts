/**
 * When what a record tells of happened, computed from its columns. A record that lacks one of them has no event time, and neither has one whose minutes
 * lead, one after the other, further than 8.64e15 milliseconds from 1970, which is as far as a date of ECMAScript goes
 * (https://tc39.es/ecma262/#sec-time-values-and-time-range).
 */
export class EventTime {
  /**
   * The time in a column.
   *
   * @param name a column of type timestamp, or of type date, which means midnight UTC
   */
  public static column(name: string): EventTime {
    return new EventTime(name, []);
  }

  private constructor(
    /** @internal */
    public readonly _column: string,
    /** @internal */
    public readonly _plusMinutes: string[],
  ) {}

  /**
   * This time and the minutes in further columns.
   *
   * @param names columns of type integer or number
   */
  public plusMinutes(...names: string[]): EventTime {
    return new EventTime(this._column, [...this._plusMinutes, ...names]);
  }
}
