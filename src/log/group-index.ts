import { assert } from "../std/assert.ts";
import type { GroupDamage, HardState, LogPoint, LogRecord, MembershipMark } from "./record.ts";

/** Entries firstIndex..lastIndex, all of one term, in the frames that fill `bytes` bytes from `position` on, in one segment. */
export interface Run {
  readonly firstIndex: number;
  readonly lastIndex: number;
  readonly term: number;
  readonly position: number;
  readonly bytes: number;
}

/** Of the frames of a run, unless it is one larger frame: what is read to find one entry, and how replay reads the log. */
const RUN_BYTES_MAX = 256 * 1024;

const NOWHERE: LogPoint = { index: 0, term: 0 };

/**
 * Where a group's entries are in the log, and its latest marks. Kept in memory: frames that stand next to each other share
 * a run, for a frame may hold a single small entry and the log between two checkpoints may hold millions.
 *
 * Entries may stand in the log more than once: those of an idle group are moved on, so that old segments can go. Of copies of one
 * entry (they agree in index and term) the one that was written last counts.
 *
 * Invariant: the runs are in index order, adjacent, and begin at most at the entry behind the compaction mark. While a log is read
 * back there may be holes: what stood in segments that are gone follows as copies, or is compacted by a later mark.
 */
export class GroupIndex {
  readonly group: number;
  hardState: HardState | undefined;
  snapshot: (LogPoint & { readonly note: Uint8Array }) | undefined;
  compaction: LogPoint = NOWHERE;
  configuration: MembershipMark | undefined;
  /** Until the owner says that it is repaired. */
  damage: GroupDamage | undefined;
  /** Where the latest record of each kind of mark stands. */
  readonly #marks = new Map<MarkKind, number>();
  #runs: Run[] = [];
  #bytes = 0;

  constructor(group: number) {
    this.group = group;
  }

