const DAY_MILLIS = 86_400_000;

/**
 * Makes texts of times whose date is asked of Date only once a day: times come in rows, and Date takes longer for one
 * than the rest of a listing's entry does.
 */
class TimeText {
  readonly #dateOf: (millis: number) => string;
  #day = Number.NaN;
  #date = "";

  constructor(dateOf: (millis: number) => string) {
    this.#dateOf = dateOf;
  }

  /** Up to the seconds: the date, then `hh:mm:ss`. */
  of(millis: number): string {
    const day = Math.floor(millis / DAY_MILLIS);
    if (day !== this.#day) {
      this.#date = this.#dateOf(day * DAY_MILLIS);
      this.#day = day;
    }
    const seconds = Math.floor((millis - day * DAY_MILLIS) / 1000);
    const minutes = Math.floor(seconds / 60);
    return `${this.#date}${digits(Math.floor(minutes / 60))}:${digits(minutes % 60)}:${digits(seconds % 60)}`;
  }
}

const ISO = new TimeText((millis) => new Date(millis).toISOString().slice(0, "2026-11-21T".length));
const HTTP = new TimeText((millis) => new Date(millis).toUTCString().slice(0, "Sat, 21 Nov 2026 ".length));

/** ISO 8601 as Date writes it, `2026-11-21T10:00:00.000Z`. Throws RangeError beyond the years 0 to 9999. */
export function isoTime(millis: number): string {
  const fraction = Math.trunc(millis) - Math.floor(millis / 1000) * 1000;
  return `${ISO.of(millis)}.${String(fraction).padStart(3, "0")}Z`;
}

/** The form that HTTP prefers (RFC 9110, section 5.6.7): `Sat, 21 Nov 2026 10:00:00 GMT`. */
export function httpDate(millis: number): string {
  return `${HTTP.of(millis)} GMT`;
}

function digits(number: number): string {
  return number < 10 ? `0${number}` : String(number);
}
