import { EMPTY } from "../../std/bytes.ts";
import { ChangeType, change } from "./conf-change.ts";
import { isJoint } from "./configuration.ts";
import { EntryType } from "./messages.ts";
import { proposeConfChange } from "./proposals.ts";
import type { Raft } from "./raft.ts";

/**
 * A joining learner becomes a voter once it follows closely: before that it would count in the quorum without being able to help it, and
 * one more failure would stop the group. One at a time, lowest id first: each is a single change.
 */
export function promoteJoined(raft: Raft): void {
  const { configuration, log } = raft;
  if (configuration.joining.length === 0 || isJoint(configuration)) return;
  if (raft.pendingChangeIndex > log.applied) return;
  for (const id of configuration.joining) {
    const progress = raft.tracker.progress(id);
    if (progress === undefined || progress.isLost || progress.state !== "replicate" || !progress.recentActive) continue;
    if (progress.match + raft.options.promotionLagMax < log.lastIndex) continue;
    const changes = [change(ChangeType.addVoter, id)];
    proposeConfChange(raft, { transition: "auto", changes, context: EMPTY }, EntryType.confChangeV2);
    return;
  }
}
