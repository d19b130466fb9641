import { EMPTY } from "../../std/bytes.ts";
import { ChangeType, change } from "./conf-change.ts";
import { isVoter } from "./configuration.ts";
import { EntryType, type Message, MessageType, newMessage } from "./messages.ts";
import type { Progress } from "./progress.ts";
import { changeRefusal, proposeConfChange } from "./proposals.ts";
import type { Raft } from "./raft.ts";
import { sendAppend } from "./replication.ts";

/**
 * A node that lost its disk has forgotten its votes and what it acknowledged. It keeps silent, towards candidates and towards its log, and
 * tells each leader the name of its loss. The leader has the group commit that the node is a learner, with the others alone; then the node
 * may take entries again, and becomes a voter as any joining learner does. Whoever could have been elected with the forgotten vote lacks
 * that entry, and a quorum that has it refuses him.
 */
export function stepLost(raft: Raft, message: Message): void {
  switch (message.type) {
    case MessageType.append:
    case MessageType.heartbeat:
    case MessageType.snapshot:
    case MessageType.quiesce: {
      if (message.term < raft.term) return;
      raft.becomeFollower(message.term, message.from);
      const report = newMessage(MessageType.rejoin, message.from);
      report.index = raft.rejoin;
      raft.send(report);
      return;
    }
    case MessageType.rejoinResponse:
      if (message.index !== raft.rejoin || message.term < raft.term) return;
      raft.becomeFollower(message.term, message.from);
      raft.rejoin = 0;
      return;
    default:
      return;
  }
}

export function handleRejoin(raft: Raft, progress: Progress, loss: number): void {
  if (loss === 0) return;
  if (progress.rejoin !== loss) progress.forget(loss, raft.log.lastIndex + 1);
  if (!isVoter(raft.configuration, progress.id)) {
    progress.isLost = false;
    const response = newMessage(MessageType.rejoinResponse, progress.id);
    response.index = loss;
    raft.send(response);
    sendAppend(raft, progress);
    return;
  }
  if (raft.configuration.rejoined.some((one) => one.id === progress.id && one.loss === loss)) {
    // It is a voter again since then: a late repetition of its report.
    progress.isLost = false;
    return;
  }
  const conf = {
    transition: "auto" as const,
    changes: [change(ChangeType.rejoin, progress.id, loss)],
    context: EMPTY,
  };
  if (changeRefusal(raft, conf) === undefined) proposeConfChange(raft, conf, EntryType.confChangeV2);
}
