import { utf8 } from "../../std/bytes.ts";
import type { Prng } from "../../std/prng.ts";
import type { HardState, LogRecord } from "../index.ts";

const NO_STATE: HardState = { term: 0, vote: 0, commit: 0, incarnation: 0, isLost: false };

/**
 * What one member of a Raft group may write: leaders of rising terms, each with a log that has all that was committed, replace what their
 * predecessors did not commit. An entry's bytes follow from its group, index and term, as they do in a real group.
 */
export class RaftHistory {
  readonly group: number;
  readonly #prng: Prng;
  /** Terms of entries 1 on, of the member and of each leader so far. */
  log: number[] = [];
  #leaders: number[][] = [[]];
  compacted = 0;
  hardState: HardState = NO_STATE;
  /** The indexes of the changes of membership that the member has marked. */
  readonly changes: number[] = [];

  constructor(group: number, prng: Prng) {
    this.group = group;
    this.#prng = prng;
  }

  /** The records of the next step; none where it changes nothing. */
  next(): LogRecord[] {
    const prng = this.#prng;
    const records: LogRecord[] = [];
    if (this.hardState.term === 0 || prng.chance(0.15)) this.#elect(records);
    else this.#replicate(records);
    if (prng.chance(0.4)) this.#commit(records);
    if (prng.chance(0.1)) this.#mark(records);
    if (prng.chance(0.1) && this.hardState.commit > this.compacted) {
      this.compacted += 1 + prng.below(this.hardState.commit - this.compacted);
      const term = this.log[this.compacted - 1]!;
      records.push({ kind: "compaction", group: this.group, index: this.compacted, term });
    }
    return records;
  }

  bytesOf(index: number, term: number): Uint8Array {
    return utf8(`${this.group} ${index} ${term}`.padEnd(20 + ((index * 7 + term) % 60), "."));
  }

  membersOf(index: number): Uint8Array {
    return utf8(`${this.group}: ${index}`);
  }

  #elect(records: LogRecord[]): void {
    const { commit, term } = this.hardState;
    const fit = [...this.#leaders, this.log].filter((log) =>
      this.log.slice(0, commit).every((one, at) => log[at] === one),
    );
    this.#leaders.push([...fit[this.#prng.below(fit.length)]!]);
    this.#leaders = this.#leaders.slice(-4);
    this.hardState = { ...this.hardState, term: term + 1, vote: 1 + this.#prng.below(3) };
    records.push({ kind: "hardState", group: this.group, ...this.hardState });
  }

  #replicate(records: LogRecord[]): void {
    const leader = this.#leaders.at(-1)!;
    for (let more = this.#prng.below(4); more > 0; more--) leader.push(this.hardState.term);
    let same = 0;
    while (same < leader.length && same < this.log.length && leader[same] === this.log[same]) same++;
    const count = this.#prng.below(5);
    if (same === leader.length || count === 0) return;
    if (same < this.log.length) records.push({ kind: "truncateSuffix", group: this.group, fromIndex: same + 1 });
    this.log = leader.slice(0, same + count);
    for (let at = same; at < this.log.length; ) {
      const [firstIndex, term] = [at + 1, this.log[at]!];
      const entries: Uint8Array[] = [];
      for (; this.log[at] === term; at++) entries.push(this.bytesOf(at + 1, term));
      records.push({ kind: "entries", group: this.group, firstIndex, term, entries });
    }
  }

  /** A change is marked before it is applied, and only then compacted. */
  #mark(records: LogRecord[]): void {
    const after = Math.max(this.compacted, this.changes.at(-1) ?? -1);
    const { commit } = this.hardState;
    if (after >= commit) return;
    const index = after + 1 + this.#prng.below(commit - after);
    this.changes.push(index);
    records.push({ kind: "configuration", group: this.group, index, bytes: this.membersOf(index) });
  }

  /** Of what the member shares with the leader of its term, from an entry of that term on. */
  #commit(records: LogRecord[]): void {
    const leader = this.#leaders.at(-1)!;
    let same = 0;
    while (same < leader.length && leader[same] === this.log[same]) same++;
    if (same <= this.hardState.commit || this.log[same - 1] !== this.hardState.term) return;
    this.hardState = { ...this.hardState, commit: same };
    records.push({ kind: "hardState", group: this.group, ...this.hardState });
  }
}
