// Two spellings of time: `20130524T000000Z` in Signature Version 4, and the HTTP date `Fri, 24 May 2013 00:00:00 GMT`.
// Date.parse is not used: it takes far more than that, and reads some of it in the local time zone.

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const HTTP_DATE = /^(?:[A-Za-z]{3}, )?(\d{1,2}) ([A-Za-z]{3}) (\d{4}) (\d\d):(\d\d):(\d\d) (GMT|UTC|[+-]\d{4})$/;

/** Milliseconds since 1970 for `YYYYMMDDTHHMMSSZ`, or undefined. */
export function parseTimestamp(text: string): number | undefined {
  if (text.length !== 16 || text[8] !== "T" || text[15] !== "Z") return undefined;
  const month = digits(text, 4, 6);
  return utcMillis(digits(text, 0, 4), month - 1, digits(text, 6, 8), [
    digits(text, 9, 11),
    digits(text, 11, 13),
    digits(text, 13, 15),
  ]);
}

export function formatTimestamp(millis: number): string {
  const iso = new Date(millis).toISOString();
  return `${iso.slice(0, 4)}${iso.slice(5, 7)}${iso.slice(8, 13)}${iso.slice(14, 16)}${iso.slice(17, 19)}Z`;
}

/** Milliseconds since 1970 for an HTTP date (RFC 9110), also with the zone as `UTC` or `+0000`, as clients send it. */
export function parseHttpDate(text: string): number | undefined {
  const match = HTTP_DATE.exec(text);
  if (match === null) return undefined;
  const [, day, monthName, year, hour, minute, second, zone] = match;
  const month = MONTHS.indexOf(monthName!.toLowerCase());
  const local = utcMillis(Number(year), month, Number(day), [Number(hour), Number(minute), Number(second)]);
  return local === undefined ? undefined : local - zoneMillis(zone!);
}

function digits(text: string, from: number, to: number): number {
  let value = 0;
  for (let at = from; at < to; at++) {
    const digit = text.charCodeAt(at) - 48;
    if (digit < 0 || digit > 9) return Number.NaN;
    value = value * 10 + digit;
  }
  return value;
}

/** `month` counts from 0. Undefined before 1970, where the calendar has no such day or the day no such time. */
function utcMillis(year: number, month: number, day: number, time: readonly number[]): number | undefined {
  const [hour, minute, second] = time as [number, number, number];
  if (!(year >= 1970 && month >= 0 && month < 12 && hour < 24 && minute < 60 && second < 60)) return undefined;
  const millis = Date.UTC(year, month, day, hour, minute, second);
  return new Date(millis).getUTCDate() === day ? millis : undefined;
}

function zoneMillis(zone: string): number {
  if (zone === "GMT" || zone === "UTC") return 0;
  const minutes = Number(zone.slice(1, 3)) * 60 + Number(zone.slice(3, 5));
  return (zone[0] === "-" ? -minutes : minutes) * 60_000;
}
