import { type Entry, EntryType, electionQuorumOf, type RaftNode } from "../../../core/raft/index.ts";
import { invariant } from "../../kernel/index.ts";
import { type Chain, equalChains } from "./chain.ts";

/** What must hold over all nodes and all time, whatever happens: sections 5.2 to 5.4 and 6 of the Raft paper. */
export class Invariants {
  /** Leader of each term that anybody has seen. */
  readonly #leaders = new Map<number, number>();
  /** By voter and term: for whom. */
  readonly #votes = new Map<number, Map<number, number>>();
  /** Of committed entries, by index. */
  readonly #terms: number[] = [];
  readonly #chains: (Chain | undefined)[] = [];
  #firstIndex = Number.POSITIVE_INFINITY;
  /** The largest index that anybody has applied. */
  committedIndex = 0;
  elections = 0;

  /** Election safety, and leader completeness: a leader has every entry that was committed in an earlier term. */
  becameLeader(id: number, term: number, node: RaftNode): void {
    const known = this.#leaders.get(term);
    invariant(known === undefined || known === id, "two nodes lead one term", () => `n${known} and n${id} in ${term}`);
    if (known !== undefined) return;
    this.#leaders.set(term, id);
    this.elections++;
    this.#checkVotes(id, term, node);
    const from = Math.max(this.#firstIndex, node.status.firstIndex);
    for (let index = from; index <= this.committedIndex; index++) {
      const committed = this.#terms[index];
      if (committed === undefined || committed >= term) continue;
      invariant(
        node.term(index) === committed,
        "a leader lacks a committed entry",
        () => `n${id} leads term ${term} without entry ${index} of term ${committed}`,
      );
    }
  }

  /** Whoever leads was given the votes of a quorum of each half of the configuration that it knows. */
  #checkVotes(id: number, term: number, node: RaftNode): void {
    const { voters, votersOutgoing, commitQuorum, commitQuorumOutgoing } = node.status.configuration;
    const isElectedBy = (half: readonly number[], configured: number): boolean => {
      const votes = half.filter((voter) => voter === id || this.#votes.get(voter)?.get(term) === id);
      return half.length === 0 || votes.length >= electionQuorumOf(half.length, configured);
    };
    const isElected = isElectedBy(voters, commitQuorum) && isElectedBy(votersOutgoing, commitQuorumOutgoing);
    invariant(isElected, "a node leads without the votes of a quorum", () => `n${id} in term ${term}`);
  }

  /** A node has one vote in a term, and keeps it over a restart. */
  voted(voter: number, term: number, candidate: number): void {
    let votes = this.#votes.get(voter);
    if (votes === undefined) {
      votes = new Map();
      this.#votes.set(voter, votes);
    }
    const known = votes.get(term) ?? candidate;
    votes.set(term, candidate);
    invariant(
      known === candidate,
      "a node votes twice in one term",
      () => `n${voter} in term ${term} for n${known} and n${candidate}`,
    );
  }

  /** State machine safety: no two nodes apply different entries at one index. A witness applies none of the data. */
  applied(id: number, entry: Entry, chain: Chain | undefined): void {
    const { index, term } = entry;
    this.committedIndex = Math.max(this.committedIndex, index);
    this.#firstIndex = Math.min(this.#firstIndex, index);
    const known = this.#terms[index];
    this.#terms[index] ??= term;
    invariant(
      known === undefined || known === term,
      "two nodes apply entries of different terms at one index",
      () => `n${id} applies entry ${index} of term ${term}, not ${known}`,
    );
    if (chain === undefined) return;
    invariant(
      entry.type !== EntryType.metadata,
      "a member that holds data applies an entry without its data",
      () => `n${id} at ${index}`,
    );
    this.sawState(id, index, chain);
  }

  /** As `applied`, of a state that came as a snapshot. */
  sawState(id: number, index: number, chain: Chain): void {
    const known = this.#chains[index];
    this.#chains[index] ??= chain;
    invariant(
      known === undefined || equalChains(known, chain),
      "two nodes hold different states at one index",
      () => `n${id} at ${index}`,
    );
  }

  /** Log matching: logs with an entry of the same index and term are the same up to it. */
  sawLogs(nodes: readonly RaftNode[]): void {
    const logs = nodes.map((node) => ({ node, status: node.status }));
    for (const [at, left] of logs.entries()) {
      for (const right of logs.slice(at + 1)) {
        const low = Math.max(left.status.firstIndex, right.status.firstIndex);
        let index = Math.min(left.status.lastIndex, right.status.lastIndex);
        while (index >= low && left.node.term(index) !== right.node.term(index)) index--;
        for (; index >= low; index--) {
          invariant(left.node.term(index) === right.node.term(index), "logs meet and part again below");
        }
      }
    }
  }
}
