import { type AshlarError, failures, hasCode } from "../std/errors.ts";

export const BLOB_ERRORS = {
  BLOB_DAMAGED: {
    what: "Stored bytes fail their checksum.",
    advice: "Restore the object from a copy; `ashlar volume verify` shows what else the volume lost.",
  },
  BLOB_MISSING: {
    what: "The volume does not hold the bytes that a row refers to.",
    advice: "Restore the object from a copy, and look for a volume file that was removed by hand.",
  },
  SOURCE_LENGTH: {
    what: "The body is shorter or longer than announced.",
    advice: "Send it again with its true length; nothing of it was kept.",
  },
  SPACE_RESERVED: {
    what: "The disk has no space left but the reserve.",
    advice: "Delete data or add space. Reads and deletes go on; the reserve is what lets space be won back.",
  },
  BLOBS_OVERLOADED: { what: "Too many writes wait already.", advice: "Try again later, with back-off." },
  BLOBS_FAILED: {
    what: "Volumes can not be written any more.",
    advice: "The node stops, because what reached the disk is unknown; look at the disk's health, then start it again.",
  },
  BLOBS_CLOSED: { what: "The node is stopping.", advice: "Try again on another node or after the restart." },
  VOLUME_LOST: {
    what: "Another writer has taken over the volume.",
    advice: "Try again: the bytes go to a new volume.",
  },
  VOLUME_UNKNOWN: { what: "There is no such volume.", advice: "`ashlar volume list` names those there are." },
  VOLUME_UNREADABLE: {
    what: "The volume file's first sector can not be read.",
    advice:
      "Restore the file from a copy. Its needles are served as far as they verify, but nothing is appended to it.",
  },
  VOLUME_FORMAT_NEWER: {
    what: "The volume was written by a newer version of Ashlar.",
    advice: "Start that version or a later one.",
  },
  VOLUME_NOT_COMPACTED: {
    what: "The volume can not be compacted.",
    advice: "A damaged volume is kept as it is until it is repaired; see its entry in the scrub ledger.",
  },
  REPLICAS_TOO_FEW: {
    what: "Too few nodes can be reached to keep as many copies as writes need.",
    advice: "Try again; `ashlar cluster status` shows which nodes are away, or have no space left.",
  },
  REPLICAS_UNREACHABLE: {
    what: "No node that has a copy of the bytes answers in time.",
    advice: "Try again; `ashlar cluster status` shows which nodes are away.",
  },
  VOLUME_REFUSED: {
    what: "The node does not take this from that writer: the volume is in other hands, or the node has restarted.",
    advice: "Nothing: the writer seals the volume and goes on in a new one.",
  },
  REPLICA_LATE: {
    what: "A copy on another node is later than the limit.",
    advice: "Nothing: the writer goes on without it. If it comes often, look at that node's disk and network.",
  },
  BLOB_OPTION_INVALID: {
    what: "An option of the volumes is out of its range.",
    advice: "See its range in the manual.",
  },
} as const;

export type BlobErrorCode = keyof typeof BLOB_ERRORS;
export type BlobError = AshlarError<BlobErrorCode>;

export const blobFailure: ReturnType<typeof failures<typeof BLOB_ERRORS>> = failures(BLOB_ERRORS);

/** The volume can not take it, and another one may. */
export function isLoss(error: unknown): boolean {
  return hasCode(error, "VOLUME_LOST") || hasCode(error, "REPLICAS_TOO_FEW");
}
