// What the page shows of a simulation, as plain data.

import { isMember, isVoter, type RaftNode } from "../../../core/raft/index.ts";
import { labelOf } from "./labels.ts";
import type { Member, MemberState } from "./member.ts";
import type { Simulation } from "./simulation.ts";

export interface NodeView {
  readonly id: number;
  readonly state: MemberState;
  /** One or two words: what it is in the group, or that it does not run. */
  readonly role: string;
  readonly isLeader: boolean;
  readonly term: number;
  /** Whom it voted for in its term; 0 for nobody. */
  readonly vote: number;
  readonly commit: number;
  readonly applied: number;
  /** Of the oldest entry that it still has. */
  readonly firstIndex: number;
  readonly lastIndex: number;
}

export function viewOf(member: Member): NodeView {
  const { id, state, node, disk } = member;
  const { storage } = disk;
  const hardState = node?.status ?? storage.hardState;
  return {
    ...{ id, state, role: roleOf(state, node), isLeader: node?.role === "leader" },
    ...{ term: hardState?.term ?? 0, vote: hardState?.vote ?? 0, commit: hardState?.commit ?? 0 },
    ...{ applied: member.applied, firstIndex: storage.firstIndex, lastIndex: node?.lastIndex ?? storage.lastIndex },
  };
}

/** What the node says about itself; of one that does not run, what its disk holds. */
export function sentencesOf({ id, state, node, disk, waitingMessages, machine }: Member): readonly string[] {
  if (node === undefined) {
    const { hardState, lastIndex, firstIndex } = disk.storage;
    const log = lastIndex < firstIndex ? "no entries" : `entries ${firstIndex} to ${lastIndex}`;
    return [`Node ${id} does not run. Its disk holds term ${hardState?.term ?? 0} and ${log}.`];
  }
  const { leader, lagging, change } = node.explain();
  const sentences = [leader, ...lagging.map(({ why }) => why)];
  if (change !== undefined) sentences.push(change);
  if (state === "paused") {
    sentences.unshift(
      `It stands still; ${waitingMessages} messages wait. What follows is what it believed when it stopped.`,
    );
  }
  const values = machine.count === 1 ? "1 value" : `${machine.count} values`;
  const last = machine.last.length === 0 ? "" : `, the last ${machine.last.join(", ")}`;
  sentences.push(`Its state machine holds ${values}${last}; digest ${machine.digest.toString(16).padStart(8, "0")}.`);
  return sentences;
}

export interface CellView {
  readonly index: number;
  readonly term: number;
  readonly label: string;
  readonly isSynced: boolean;
  readonly isCommitted: boolean;
  /** The last one that the node knows to be committed. */
  readonly isCommitEnd: boolean;
}

/** The same indexes for all nodes, so that what has one index stands in one column. */
export interface LogWindow {
  readonly first: number;
  readonly last: number;
}

export const CELLS_MAX = 16;

export function windowOf({ members }: Simulation): LogWindow {
  const last = Math.max(...members.map(({ disk }) => disk.log.at(-1)?.entry.index ?? disk.storage.firstIndex - 1));
  return { first: Math.max(1, last - CELLS_MAX + 1), last };
}

/** One for each index of the window: undefined where the log has no entry, "compacted" where it no longer has it. */
export function cellsOf(member: Member, window: LogWindow): readonly (CellView | "compacted" | undefined)[] {
  const { node, disk } = member;
  const commit = node?.status.commit ?? disk.storage.hardState?.commit ?? 0;
  const byIndex = new Map(disk.log.map((logged) => [logged.entry.index, logged]));
  const { firstIndex } = disk.storage;
  return Array.from({ length: window.last - window.first + 1 }, (_, at) => {
    const index = window.first + at;
    const logged = byIndex.get(index);
    if (logged === undefined) return index < firstIndex ? "compacted" : undefined;
    const { entry, isSynced } = logged;
    return {
      ...{ index, term: entry.term, label: labelOf(entry), isSynced },
      ...{ isCommitted: index <= commit, isCommitEnd: index === commit },
    };
  });
}

/** In how many logs a value stands. */
export function copiesOf({ members }: Simulation, label: string): number {
  return members.filter(({ disk }) => disk.log.some(({ entry }) => labelOf(entry) === label)).length;
}

function roleOf(state: MemberState, node: RaftNode | undefined): string {
  if (node === undefined) return "crashed";
  if (state === "paused") return "stands still";
  if (node.isLost) return "lost its disk";
  const { configuration, role, id } = node;
  if (!isMember(configuration, id)) return "no member";
  if (!isVoter(configuration, id)) return "learner";
  return role;
}
