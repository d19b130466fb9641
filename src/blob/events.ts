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
}

export function zeroCounters(): BlobCounters {
  return {
    appends: 0,
    appendBytes: 0,
    needleSyncs: 0,
    needlesSynced: 0,
    extentSyncs: 0,
    extentsSynced: 0,
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
  };
}
