import { type AshlarError, failures } from "../std/errors.ts";

export const HOST_ERRORS = {
  OVERLOADED: { what: "Too many commands wait already.", advice: "Try again later, with back-off." },
  NO_SPACE: {
    what: "The disk has no room for more commands; nothing was written.",
    advice: "Free space on the disk or add a larger one, then try again.",
  },
  COMMAND_TOO_LARGE: {
    what: "A command is larger than the log takes.",
    advice: "Split it, or keep its bytes elsewhere.",
  },
  NO_LEADER: {
    what: "The group had no leader for as long as a call may wait; nothing was written.",
    advice: "Try again; the group's explanation says why nobody leads.",
  },
  OUTCOME_UNKNOWN: {
    what: "The command went to the group's leader, and no answer came in time.",
    advice: "Repeat it under the same session, or read what it would have changed.",
  },
  STOPPED: {
    what: "The group stopped before the command's outcome was known.",
    advice: "Repeat it under the same request name, or read what it would have changed.",
  },
  COMPACTED: {
    what: "The state machine lacks entries that the log has given up.",
    advice: "Restore its newest checkpoint, then open the group again.",
  },
  LOG_BEHIND: {
    what: "The state machine holds entries that the log does not have: part of the log is missing.",
    advice: "Restore the data directory as a whole from a backup.",
  },
  STATE_LOST: {
    what: "The leader saw this node acknowledge entries that its log does not have: its disk lost them, or its data was put back.",
    advice: "Do not start it with this data again: let another node take its place.",
  },
  LOG_INCOMPLETE: {
    what: "Part of the group's log can not be read, and no other member holds it.",
    advice: "Restore the data directory from a backup.",
  },
  ENTRY_MALFORMED: {
    what: "An entry of the log is not in a form that this version knows.",
    advice: "Start the version of Ashlar that wrote it, or a later one.",
  },
  FRAME_MALFORMED: {
    what: "Another node sent what this version can not read.",
    advice: "Bring all nodes of the cluster to one version.",
  },
  SNAPSHOT_DAMAGED: {
    what: "A snapshot's file is not what was written.",
    advice:
      "Restore the data directory from a backup; where the other members are a quorum, start with an empty one: they bring it up to date.",
  },
  CHANGE_REFUSED: {
    what: "The change of membership was not made.",
    advice: "Look at the group's members and explanation, then try again.",
  },
  CHANGE_UNSAFE: {
    what: "The change of membership would leave the group without a quorum of members that are alive. It was not made.",
    advice: "Bring the silent members back or remove them first; `strict: false` makes the change all the same.",
  },
  TRANSFER_FAILED: {
    what: "The member did not become the leader.",
    advice: "Look at the group's explanation: it must vote, be reachable, and hold the whole log.",
  },
  GROUP_OPTION_INVALID: {
    what: "An option of the group is out of its range.",
    advice: "Correct the call.",
  },
  HOLDS_NO_DATA: {
    what: "This member is a witness: it votes, and has nothing that could be read.",
    advice: "Read on another member.",
  },
  SESSION_UNKNOWN: {
    what: "The group does not know the session: it was ended, or given up for newer ones. The command was not applied.",
    advice:
      "Begin a new session; whether earlier commands without an answer were applied can only be read from the state.",
  },
  SESSION_WINDOW: {
    what: "The session has acknowledged this command's answer, or has too many without one. It was not applied.",
    advice: "Wait for answers before sending more, or use more sessions.",
  },
} as const;

export type HostErrorCode = keyof typeof HOST_ERRORS;
export type HostError = AshlarError<HostErrorCode>;

export const hostFailure: ReturnType<typeof failures<typeof HOST_ERRORS>> = failures(HOST_ERRORS);
