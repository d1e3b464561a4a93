const MICROS_PER_SECOND = 1_000_000n;
const SECONDS_PER_DAY = 86_400;
const DATE = /^(\d{4})-(\d\d)-(\d\d)$/;
const TIMESTAMP = /^(\d{4}-\d\d-\d\d)T(\d\d):(\d\d):(\d\d)(?:\.(\d+))?(?:Z|([+-])(\d\d):?(\d\d)?)$/;

/** Days from 1970-01-01 to a day that exists, `yyyy-MM-dd`, in the Gregorian calendar. */
export function dayOf(text: string): number {
  const [, year, month, day] = DATE.exec(text) ?? [];
  const date = new Date(0);
  date.setUTCFullYear(Number(year), Number(month) - 1, Number(day));
  return checked(date.getTime() / 1000 / SECONDS_PER_DAY, text);
}

/** Microseconds from 1970-01-01T00:00:00Z to a timestamp with its zone; what is finer than a microsecond is cut off. */
export function microsOf(text: string): bigint {
  const [, day, hours, minutes, seconds, fraction = '', sign, zoneHours, zoneMinutes = '0'] = TIMESTAMP.exec(text) ?? [];
  const offset = sign === undefined ? 0 : (sign === '-' ? -60 : 60) * (60 * Number(zoneHours) + Number(zoneMinutes));
  const clock = 3600 * Number(hours) + 60 * Number(minutes) + Number(seconds);
  const whole = checked(dayOf(day ?? text) * SECONDS_PER_DAY + clock - offset, text);
  return BigInt(whole) * MICROS_PER_SECOND + BigInt(fraction.slice(0, 6).padEnd(6, '0'));
}

/** The text of a day. */
export function dayText(days: number): string {
  return new Date(days * SECONDS_PER_DAY * 1000).toISOString().slice(0, 10);
}

const [FIRST, END] = [microsOf('0001-01-01T00:00:00Z'), microsOf('9999-12-31T23:59:59Z') + MICROS_PER_SECOND];
/** The widest zone that a timestamp may have. */
const ZONE = '23:59';

/** A text of an instant: in UTC, unless it has none in the years 0001 to 9999 and was sent with a zone in which it has. */
export function instantText(micros: bigint): string {
  const zone = micros < FIRST ? `+${ZONE}` : micros >= END ? `-${ZONE}` : 'Z';
  const shift = zone === 'Z' ? 0n : microsOf(`1970-01-01T00:00:00${zone}`);
  const local = micros - shift;
  const seconds = (local - (((local % MICROS_PER_SECOND) + MICROS_PER_SECOND) % MICROS_PER_SECOND)) / MICROS_PER_SECOND;
  const fraction = local - seconds * MICROS_PER_SECOND;
  const text = new Date(Number(seconds) * 1000).toISOString().slice(0, 19);
  return `${text}${fraction === 0n ? '' : `.${String(fraction).padStart(6, '0')}`}${zone}`;
}

/** The checks of a contract let nothing else through; if they ever do, no wrong value may be written for it. */
function checked(value: number, text: string): number {
  if (!Number.isInteger(value)) {
    throw new Error(`UnknownForm: a date or time of ${text.length} characters was accepted that cannot be read: report this as a fault`);
  }
  return value;
}
