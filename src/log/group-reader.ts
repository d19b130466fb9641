import { GroupIndex } from "./group-index.ts";
import type { GroupDamage, LogRecord } from "./record.ts";
import { type LogBugs, NO_LOG_BUGS } from "./seeded-bugs.ts";
import type { Segment } from "./segment.ts";

/** A frame that a scan has found to be sound. */
export interface FrameSeen {
  readonly segment: Segment;
  readonly position: number;
  readonly bytes: number;
  readonly record: LogRecord;
}

/**
 * Builds the groups' indexes from the frames of a log, in order. Behind a part that could not be read every group is in doubt: a vote,
 * entries, a truncation, or a change of its membership may have stood there. What stands behind it can take the doubt away:
 *
 * - a hard state says all of an earlier one that was lost, and a membership mark all of earlier ones;
 * - entries of the same term as the one before them: two logs with an entry of one index and term are the same up to it, and who makes
 *   entries of a term replaces none of it; so nothing before them was replaced, and as they follow without a gap, nothing is missing;
 * - a compaction mark that names the entry which stands there.
 */
export class GroupReader {
  readonly groups: Map<number, GroupIndex> = new Map();
  hasLosses = false;
  readonly #bugs: LogBugs;
  readonly #doubts = new Map<number, Doubt>();
  /** Also the groups that were not known before the damage are in doubt. */
  #isInDoubt = false;

  constructor(bugs: LogBugs = NO_LOG_BUGS) {
    this.#bugs = bugs;
  }

  take({ segment, record, position, bytes }: FrameSeen): void {
    if (record.kind === "truncateSuffix" && this.#bugs.has("forget-truncation")) return;
    if (record.kind === "lost") this.lose();
    if (record.kind === "settled") this.#settle();
    if (record.group === 0) return;
    const index = this.#index(record.group);
    const doubt = this.#isInDoubt ? this.#doubt(index) : undefined;
    if (doubt === undefined || doubt.allows(record, index)) {
      index.take(record, position, bytes, position === segment.base);
    }
    if (record.kind === "removed") this.groups.delete(record.group);
  }

  /** What follows stands behind frames that could not be read. */
  lose(): void {
    this.hasLosses = true;
    this.#isInDoubt = true;
    for (const index of this.groups.values()) {
      const before = this.#doubts.get(index.group);
      const firstChange = before?.firstChangeInDoubt || firstChangeBehind(index);
      const committed = before?.certainIndex(index) ?? certainIndexOf(index);
      this.#doubts.set(index.group, new Doubt(committed, firstChange, { seam: before?.seam }));
    }
    // A group that was removed may have come back in what was lost.
    for (const id of this.#doubts.keys()) if (!this.groups.has(id)) this.#doubts.delete(id);
  }

  /** After all of the log was read: what is wrong with groups, beside what their marks say. */
  *findings(): Generator<{ readonly index: GroupIndex; readonly damage: GroupDamage }> {
    for (const index of this.groups.values()) {
      const doubt = this.#isInDoubt ? this.#doubt(index) : new Doubt(0, 0, { isKnown: true });
      const damage = doubt.finding(index);
      if (damage !== undefined) yield { index, damage };
    }
  }

  #settle(): void {
    this.#isInDoubt = false;
    this.#doubts.clear();
  }

  #index(id: number): GroupIndex {
    let index = this.groups.get(id);
    if (index === undefined) this.groups.set(id, (index = new GroupIndex(id)));
    return index;
  }

  #doubt({ group }: GroupIndex): Doubt {
    let doubt = this.#doubts.get(group);
    if (doubt === undefined) this.#doubts.set(group, (doubt = new Doubt(0, 1)));
    return doubt;
  }
}

/** What is known of a group before any damage: what it committed never changes, but what follows might in what is lost. */
function certainIndexOf({ compaction, hardState, lastIndex }: GroupIndex): number {
  return Math.max(compaction.index, Math.min(hardState?.commit ?? 0, lastIndex));
}

/** The index from which on a change of membership would have its mark behind all that was read. */
function firstChangeBehind({ configuration, compaction }: GroupIndex): number {
  // What is compacted was applied, and a change is applied only when its mark is durable.
  return configuration === undefined ? 1 : 1 + Math.max(configuration.index, compaction.index);
}

class Doubt {
  /** Committed before the damage. */
  readonly #committed: number;
  #areEntriesKnown: boolean;
  #isHardStateKnown: boolean;
  #firstChangeInDoubt: number;
  /** The first entry behind the damage, or behind an earlier one, where it does not prove what stands before it. */
  #seam: number;

