// Makes a violation small enough to be looked at. An operation is never just left out: without its write any read looks wrong. It is
// relaxed instead: a read is dropped, anything else becomes one of unknown outcome, which may have happened at any later time or never.
// Every order of the whole history is an order of the relaxed one, so what is still a violation then is one of the whole history. In the
// end the relaxed operations are left out: that they never happened is one of the cases that were ruled out.

export interface MinimizeParts<Item> {
  /** A place that a violation reaches beyond: everything that ended before it can be explained. */
  readonly furthest: number;
  relax(item: Item): Item | undefined;
  /** Tells only of what it can prove. */
  isViolation(items: readonly Item[]): boolean;
  isOver(): boolean;
}

interface Interval {
  readonly start: number;
  readonly end: number;
}

/** The items that are a violation by themselves: none of them could be relaxed. Fewer tries are made where the time is over. */
export function minimizeViolation<Item extends Interval>(
  items: readonly Item[],
  parts: MinimizeParts<Item>,
): readonly Item[] {
  const prefix = shortestPrefix(items, parts);
  const certain = prefix.filter(isCertain);
  const open = prefix.filter((item) => !isCertain(item));
  // What is a violation with the relaxed ones is one without them.
  return leastNeeded(lastOf(certain, open, parts), open, certain, parts);
}

/** Like it, where a violation may need what comes later: for consistency without real time. */
export function minimizeAnywhere<Item extends Interval>(
  items: readonly Item[],
  parts: Omit<MinimizeParts<Item>, "furthest">,
): readonly Item[] {
  const certain = items.filter(isCertain);
  const open = items.filter((item) => !isCertain(item));
  return leastNeeded(certain, open, certain, { ...parts, furthest: 0 });
}

/** Violations end early: nothing after the event that can not be explained is part of one. */
function shortestPrefix<Item extends Interval>(items: readonly Item[], parts: MinimizeParts<Item>): readonly Item[] {
  const ends = items.map(({ end }) => end).filter(Number.isFinite);
  ends.sort((left, right) => left - right);
  let proven = ends.length - 1;
  const near = ends.findIndex((end) => end >= parts.furthest);
  let low = Math.max(0, near);
  // The violation is near the furthest place: look there first, with short prefixes.
  for (let at = low, width = 1; at < proven && !parts.isOver(); at += width, width *= 2) {
    if (parts.isViolation(prefixOf(items, ends[at]!, parts))) proven = at;
    else low = at + 1;
  }
  while (low < proven && !parts.isOver()) {
    const middle = (low + proven) >> 1;
    if (parts.isViolation(prefixOf(items, ends[middle]!, parts))) proven = middle;
    else low = middle + 1;
  }
  return prefixOf(items, ends[proven]!, parts);
}

/** What clients had seen at a place. */
function prefixOf<Item extends Interval>(items: readonly Item[], place: number, parts: MinimizeParts<Item>): Item[] {
  const seen: Item[] = [];
  for (const item of items) {
    if (item.start > place) continue;
    const kept = item.end <= place || !isCertain(item) ? item : parts.relax(item);
    if (kept !== undefined) seen.push(kept);
  }
  return seen;
}

/** The last of the certain ones, as few as are enough, in steps of twice as many. */
function lastOf<Item extends Interval>(
  certain: readonly Item[],
  open: readonly Item[],
  parts: MinimizeParts<Item>,
): readonly Item[] {
  const byEnd = certain.toSorted((left, right) => left.end - right.end);
  for (let count = 4; count < certain.length && !parts.isOver(); count *= 2) {
    const last = new Set(byEnd.slice(-count));
    if (parts.isViolation(withOthersRelaxed(last, certain, open, parts))) return byEnd.slice(-count);
  }
  return byEnd;
}

/** Delta debugging (Zeller): relaxes halves, then quarters, down to single ones, as long as it stays a violation. */
function leastNeeded<Item extends Interval>(
  candidates: readonly Item[],
  open: readonly Item[],
  certain: readonly Item[],
  parts: MinimizeParts<Item>,
): readonly Item[] {
  let needed = candidates;
  let size = Math.ceil(needed.length / 2);
  while (size >= 1 && needed.length > 1) {
    let isSmaller = false;
    for (let at = 0; at < needed.length && !parts.isOver(); ) {
      const rest = [...needed.slice(0, at), ...needed.slice(at + size)];
      if (parts.isViolation(withOthersRelaxed(new Set(rest), certain, open, parts))) {
        needed = rest;
        isSmaller = true;
      } else at += size;
    }
    if (parts.isOver()) break;
    if (size > 1) size = Math.ceil(size / 2);
    else if (!isSmaller) break;
  }
  return needed.toSorted(byStart);
}

function withOthersRelaxed<Item extends Interval>(
  kept: ReadonlySet<Item>,
  certain: readonly Item[],
  open: readonly Item[],
  parts: MinimizeParts<Item>,
): Item[] {
  const whole = [...open];
  for (const item of certain) {
    const relaxed = kept.has(item) ? item : parts.relax(item);
    if (relaxed !== undefined) whole.push(relaxed);
  }
  return whole.sort(byStart);
}

function byStart(left: Interval, right: Interval): number {
  return left.start - right.start;
}

function isCertain({ end }: Interval): boolean {
  return end !== Number.POSITIVE_INFINITY;
}
