import type { Placeable } from "./demand.ts";
import type { State } from "./models/model.ts";

/**
 * A smallest violation with what it needs to be understood: for each operation that found a value, the last one that could have brought
 * that value, unless one is there already. It stays a violation, since they happened: it was one whether they had or not.
 */
export function withSources<Item extends Placeable>(
  least: readonly Item[],
  all: readonly Item[],
  initial: State,
): readonly Item[] {
  const shown = new Set(least);
  for (const item of least) {
    const wanted = item.transition.wants ?? item.transition.needs;
    if (wanted === undefined || wanted === initial) continue;
    const isSource = (other: Item): boolean => {
      const offered = other.transition.offers ?? other.transition.makes;
      return other !== item && offered === wanted && other.start < item.end;
    };
    if ([...shown].some(isSource)) continue;
    const source = all.findLast(isSource);
    if (source !== undefined) shown.add(source);
  }
  return [...shown].sort((left, right) => left.start - right.start);
}