  constructor(
    committed: number,
    firstChangeInDoubt: number,
    { seam = Number.POSITIVE_INFINITY, isKnown = false }: { seam?: number | undefined; isKnown?: boolean } = {},
  ) {
    this.#seam = seam;
    this.#committed = committed;
    this.#firstChangeInDoubt = firstChangeInDoubt;
    this.#areEntriesKnown = isKnown;
    this.#isHardStateKnown = isKnown;
  }

  /** Takes in what the record proves, and makes the index fit for it; false where the index must not take it. */
  allows(record: LogRecord, index: GroupIndex): boolean {
    if (record.kind === "hardState") this.#isHardStateKnown = true;
    if (record.kind === "configuration") this.#firstChangeInDoubt = 0;
    if (record.kind === "removed") {
      this.#isHardStateKnown = true;
      this.#firstChangeInDoubt = 0;
      this.#areEntriesKnown = true;
      this.#seam = Number.POSITIVE_INFINITY;
    }
    if (this.#areEntriesKnown) return true;
    if (record.kind === "entries") this.#judgeEntries(record, index);
    if (record.kind === "compaction") this.#judgeCompaction(record, index);
    if (record.kind !== "truncateSuffix") return true;
    if (record.fromIndex <= this.#seam) this.#seam = Number.POSITIVE_INFINITY;
    return record.fromIndex > index.compaction.index;
  }

  /** 0 where the membership is known. */
  get firstChangeInDoubt(): number {
    return this.#firstChangeInDoubt;
  }

  get seam(): number {
    return this.#seam;
  }

  certainIndex(index: GroupIndex): number {
    const missing = Math.min(this.#seam, index.firstMissing ?? Number.POSITIVE_INFINITY);
    const certain = this.#areEntriesKnown ? certainIndexOf(index) : this.#committed;
    return Math.max(index.compaction.index, Math.min(certain, index.lastIndex, missing - 1));
  }

  finding(index: GroupIndex): GroupDamage | undefined {
    let missing = Math.min(this.#seam, index.firstMissing ?? Number.POSITIVE_INFINITY);
    if (missing === Number.POSITIVE_INFINITY) {
      if (this.#areEntriesKnown && this.#isHardStateKnown && this.#firstChangeInDoubt === 0) return undefined;
      // A commit index without its entry gives away that the entry was lost.
      if (!this.#areEntriesKnown && (index.hardState?.commit ?? 0) > index.lastIndex) missing = index.lastIndex + 1;
    }
    const areEntriesWhole = this.#areEntriesKnown && missing === Number.POSITIVE_INFINITY;
    return {
      certainIndex: areEntriesWhole ? index.lastIndex : this.certainIndex(index),
      firstMissing: missing === Number.POSITIVE_INFINITY ? 0 : missing,
      areEntriesWhole,
      isHardStateStale: !this.#isHardStateKnown,
      firstChangeInDoubt: this.#firstChangeInDoubt,
    };
  }

  #judgeEntries({ firstIndex, term, entries }: LogRecord & { kind: "entries" }, index: GroupIndex): void {
    const lastIndex = firstIndex + entries.length - 1;
    if (firstIndex <= index.lastIndex && index.lastIndex > index.compaction.index) {
      for (let at = firstIndex; at <= Math.min(lastIndex, index.lastIndex); at++) {
        const met = index.termOf(at);
        if (met === undefined || met === term || at <= index.compaction.index) continue;
        // What they replace was truncated in the part that is lost.
        this.#truncate(index, Math.max(firstIndex, index.compaction.index + 1));
        break;
      }
    }
    if (firstIndex !== index.lastIndex + 1) return;
    const isEmpty = index.lastIndex === index.compaction.index;
    if (!isEmpty && index.lastTerm !== term) this.#seam = Math.min(this.#seam, firstIndex);
    else this.#areEntriesKnown = this.#seam === Number.POSITIVE_INFINITY && index.firstMissing === undefined;
  }

  #judgeCompaction({ index: at, term }: LogRecord & { kind: "compaction" }, index: GroupIndex): void {
    if (at <= index.compaction.index) return;
    const met = index.find(at)?.term;
    if (met !== undefined && met !== term) this.#truncate(index, index.compaction.index + 1);
    // What is left of the entries follows the mark's, or stands behind the seam.
    if (at >= this.#seam - 1) this.#seam = Number.POSITIVE_INFINITY;
  }

  #truncate(index: GroupIndex, fromIndex: number): void {
    index.take({ kind: "truncateSuffix", group: index.group, fromIndex }, 0, 0, false);
    if (fromIndex <= this.#seam) this.#seam = Number.POSITIVE_INFINITY;
  }
}
