/** What an online table and its writer share. This file imports nothing. */

/** What an online table keeps of a stream: the newest record, by event time, of each entity. */
export interface OnlineSpec {
  /** Columns that name the entity. */
  readonly entity: readonly string[];
  /** Column of the event time, a timestamp or a date, and numeric columns of minutes that are added to it. */
  readonly eventTime: string;
  readonly plusMinutes: readonly string[];
  /** Columns that the table holds. */
  readonly columns: readonly string[];
  /** Time that an entity is kept after its newest record arrived. */
  readonly keepSeconds: number;
  /** How far behind its arrival the event of a record may lie; one that lies further is not taken. */
  readonly aheadSeconds: number;
}
