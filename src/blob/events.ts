import type { VolumeKind } from "./format.ts";

/** What an operator wants to know. Damage is the only kind that asks for an act. */
export type BlobEvent =
  | { readonly kind: "volume-opened"; readonly volume: number; readonly volumeKind: VolumeKind }
  | { readonly kind: "volume-sealed"; readonly volume: number; readonly bytes: number }
  | {
      readonly kind: "volume-compacted";
      readonly volume: number;
      readonly generation: number;
      readonly bytesBefore: number;
      readonly bytesAfter: number;
    }
  | { readonly kind: "volume-removed"; readonly volume: number; readonly bytes: number }
  /** A node was late or away: the volume is sealed without its copy. */
  | { readonly kind: "member-dropped"; readonly volume: number; readonly member: string }
  /** This node does from now on what the volume needs; its writer had been away for too long, or is removed. */
  | { readonly kind: "volume-taken-over"; readonly volume: number; readonly writer: string }
  /** The row of a volume does not name this node any more, and its file here is gone. */
  | { readonly kind: "copy-removed"; readonly volume: number; readonly generation: number }
  /** It has one more copy, on a node that had none; or this node's copy is whole again, by those of others. */
  | { readonly kind: "volume-healed"; readonly volume: number; readonly member: string; readonly bytes: number }
  | { readonly kind: "copy-mended"; readonly volume: number; readonly slots: number }
  /** Recovery found what a crash left unfinished behind the last sync. Nothing acknowledged is in it. */
  | { readonly kind: "tail-torn"; readonly volume: number; readonly position: number; readonly bytes: number }
  | DamageEvent
  /** A file without a row that is not the remains of a volume's opening: left alone. */
  | { readonly kind: "file-unknown"; readonly name: string }
  | { readonly kind: "space-low"; readonly bytesFree: number; readonly bytesReserved: number }
  /** A background task failed and goes on at its next turn. */
  | { readonly kind: "task-failed"; readonly task: string; readonly error: Error };

export interface DamageEvent {
  readonly kind: "damage";
  readonly volume: number;
  readonly generation: number;
  readonly found: "start" | "read" | "scrub" | "compaction" | "collector";
  /** Undefined where it is not known which needle the bytes belong to, or where the whole file is concerned. */
  readonly needle: number | undefined;
  readonly position: number;
  readonly bytes: number;
  readonly what: "file-missing" | "file-short" | "superblock" | "header" | "footer" | "data" | "table";
}

export interface BlobCounters {
  appends: number;
  appendBytes: number;
  /** Syncs of volumes of needles, and needles that they acknowledged. */
  needleSyncs: number;
  needlesSynced: number;
  extentSyncs: number;
  extentsSynced: number;
  /** Went on in another volume, because theirs lost too many copies. */
  movedExtents: number;
  reads: number;
  readBytes: number;
  refusedForSpace: number;
  refusedForLoad: number;
  /** Failed verifications, by reads and by the scrub. */
  damagedReads: number;
  damagedNeedles: number;
  droppedNeedles: number;
  orphanedNeedles: number;
  /** Candidates that turned out to be live. */
  sparedNeedles: number;
  garbageBytes: number;
  compactions: number;
  compactedBytes: number;
  reclaimedBytes: number;
  volumesRemoved: number;
  scrubbedBytes: number;
  /** Sent to other nodes that hold copies. */
  replicaWriteBytes: number;
  membersDropped: number;
  takeovers: number;
  /** Copies that were made anew on another node, and bytes that came to this node for it. */
  volumesHealed: number;
  healedBytes: number;
  /** Slots of this node's copies that were made whole by those of others. */
  mendedSlots: number;
  /** Bytes read from other nodes, questions to a second one because the first was slow, and to another one after a failure. */
  remoteReadBytes: number;
  hedgedReads: number;
  failedOverReads: number;
  /** Bytes of this node's copies that others have read. */
  servedBytes: number;
}

export function zeroCounters(): BlobCounters {
  return {
    appends: 0,
    appendBytes: 0,
    needleSyncs: 0,
    needlesSynced: 0,
    extentSyncs: 0,
    extentsSynced: 0,
    movedExtents: 0,
    reads: 0,
    readBytes: 0,
    refusedForSpace: 0,
    refusedForLoad: 0,
    damagedReads: 0,
    damagedNeedles: 0,
    droppedNeedles: 0,
    orphanedNeedles: 0,
    sparedNeedles: 0,
    garbageBytes: 0,
    compactions: 0,
    compactedBytes: 0,
    reclaimedBytes: 0,
    volumesRemoved: 0,
    scrubbedBytes: 0,
    replicaWriteBytes: 0,
    membersDropped: 0,
    takeovers: 0,
    volumesHealed: 0,
    healedBytes: 0,
    mendedSlots: 0,
    remoteReadBytes: 0,
    hedgedReads: 0,
    failedOverReads: 0,
    servedBytes: 0,
  };
}
