/** Mistakes that tests switch on to prove that the simulation finds them. Production code never passes any. */
export const ID_BUGS = {
  "follow-clock-back": "A clock that is set back takes the generator's time with it.",
  "wrap-sequence": "A unit that is full begins again at its first id.",
  "ignore-window": "Ids are made beyond the reserved window.",
  "ignore-not-before": "Ids begin at the clock, wherever an earlier holder of the worker number ended.",
  "window-inclusive": "The unit in which the next window begins is used as well.",
  "ignore-ahead": "The logical time runs ahead of the clock without a bound.",
} as const;

export type IdBug = keyof typeof ID_BUGS;

export type IdBugs = ReadonlySet<IdBug>;
