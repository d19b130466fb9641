import { type ConfChange, leavesJoint } from "./conf-change.ts";
import { allVoters, type Configuration } from "./configuration.ts";
import { canDecide } from "./quorum.ts";
import type { Raft } from "./raft.ts";
import { changed } from "./reconfiguration.ts";

/**
 * Why the group might stand still behind a change of membership: one sentence, where the members that a leader hears of
 * would not be a quorum. Undefined where they would, where the change is none to refuse, and where this node does not
 * lead. A member that was added and has not answered yet is not alive; one that lost its disk does not count either.
 */
export function changeHazard(raft: Raft, conf: ConfChange, isSilent: (id: number) => boolean): string | undefined {
  if (raft.role !== "leader" || leavesJoint(conf)) return undefined;
  const next = after(raft.configuration, conf);
  if (next === undefined) return undefined;
  const isAlive = (id: number): boolean => {
    const progress = raft.tracker.progress(id);
    if (id === raft.id) return progress !== undefined;
    return progress?.isHeard === true && !progress.isLost && !isSilent(id);
  };
  if (canDecide(next, isAlive)) return undefined;
  const voters = allVoters(next);
  const silent = voters.filter((id) => !isAlive(id));
  const whom =
    silent.length === 0
      ? "all of them are witnesses"
      : `node ${raft.id}, which leads, does not hear ${silent.join(", ")}`;
  return `The voters would be ${voters.join(", ")}, and those that are alive no quorum of them: ${whom}.`;
}

/** Undefined where the change is not possible, which is found out elsewhere. */
function after(configuration: Configuration, conf: ConfChange): Configuration | undefined {
  try {
    return changed(configuration, conf);
  } catch {
    return undefined;
  }
}
