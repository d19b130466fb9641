/**
 * Milliseconds since 1970 of a date in one of the forms of the W3C's profile of ISO 8601 (a year; a month; a day; a day
 * with a time of minutes, seconds or fractions, and a zone), or of a count of seconds since 1970. A bare number of four
 * digits is a year.
 */
export function parseTime(text: string): number | undefined {
  if (text.length > 64) return undefined;
  const match = FORM.exec(text);
  if (match === null) return /^\d{5,15}(?:\.\d+)?$/.test(text) ? Number(text) * 1000 : undefined;
  const [year = 0, month = 1, day = 1, hour = 0, minute = 0, second = 0] = match
    .slice(1, 7)
    .map((digits) => (digits === undefined ? undefined : Number(digits)));
  const millis = Date.UTC(year, month - 1, day, hour, minute, second);
  if (!isReal(millis, { year, month, day, hour, minute, second })) return undefined;
  return millis + fraction(match[7]) - zoneMillis(match[8]);
}

const FORM = /^(\d{4})(?:-(\d\d)(?:-(\d\d)(?:T(\d\d):(\d\d)(?::(\d\d)(?:\.(\d+))?)?(Z|[+-]\d\d:\d\d))?)?)?$/;

interface Fields {
  readonly year: number;
  readonly month: number;
  readonly day: number;
  readonly hour: number;
  readonly minute: number;
  readonly second: number;
}

/** False for 30 February and 25 o'clock, which Date.UTC would carry over, and for years that it takes for 19xx. */
function isReal(millis: number, fields: Fields): boolean {
  const date = new Date(millis);
  return (
    date.getUTCFullYear() === fields.year &&
    date.getUTCMonth() === fields.month - 1 &&
    date.getUTCDate() === fields.day &&
    date.getUTCHours() === fields.hour &&
    date.getUTCMinutes() === fields.minute &&
    date.getUTCSeconds() === fields.second
  );
}

function fraction(digits: string | undefined): number {
  return digits === undefined ? 0 : Number(digits.padEnd(3, "0").slice(0, 3));
}

function zoneMillis(zone: string | undefined): number {
  if (zone === undefined || zone === "Z") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(4));
  return (zone.startsWith("-") ? -1 : 1) * minutes * 60_000;
}
