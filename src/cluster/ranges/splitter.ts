// Which range is to be split or merged next, by how large and how busy the ranges are. What is split has to be far from
// what is merged, and what a moment shows is not enough: else ranges go to and fro.

import { equalBytes } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { decodeKeyBound, type RangeRow, ROOT_GROUP, type Store } from "../../store/index.ts";
import { isPassing } from "../reconfigurer.ts";
import { GROUPS_MAX } from "./group-keeper.ts";
import type { GroupView, GroupViews } from "./group-views.ts";
import type { Layout } from "./layout.ts";
import { mergeRange, splitRange } from "./range-changes.ts";

export interface SplitterLimits {
  readonly rangeBytesMax: number;
  readonly rangeCommitsPerSecondMax: number;
}

/** What a node of today takes from one group with room to spare. */
export const RANGE_COMMITS_PER_SECOND_MAX = 8_000;

/** A busy range is split, and small ones are merged, once they were so for so many looks. */
const LOOKS_MIN = 3;
/** Of the limits, what two neighbours may come to together when they are merged. */
const MERGED_PART = 1 / 4;

export type Balancing =
  | { readonly kind: "split"; readonly key: Uint8Array; readonly reason: string }
  | { readonly kind: "merge"; readonly key: Uint8Array; readonly into: "left" | "right"; readonly reason: string };

interface LoadedRange extends RangeRow {
  readonly bytes: number | undefined;
  readonly middle: Uint8Array | undefined;
  readonly commitsPerSecond: number;
}

/** Remembers from look to look what has lasted how long. */
export class Balance {
  readonly #limits: SplitterLimits;
  #looks = new Map<string, number>();

  constructor(limits: SplitterLimits) {
    this.#limits = limits;
  }

  /** Undefined where all is well, or not enough is known. */
  next(layout: Layout, views: readonly GroupView[]): Balancing | undefined {
    const ranges = layout.map.ranges.map((range) => loaded(range, views));
    const lasting = new Map<string, number>();
    const hasLasted = (what: string): boolean => {
      const looks = (this.#looks.get(what) ?? 0) + 1;
      lasting.set(what, looks);
      return looks >= LOOKS_MIN;
    };
    const found = [...this.#splits(layout, ranges, hasLasted), ...this.#merges(ranges, hasLasted)];
    this.#looks = lasting;
    return found[0];
  }

  *#splits(layout: Layout, ranges: readonly LoadedRange[], hasLasted: (what: string) => boolean): Generator<Balancing> {
    const { rangeBytesMax, rangeCommitsPerSecondMax } = this.#limits;
    const crowded = layout.groups.length >= GROUPS_MAX;
    for (const { group, bytes = 0, middle, commitsPerSecond } of ranges) {
      if (middle === undefined || crowded) continue;
      if (bytes > rangeBytesMax) yield { kind: "split", key: middle, reason: `It holds ${bytes} bytes.` };
      const isBusy = commitsPerSecond > rangeCommitsPerSecondMax && hasLasted(`busy ${group}`);
      if (isBusy) yield { kind: "split", key: middle, reason: `It takes ${commitsPerSecond} commits a second.` };
    }
  }

  *#merges(ranges: readonly LoadedRange[], hasLasted: (what: string) => boolean): Generator<Balancing> {
    for (const [at, right] of ranges.entries()) {
      const left = ranges[at - 1];
      if (left === undefined || !this.#isLittle(left, right)) continue;
      if (!hasLasted(`little ${left.group} ${right.group}`)) continue;
      const reason = `It and its neighbour hold ${left.bytes! + right.bytes!} bytes.`;
      // The root group stays; else the smaller one goes, which takes less time.
      const goesRight = right.group === ROOT_GROUP || (left.group !== ROOT_GROUP && left.bytes! < right.bytes!);
      if (goesRight) yield { kind: "merge", key: decodeKeyBound(left.from), into: "right", reason };
      else yield { kind: "merge", key: decodeKeyBound(right.from), into: "left", reason };
    }
  }

  #isLittle(left: LoadedRange, right: LoadedRange): boolean {
    if (left.bytes === undefined || right.bytes === undefined) return false;
    const { rangeBytesMax, rangeCommitsPerSecondMax } = this.#limits;
    const commits = left.commitsPerSecond + right.commitsPerSecond;
    return left.bytes + right.bytes < rangeBytesMax * MERGED_PART && commits < rangeCommitsPerSecondMax * MERGED_PART;
  }
}

export interface SplitterOptions {
  readonly root: Store;
  readonly views: Pick<GroupViews, "all">;
  /** That may lead a group. */
  readonly nodes: () => readonly number[];
  readonly limits: SplitterLimits;
}

/** On whoever leads the root group. */
export class Splitter {
  readonly #options: SplitterOptions;
  readonly #balance: Balance;

  constructor(options: SplitterOptions) {
    this.#options = options;
    this.#balance = new Balance(options.limits);
  }

  /** Asks for one change at most. */
  async look(layout: Layout): Promise<void> {
    const { root, views, nodes } = this.#options;
    const next = this.#balance.next(layout, await views.all(nodes()));
    if (next === undefined) return;
    const { key, reason } = next;
    try {
      if (next.kind === "split") await splitRange(root, key, { reason });
      else await mergeRange(root, key, { into: next.into, reason });
    } catch (error) {
      // Somebody else asked for something, or the range is not what it was.
      const isOutdated = ["RANGES_BUSY", "RANGE_REQUEST_INVALID", "GROUP_UNKNOWN"].some((code) => hasCode(error, code));
      if (!isOutdated && !isPassing(error)) throw error;
    }
  }
}

function loaded(range: RangeRow, views: readonly GroupView[]): LoadedRange {
  const load = views.find(({ group }) => group === range.group)?.load;
  const own = load?.ranges.find(({ from, to }) => equalBytes(from, range.from) && equalBytes(to, range.to));
  return { ...range, bytes: own?.bytes, middle: own?.middle, commitsPerSecond: load?.commitsPerSecond ?? 0 };
}
