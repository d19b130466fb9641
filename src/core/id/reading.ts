export interface IdField {
  readonly name: string;
  readonly bits: number;
  readonly value: bigint;
}

/** One thing that an id may be. */
export interface IdReading {
  /** A layout's name, `ulid`, or `uuid` with its version: `uuid v7`. */
  readonly kind: string;
  readonly id: bigint;
  /** From the most significant. */
  readonly fields: readonly IdField[];
  /** Undefined where the id tells no time. */
  readonly timeMillis?: number;
  /** The same as a date, where the calendar has one. */
  readonly time?: string;
  readonly plausibility: "likely" | "unlikely";
  readonly why: string;
}

const DAY_MILLIS = 86_400_000;
/** What `Date` can hold. */
const DATE_MILLIS_MAX = 8.64e15;
/** A small number stands in every layout for a time right behind its epoch. */
const YOUNG_MILLIS = 30 * DAY_MILLIS;

/** What a reading's time says about it. Clocks of other machines may be a day off. */
export function judgeTime(
  timeMillis: number,
  nowMillis: number,
  epochMillis: number,
): Pick<IdReading, "timeMillis" | "time" | "plausibility" | "why"> {
  const isDate = Math.abs(timeMillis) <= DATE_MILLIS_MAX;
  const told = { timeMillis, ...(isDate && { time: new Date(timeMillis).toISOString() }) };
  if (timeMillis > nowMillis + DAY_MILLIS)
    return { ...told, plausibility: "unlikely", why: "Its time is in the future." };
  if (timeMillis < epochMillis + YOUNG_MILLIS) {
    return { ...told, plausibility: "unlikely", why: "Its time is within the first days after the epoch." };
  }
  return { ...told, plausibility: "likely", why: "Its time lies between the epoch and now." };
}
