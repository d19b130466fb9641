import type { Clock } from "../../env/index.ts";
import { httpDate } from "../../std/time-text.ts";

// HTTP dates (RFC 9110, section 5.6.7): `Sun, 06 Nov 1994 08:49:37 GMT`, and the two older spellings that a server must
// read. Date.parse is not used: it takes far more than that, and reads some of it in the local time zone.

const MONTHS = ["jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec"];
const FIXED = /^(?:[A-Za-z]{3}, )?(\d{1,2}) ([A-Za-z]{3}) (\d{4}) (\d\d):(\d\d):(\d\d) (?:GMT|UTC|[+-]0000)$/;
const RFC_850 = /^[A-Za-z]{6,9}, (\d\d)-([A-Za-z]{3})-(\d\d) (\d\d):(\d\d):(\d\d) GMT$/;
const ASCTIME = /^[A-Za-z]{3} ([A-Za-z]{3}) ([ \d]\d) (\d\d):(\d\d):(\d\d) (\d{4})$/;
/** What some clients put into conditional headers: `2026-11-21T10:00:00Z`, with or without a fraction. */
const ISO = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):(\d\d):(\d\d)(?:\.\d+)?Z$/;

/** The Date header's value, built once a second. */
export class DateHeader {
  readonly #clock: Clock;
  #second = -1;
  #value = "";

  constructor(clock: Clock) {
    this.#clock = clock;
  }

  value(): string {
    const second = Math.floor(this.#clock.now() / 1000);
    if (second !== this.#second) {
      this.#second = second;
      this.#value = httpDate(second * 1000);
    }
    return this.#value;
  }
}

/** Milliseconds since 1970, or undefined where the text is no date; who reads a conditional header then ignores it. */
export function parseHttpDate(text: string): number | undefined {
  let match = FIXED.exec(text);
  if (match) return utcMillis(match[3]!, monthOf(match[2]!), match[1]!, match[4]!, match[5]!, match[6]!);
  match = ISO.exec(text);
  if (match) return utcMillis(match[1]!, Number(match[2]) - 1, match[3]!, match[4]!, match[5]!, match[6]!);
  match = RFC_850.exec(text);
  if (match) return utcMillis(fullYear(match[3]!), monthOf(match[2]!), match[1]!, match[4]!, match[5]!, match[6]!);
  match = ASCTIME.exec(text);
  if (match) return utcMillis(match[6]!, monthOf(match[1]!), match[2]!, match[3]!, match[4]!, match[5]!);
  return undefined;
}

function monthOf(name: string): number {
  return MONTHS.indexOf(name.toLowerCase());
}

/** Two digits name a year from 1970 to 2069. */
function fullYear(digits: string): string {
  return Number(digits) < 70 ? `20${digits}` : `19${digits}`;
}

/** `month` counts from 0. Undefined where the calendar has no such day or the day no such time. */
function utcMillis(
  year: string,
  month: number,
  day: string,
  hour: string,
  minute: string,
  second: string,
): number | undefined {
  const time = [Number(hour), Number(minute), Number(second)] as const;
  if (month < 0 || month > 11 || time[0] > 23 || time[1] > 59 || time[2] > 60) return undefined;
  const millis = Date.UTC(Number(year), month, Number(day), time[0], time[1], Math.min(time[2], 59));
  return new Date(millis).getUTCDate() === Number(day) ? millis : undefined;
}
