import { GroupIndex } from "./group-index.ts";
import type { GroupDamage, LogRecord } from "./record.ts";
import type { FrameSeen } from "./recovery.ts";

/**
 * Builds the groups' indexes from the frames of a log, in order. Behind a part that could not be read every group is in doubt: a vote,
 * entries, or a truncation may have stood there. What stands behind it can take the doubt away:
 *
 * - a hard state says all of a later one that was lost;
 * - entries of the same term as the one before them: two logs with an entry of one index and term are the same up to it, and who makes
 *   entries of a term replaces none of it; so nothing before them was replaced, and as they follow without a gap, nothing is missing;
 * - a compaction mark that names the entry which stands there.
 */
export class GroupReader {
  readonly groups: Map<number, GroupIndex> = new Map();
  hasLosses = false;
  readonly #doubts = new Map<number, Doubt>();
  /** Also the groups that were not known before the damage are in doubt. */
  #isInDoubt = false;

  take({ segment, record, position, bytes }: FrameSeen): void {
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
      this.#doubts.set(index.group, new Doubt(before?.certainIndex(index) ?? certainIndexOf(index)));
    }
    // A group that was removed may have come back in what was lost.
    for (const id of this.#doubts.keys()) if (!this.groups.has(id)) this.#doubts.delete(id);
  }

  /** After all of the log was read: what is wrong with groups, beside what their marks say. */
  *findings(): Generator<{ readonly index: GroupIndex; readonly damage: GroupDamage }> {
    for (const index of this.groups.values()) {
      const doubt = this.#isInDoubt ? this.#doubt(index) : new Doubt(0, true);
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
    if (doubt === undefined) this.#doubts.set(group, (doubt = new Doubt(0)));
    return doubt;
  }
}

/** What is known of a group before any damage: what it committed never changes, but what follows might in what is lost. */
function certainIndexOf({ compaction, hardState, lastIndex }: GroupIndex): number {
  return Math.max(compaction.index, Math.min(hardState?.commit ?? 0, lastIndex));
}

class Doubt {
  /** Committed before the damage. */
  readonly #committed: number;
  #areEntriesKnown: boolean;
  #isHardStateKnown: boolean;
  /** The first entry behind the damage, where it does not prove what stands before it. */
  #seam = Number.POSITIVE_INFINITY;

  constructor(committed: number, isKnown = false) {
    this.#committed = committed;
    this.#areEntriesKnown = isKnown;
    this.#isHardStateKnown = isKnown;
  }

  /** Takes in what the record proves, and makes the index fit for it; false where the index must not take it. */
  allows(record: LogRecord, index: GroupIndex): boolean {
    if (record.kind === "hardState") this.#isHardStateKnown = true;
    if (record.kind === "removed") {
      this.#isHardStateKnown = true;
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

  certainIndex(index: GroupIndex): number {
    const missing = Math.min(this.#seam, index.firstMissing ?? Number.POSITIVE_INFINITY);
    const certain = this.#areEntriesKnown ? certainIndexOf(index) : this.#committed;
    return Math.max(index.compaction.index, Math.min(certain, index.lastIndex, missing - 1));
  }

  finding(index: GroupIndex): GroupDamage | undefined {
    let missing = Math.min(this.#seam, index.firstMissing ?? Number.POSITIVE_INFINITY);
    if (missing === Number.POSITIVE_INFINITY) {
      if (this.#areEntriesKnown && this.#isHardStateKnown) return undefined;
      // A commit index without its entry gives away that the entry was lost.
      if (!this.#areEntriesKnown && (index.hardState?.commit ?? 0) > index.lastIndex) missing = index.lastIndex + 1;
    }
    const isWhole = this.#areEntriesKnown && missing === Number.POSITIVE_INFINITY;
    return {
      certainIndex: isWhole ? index.lastIndex : this.certainIndex(index),
      firstMissing: missing === Number.POSITIVE_INFINITY ? 0 : missing,
      isHardStateStale: !this.#isHardStateKnown,
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
