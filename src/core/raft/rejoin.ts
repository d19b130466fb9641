import { EMPTY } from "../../std/bytes.ts";
import { ChangeType, change } from "./conf-change.ts";
import { EntryType, type Message, MessageType, newMessage } from "./messages.ts";
import type { Progress } from "./progress.ts";
import { changeRefusal, proposeConfChange } from "./proposals.ts";
import type { Raft } from "./raft.ts";
import { sendAppend } from "./replication.ts";

/**
 * A node that lost its disk has forgotten its votes and what it acknowledged. It keeps silent, towards candidates and towards its log, and
 * tells each leader its new incarnation. The leader has the group commit that the node is a learner, with the others alone; then the node
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
      report.incarnation = raft.incarnation;
      raft.send(report);
      return;
    }
    case MessageType.rejoinResponse:
      if (message.incarnation !== raft.incarnation || message.term < raft.term) return;
      raft.becomeFollower(message.term, message.from);
      raft.isLost = false;
      return;
    default:
      return;
  }
}

/**
 * Also of a learner: whether it has been made a voter meanwhile only a committed entry can tell. Acknowledgements of the incarnation before
 * are passed over from now on, however late they come.
 */
export function handleRejoin(raft: Raft, progress: Progress, incarnation: number): void {
  if (incarnation === 0) return;
  if (progress.incarnation !== incarnation) progress.forget(incarnation, raft.log.lastIndex + 1);
  const { rejoined } = raft.configuration;
  if (rejoined.some((one) => one.id === progress.id && one.incarnation === incarnation)) {
    progress.isLost = false;
    const response = newMessage(MessageType.rejoinResponse, progress.id);
    response.incarnation = incarnation;
    raft.send(response);
    sendAppend(raft, progress);
    return;
  }
  const conf = {
    transition: "auto" as const,
    changes: [change(ChangeType.rejoin, progress.id, incarnation)],
    context: EMPTY,
  };
  if (changeRefusal(raft, conf) === undefined) proposeConfChange(raft, conf, EntryType.confChangeV2);
}
