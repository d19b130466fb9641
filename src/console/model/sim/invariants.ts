import type { Entry } from "../../../core/raft/index.ts";
import { assert } from "../../../std/assert.ts";
import { equalBytes } from "../../../std/bytes.ts";

// What must hold over all nodes and all time, whatever is done to them: Raft paper, figure 3. The newest part is watched: terms and
// indexes that lie far back are forgotten.

export interface Violation {
  readonly name: "election safety" | "log matching" | "leader completeness" | "state machine safety" | "assertion";
  readonly text: string;
}

export interface WatchedLog {
  readonly id: number;
  readonly entries: readonly Entry[];
}

interface CommittedEntry {
  readonly entry: Entry;
  /** It was committed in this term or an earlier one. */
  readonly term: number;
}

export const TERMS_MAX = 128;
export const COMMITTED_MAX = 256;

export class Invariants {
  readonly #leaders = new Map<number, number>();
  readonly #committed = new Map<number, CommittedEntry>();
  #violation: Violation | undefined;
  #checks = 0;

  /** The first one; nothing is watched after it. */
  get violation(): Violation | undefined {
    return this.#violation;
  }

  /** How often something was compared. */
  get checks(): number {
    return this.#checks;
  }

  get size(): number {
    return this.#leaders.size + this.#committed.size;
  }

  /** An assertion of the code that is watched has failed. */
  failed(error: unknown): void {
    this.#fail("assertion", error instanceof Error ? error.message : String(error));
  }

  /** At most one node leads a term, and it has all that was committed before. `termAt` knows the terms of its log; compacted is well. */
  elected(id: number, term: number, firstIndex: number, termAt: (index: number) => number | undefined): void {
    this.#checks++;
    const known = this.#leaders.get(term);
    if (known !== undefined && known !== id) {
      this.#fail("election safety", `Nodes ${known} and ${id} both lead term ${term}.`);
    }
    this.#leaders.set(term, id);
    forgetOldest(this.#leaders, TERMS_MAX);
    for (const { entry, term: committedTerm } of this.#committed.values()) {
      if (committedTerm >= term || entry.index < firstIndex || termAt(entry.index) === entry.term) continue;
      this.#fail("leader completeness", `Node ${id} leads term ${term} without the committed entry ${entry.index}.`);
    }
  }

  /** All state machines are given the same entry at an index. True where this is the first to be given it, by a node in this term. */
  applied(id: number, entry: Entry, term: number): boolean {
    this.#checks++;
    const known = this.#committed.get(entry.index)?.entry;
    if (known === undefined) {
      this.#committed.set(entry.index, { entry, term });
      forgetOldest(this.#committed, COMMITTED_MAX);
      return true;
    }
    if (!isSame(known, entry)) {
      this.#fail(
        "state machine safety",
        `Node ${id} applies an entry of term ${entry.term} at index ${entry.index}, where another node applied one of term ${known.term}.`,
      );
    }
    return false;
  }

  /** Logs with an entry of one index and term are the same up to it. */
  compare(logs: readonly WatchedLog[]): void {
    for (const [at, left] of logs.entries()) for (const right of logs.slice(at + 1)) this.#match(left, right);
  }

  #match(left: WatchedLog, right: WatchedLog): void {
    const first = Math.max(left.entries[0]?.index ?? 0, right.entries[0]?.index ?? 0);
    const last = Math.min(left.entries.at(-1)?.index ?? 0, right.entries.at(-1)?.index ?? 0);
    let hasMet = false;
    for (let index = last; index >= first && first > 0; index--) {
      const one = left.entries[index - left.entries[0]!.index]!;
      const other = right.entries[index - right.entries[0]!.index]!;
      assert(one.index === index, "a log has no gaps");
      this.#checks++;
      hasMet ||= one.term === other.term;
      if (!hasMet || isSame(one, other)) continue;
      const text = `The logs of nodes ${left.id} and ${right.id} differ at index ${index}, below an entry that they share.`;
      this.#fail("log matching", text);
      return;
    }
  }

  #fail(name: Violation["name"], text: string): void {
    this.#violation ??= { name, text };
  }
}

function isSame(left: Entry, right: Entry): boolean {
  return left.term === right.term && left.type === right.type && equalBytes(left.data, right.data);
}

/** A map keeps the order in which keys were put into it. */
function forgetOldest(map: Map<number, unknown>, max: number): void {
  for (const key of map.keys()) {
    if (map.size <= max) return;
    map.delete(key);
  }
}
