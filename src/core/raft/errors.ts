import { type AshlarError, failures } from "../../std/errors.ts";

export const RAFT_ERRORS = {
  PROPOSAL_DROPPED: {
    what: "The proposal was not taken: there is no leader, leadership is being transferred, or too much is uncommitted.",
    advice: "Propose it again after a short wait; it is in nobody's log.",
  },
  CHANGE_INVALID: {
    what: "The change of membership is not possible in the present configuration.",
    advice: "Look at the configuration, then propose a change that fits it.",
  },
  MESSAGE_LOCAL: {
    what: "A message that only a node's own parts may send came from somewhere else.",
    advice: "Drop it: whoever sent it does not speak this protocol.",
  },
  PEER_UNKNOWN: {
    what: "A response came from a node that is not a member.",
    advice: "Drop it: the node was removed, or is not known here yet.",
  },
  MALFORMED: {
    what: "The bytes are not a message or record of this version's form.",
    advice: "Start the version that wrote it, or a later one.",
  },
  OPTIONS_INVALID: { what: "An option of the group is out of its range.", advice: "Correct the caller." },
  SNAPSHOT_OLD: { what: "The snapshot is older than the stored one.", advice: "Drop it." },
  COMPACTED: { what: "The log no longer holds that index.", advice: "Start from a newer snapshot." },
} as const;

export type RaftErrorCode = keyof typeof RAFT_ERRORS;
export type RaftError = AshlarError<RaftErrorCode>;

export const raftFailure: ReturnType<typeof failures<typeof RAFT_ERRORS>> = failures(RAFT_ERRORS);