  get firstIndex(): number {
    return Math.max(this.#runs[0]?.firstIndex ?? 0, this.compaction.index + 1);
  }

  /** The compaction mark's index while there are no entries. */
  get lastIndex(): number {
    return this.#runs.at(-1)?.lastIndex ?? this.compaction.index;
  }

  /** Of the log's last entry. */
  get lastTerm(): number {
    return this.#runs.at(-1)?.term ?? this.compaction.term;
  }

  /** Of the frames that hold entries behind the compaction mark. */
  get entryBytes(): number {
    return this.#bytes;
  }

  /** The oldest position that a restart needs for the entries. */
  get entriesPosition(): number {
    let oldest = Number.POSITIVE_INFINITY;
    // Runs that were moved on stand behind later ones.
    for (const { position } of this.#runs) if (position < oldest) oldest = position;
    return oldest;
  }

  /** The oldest position that a restart needs for the hard state and the marks. */
  get marksPosition(): number {
    let oldest = Number.POSITIVE_INFINITY;
    for (const position of this.#marks.values()) if (position < oldest) oldest = position;
    return oldest;
  }

  /** Takes in a record that stands in the frame of `bytes` bytes at `position`, which may be the first of its segment. */
  take(record: LogRecord, position: number, bytes: number, beginsSegment: boolean): void {
    switch (record.kind) {
      case "entries": {
        const lastIndex = record.firstIndex + record.entries.length - 1;
        const run = { firstIndex: record.firstIndex, lastIndex, term: record.term, position, bytes };
        if (lastIndex <= this.compaction.index) return;
        if (run.firstIndex > this.lastIndex || this.#runs.length === 0) this.#push(run, beginsSegment);
        else this.#replace(run);
        return;
      }
      case "truncateSuffix":
        this.#truncateSuffix(record.fromIndex);
        return;
      case "removed":
        this.#clear();
        return;
      case "repaired":
        this.damage = undefined;
        this.#marks.delete("damaged");
        return;
      case "durable":
      case "settled":
      case "lost":
        return;
      case "hardState":
        this.hardState = hardStateOf(record);
        break;
      case "compaction":
        // One that came behind a later one says nothing: the later one must be carried on where its segment goes.
        if (record.index < this.compaction.index) return;
        this.#compact({ index: record.index, term: record.term });
        break;
      case "snapshot":
        this.snapshot = { index: record.index, term: record.term, note: record.note.slice() };
        break;
      case "configuration":
        this.configuration = { index: record.index, bytes: record.bytes.slice() };
        break;
      case "damaged":
        this.damage = damageOf(record);
        break;
    }
    this.#marks.set(record.kind, position);
  }

  /** The records that say again what the hard state and the marks before the position say, so that old segments can go. */
  marksBefore(position: number): LogRecord[] {
    const group = this.group;
    const records: LogRecord[] = [];
    const isBefore = (kind: MarkKind): boolean => (this.#marks.get(kind) ?? position) < position;
    if (isBefore("compaction")) records.push({ kind: "compaction", group, ...this.compaction });
    if (isBefore("snapshot")) records.push({ kind: "snapshot", group, ...this.snapshot! });
    if (isBefore("configuration")) records.push({ kind: "configuration", group, ...this.configuration! });
    if (isBefore("damaged")) records.push({ kind: "damaged", group, ...this.damage! });
    if (isBefore("hardState")) records.push({ kind: "hardState", group, ...this.hardState! });
    return records;
  }

  /** The membership mark, where it stands before the compaction mark and is in no doubt; else undefined. */
  get membershipBeforeCompaction(): LogRecord | undefined {
    const { group, configuration, damage } = this;
    if (configuration === undefined || damage !== undefined) return undefined;
    const isBefore = this.#marks.get("configuration")! < (this.#marks.get("compaction") ?? 0);
    return isBefore ? { kind: "configuration", group, ...configuration } : undefined;
  }

  /** Those that stand before the position, in index order. */
  runsBefore(position: number): Run[] {
    return this.#runs.filter((run) => run.position < position);
  }

  /** The first entry behind the compaction mark that is missing before one that is there; undefined where none is. */
  get firstMissing(): number | undefined {
    let next = this.compaction.index + 1;
    for (const run of this.#runs) {
      if (run.firstIndex > next) return next;
      next = run.lastIndex + 1;
    }
    return undefined;
  }

  /** The run that holds the entry, or undefined where the log has none of that index. */
  find(index: number): Run | undefined {
    const run = this.#runs[this.#runAt(index)];
    return run !== undefined && run.firstIndex <= index ? run : undefined;
  }

  termOf(index: number): number | undefined {
    return index === this.compaction.index ? this.compaction.term : this.find(index)?.term;
  }

  /** The place of the first run that ends at the index or behind it. */
  #runAt(index: number): number {
    let low = 0;
    let high = this.#runs.length;
    while (low < high) {
      const middle = (low + high) >>> 1;
      if (this.#runs[middle]!.lastIndex < index) low = middle + 1;
      else high = middle;
    }
    return low;
  }

  /** Joined with the last run where its frame stands right behind that one's, in the same segment, and they are not too long together. */
  #push(run: Run, beginsSegment: boolean): void {
    this.#bytes += run.bytes;
    const last = this.#runs.at(-1);
    if (last === undefined || beginsSegment || !isJoinable(last, run)) this.#runs.push(run);
    else this.#runs[this.#runs.length - 1] = { ...last, lastIndex: run.lastIndex, bytes: last.bytes + run.bytes };
  }

  /** Puts copies of entries in their place: what they do not cover of the runs that they meet stays where it is. */
  #replace(run: Run): void {
    const from = this.#runAt(run.firstIndex);
    let to = from;
    while (to < this.#runs.length && this.#runs[to]!.firstIndex <= run.lastIndex) to++;
    const met = this.#runs.slice(from, to);
    for (const { term } of met) assert(term === run.term, "copies of an entry agree in its term");
    const rest: Run[] = [run];
    const [first, last] = [met[0], met.at(-1)];
    if (first !== undefined && first.firstIndex < run.firstIndex)
      rest.unshift({ ...first, lastIndex: run.firstIndex - 1 });
    if (last !== undefined && last.lastIndex > run.lastIndex) rest.push({ ...last, firstIndex: run.lastIndex + 1 });
    this.#bytes += sumOfBytes(rest) - sumOfBytes(met);
    this.#runs.splice(from, met.length, ...rest);
    this.#dropCompacted();
  }

  #truncateSuffix(fromIndex: number): void {
    assert(fromIndex > this.compaction.index, "compacted entries are committed and never truncated");
    for (;;) {
      const last = this.#runs.at(-1);
      if (last === undefined || last.lastIndex < fromIndex) return;
      this.#runs.pop();
      if (last.firstIndex < fromIndex) this.#runs.push({ ...last, lastIndex: fromIndex - 1 });
      else this.#bytes -= last.bytes;
    }
  }

  #compact(point: LogPoint): void {
    if (point.index <= this.compaction.index) return;
    this.compaction = point;
    this.#dropCompacted();
  }

  #dropCompacted(): void {
    let passed = 0;
    while (passed < this.#runs.length && this.#runs[passed]!.lastIndex <= this.compaction.index) {
      this.#bytes -= this.#runs[passed]!.bytes;
      passed++;
    }
    if (passed > 0) this.#runs.splice(0, passed);
  }

  #clear(): void {
    this.hardState = undefined;
    this.snapshot = undefined;
    this.compaction = NOWHERE;
    this.configuration = undefined;
    this.damage = undefined;
    this.#marks.clear();
    this.#runs = [];
    this.#bytes = 0;
  }
}

type MarkKind = "hardState" | "compaction" | "snapshot" | "configuration" | "damaged";

function isJoinable(last: Run, next: Run): boolean {
  if (last.position + last.bytes !== next.position || last.term !== next.term) return false;
  return last.bytes + next.bytes <= RUN_BYTES_MAX && last.lastIndex + 1 === next.firstIndex;
}

function sumOfBytes(runs: readonly Run[]): number {
  let sum = 0;
  for (const { bytes } of runs) sum += bytes;
  return sum;
}

function hardStateOf({ term, vote, commit, incarnation, isLost }: HardState): HardState {
  return { term, vote, commit, incarnation, isLost };
}

function damageOf(damage: GroupDamage): GroupDamage {
  const { certainIndex, firstMissing, areEntriesWhole, isHardStateStale, firstChangeInDoubt } = damage;
  return { certainIndex, firstMissing, areEntriesWhole, isHardStateStale, firstChangeInDoubt };
}
