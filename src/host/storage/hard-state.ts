import type { HardState } from "../../core/raft/index.ts";
import type { RaftLogGroup } from "./raft-log.ts";

export interface HardStateSettings {
  readonly isSole: boolean;
  readonly applied: number;
  readonly committedAtLeast: number;
  readonly lostDisk: boolean;
  readonly random: () => number;
}

/**
 * What a node goes on from: its stored state, and what its log and its machine prove besides. The commit index is
 * stored without haste, so that what was applied may lie beyond it; a sole member has committed all that it has.
 * Undefined where there is nothing at all.
 */
export function hardStateAtStart(state: RaftLogGroup, settings: HardStateSettings): HardState | undefined {
  const { hardState, lastIndex, lastTerm, compaction } = state;
  if (hardState === undefined && lastIndex === 0) return undefined;
  const { isSole, applied, committedAtLeast, lostDisk, random } = settings;
  const known = Math.max(hardState?.commit ?? 0, applied, committedAtLeast, compaction.index, isSole ? lastIndex : 0);
  const term = Math.max(hardState?.term ?? 0, lastTerm);
  return {
    term,
    vote: hardState?.term === term ? hardState.vote : 0,
    commit: Math.min(known, lastIndex),
    incarnation: lostDisk ? 1 + Math.floor(random() * 0xffff_fffe) : (hardState?.incarnation ?? 0),
    isLost: lostDisk || (hardState?.isLost ?? false),
  };
}
