import { assert } from "../../../std/assert.ts";
import { toHex } from "../../../std/bytes.ts";
import { type Entry, EntryType } from "../messages.ts";
import type { RaftNode } from "../node.ts";

/** What must hold over all nodes and all time, whatever happens: section 5.2 to 5.4 of the Raft paper. A breach is an assertion. */
export class Invariants {
  /** Leader of each term that anybody has seen. */
  readonly #leaders = new Map<number, number>();
  /** Committed entries by index: their term and data. */
  readonly #committed = new Map<number, { readonly term: number; data: string | undefined }>();
  committedIndex = 0;
  elections = 0;

  /** Election safety, and leader completeness: a leader has every entry that was committed in an earlier term. */
  sawNode(node: RaftNode): void {
    const { role, term, id } = node.status;
    if (role !== "leader") return;
    const known = this.#leaders.get(term);
    assert(known === undefined || known === id, "two nodes lead one term");
    if (known !== undefined) return;
    this.#leaders.set(term, id);
    this.elections++;
    const { firstIndex } = node.status;
    for (const [index, entry] of this.#committed) {
      if (entry.term >= term || index < firstIndex) continue;
      assert(node.term(index) === entry.term, "a leader lacks a committed entry");
    }
  }

  /** State machine safety: no two nodes apply different entries at one index. */
  applied(entry: Entry): void {
    const known = this.#committed.get(entry.index);
    const data = entry.type === EntryType.metadata ? undefined : `${entry.type} ${toHex(entry.data)}`;
    this.committedIndex = Math.max(this.committedIndex, entry.index);
    if (known === undefined) {
      this.#committed.set(entry.index, { term: entry.term, data });
      return;
    }
    assert(known.term === entry.term, "two nodes have applied entries of different terms at one index");
    if (data === undefined) return;
    known.data ??= data;
    assert(known.data === data, "two nodes have applied different entries at one index");
  }

  /** Log matching: logs with an entry of the same index and term are the same up to it. */
  sawLogs(nodes: readonly RaftNode[]): void {
    for (const [at, left] of nodes.entries()) for (const right of nodes.slice(at + 1)) matchLogs(left, right);
  }
}

function matchLogs(left: RaftNode, right: RaftNode): void {
  const low = Math.max(left.status.firstIndex, right.status.firstIndex);
  let index = Math.min(left.status.lastIndex, right.status.lastIndex);
  while (index >= low && left.term(index) !== right.term(index)) index--;
  for (; index >= low; index--) assert(left.term(index) === right.term(index), "logs meet and part again below");
}
