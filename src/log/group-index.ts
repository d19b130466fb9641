import { assert } from "../std/assert.ts";
import type { HardState, LogPoint, LogRecord, MembershipMark } from "./record.ts";

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
 * Invariant: the runs are adjacent, in index order, and begin at most at the entry behind the compaction mark.
 */
export class GroupIndex {
  readonly group: number;
  hardState: HardState | undefined;
  snapshot: (LogPoint & { readonly note: Uint8Array }) | undefined;
  compaction: LogPoint = NOWHERE;
  configuration: MembershipMark | undefined;
  /** Where the latest record of each kind of mark stands. */
  readonly #marks = new Map<"hardState" | "compaction" | "snapshot" | "configuration", number>();
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
    return this.#runs[0]?.position ?? Number.POSITIVE_INFINITY;
  }

  /** The oldest position that a restart needs for the hard state and the marks. */
  get marksPosition(): number {
    return Math.min(Number.POSITIVE_INFINITY, ...this.#marks.values());
  }

  /** Takes in a record that stands in the frame of `bytes` bytes at `position`, which may be the first of its segment. */
  take(record: LogRecord, position: number, bytes: number, beginsSegment: boolean): void {
    switch (record.kind) {
      case "entries": {
        const lastIndex = record.firstIndex + record.entries.length - 1;
        const run = { firstIndex: record.firstIndex, lastIndex, term: record.term, position, bytes };
        if (beginsSegment || !this.#join(run)) this.#append(run);
        return;
      }
      case "hardState":
        this.hardState = hardStateOf(record);
        this.#marks.set("hardState", position);
        return;
      case "truncateSuffix":
        this.#truncateSuffix(record.fromIndex);
        return;
      case "compaction":
        this.#compact({ index: record.index, term: record.term });
        this.#marks.set("compaction", position);
        return;
      case "snapshot":
        this.snapshot = { index: record.index, term: record.term, note: record.note.slice() };
        this.#marks.set("snapshot", position);
        return;
      case "configuration":
        this.configuration = { index: record.index, bytes: record.bytes.slice() };
        this.#marks.set("configuration", position);
        return;
      case "removed":
        this.#clear();
        return;
      case "durable":
        return;
    }
  }

  /** The records that say again what the hard state and the marks say, so that old segments can go. */
  marks(): LogRecord[] {
    const group = this.group;
    const records: LogRecord[] = [];
    if (this.#marks.has("compaction")) records.push({ kind: "compaction", group, ...this.compaction });
    if (this.snapshot !== undefined) records.push({ kind: "snapshot", group, ...this.snapshot });
    if (this.configuration !== undefined) records.push({ kind: "configuration", group, ...this.configuration });
    if (this.hardState !== undefined) records.push({ kind: "hardState", group, ...this.hardState });
    return records;
  }

  /** After all of the log was read: false where entries are missing between the compaction mark and the first run. */
  get isContiguous(): boolean {
    return this.#runs.length === 0 || this.#runs[0]!.firstIndex <= this.compaction.index + 1;
  }

  /** The run that holds the entry, or undefined where the log has none of that index. */
  find(index: number): Run | undefined {
    let low = 0;
    let high = this.#runs.length - 1;
    while (low <= high) {
      const middle = (low + high) >>> 1;
      const run = this.#runs[middle]!;
      if (index < run.firstIndex) high = middle - 1;
      else if (index > run.lastIndex) low = middle + 1;
      else return run;
    }
    return undefined;
  }

  termOf(index: number): number | undefined {
    return index === this.compaction.index ? this.compaction.term : this.find(index)?.term;
  }

  #append(run: Run): void {
    assert(
      run.firstIndex === this.lastIndex + 1 || this.#runs.length === 0,
      "entries follow the last one without a gap",
    );
    this.#runs.push(run);
    this.#bytes += run.bytes;
  }

  /** False where the run does not go on in the frame behind the last one's, or would become too long. */
  #join(run: Run): boolean {
    const last = this.#runs.at(-1);
    if (last === undefined || last.position + last.bytes !== run.position || last.term !== run.term) return false;
    if (last.bytes + run.bytes > RUN_BYTES_MAX || last.lastIndex + 1 !== run.firstIndex) return false;
    this.#runs[this.#runs.length - 1] = { ...last, lastIndex: run.lastIndex, bytes: last.bytes + run.bytes };
    this.#bytes += run.bytes;
    return true;
  }

  #truncateSuffix(fromIndex: number): void {
    assert(fromIndex > this.compaction.index, "compacted entries are committed and never truncated");
    while (this.lastIndex >= fromIndex && this.#runs.length > 0) {
      const last = this.#runs.pop()!;
      this.#bytes -= last.bytes;
      if (last.firstIndex < fromIndex) this.#append({ ...last, lastIndex: fromIndex - 1 });
    }
  }

  #compact(point: LogPoint): void {
    if (point.index <= this.compaction.index) return;
    const isReplaced = (this.find(point.index)?.term ?? point.term) !== point.term;
    this.compaction = point;
    let passed = 0;
    while (passed < this.#runs.length && (isReplaced || this.#runs[passed]!.lastIndex <= point.index)) {
      this.#bytes -= this.#runs[passed]!.bytes;
      passed++;
    }
    this.#runs.splice(0, passed);
  }

  #clear(): void {
    this.hardState = undefined;
    this.snapshot = undefined;
    this.compaction = NOWHERE;
    this.configuration = undefined;
    this.#marks.clear();
    this.#runs = [];
    this.#bytes = 0;
  }
}

function hardStateOf({ term, vote, commit, incarnation, isLost }: HardState): HardState {
  return { term, vote, commit, incarnation, isLost };
}
