import { Tracker } from "../../tracker.ts";

const INFLIGHT_MESSAGES_MAX = 10;

/**
 * A membership that no node has yet, with what a leader's progress of the members becomes. The log that it stands for grows by an entry
 * with each command, one that fails included: so the progress tells since when a member is one.
 */
export class Draft {
  readonly tracker: Tracker = new Tracker({
    inflightMessagesMax: INFLIGHT_MESSAGES_MAX,
    inflightBytesMax: Number.POSITIVE_INFINITY,
  });
  lastIndex = 0;
}
