import type { VolumeKind } from "./format.ts";
import type { Healing } from "./healing/healer.ts";
import type { DataSafety } from "./healing/risk.ts";
import type { OpenVolume } from "./open-volume.ts";
import type { Volume } from "./registry.ts";
import type { VolumeState } from "./volume-row.ts";

export interface BlobStatus {
  readonly bytesFree: number;
  readonly bytesTotal: number;
  readonly bytesReserved: number;
  /** How long the bytes of what is deleted stay for those who read them. */
  readonly readersGraceMillis: number;
  /** Memory of running appends. */
  readonly memoryBytes: number;
  readonly appendsWaiting: number;
  readonly needlesInFlight: number;
  readonly filesOpen: number;
  /** Of all volumes of the cluster; undefined for a node that is alone. */
  readonly safety: DataSafety | undefined;
  /** The copy that this node has made on another one now. */
  readonly healing: Healing | undefined;
  /** False while garbage is still being counted after a start. */
  readonly garbageCounted: boolean;
  readonly volumes: readonly VolumeStatus[];
}

export interface VolumeStatus {
  readonly volume: number;
  readonly state: VolumeState;
  readonly kind: VolumeKind;
  readonly generation: number;
  readonly epoch: number;
  readonly writer: string;
  readonly members: readonly string[];
  readonly createdMillis: number;
  /** Settled length where open, else the file's. */
  readonly bytes: number;
  readonly garbageBytes: number;
  /** 0: never. */
  readonly verifiedMillis: number;
  readonly damagedCount: number;
  /** The first of them. */
  readonly damagedNeedles: readonly number[];
  readonly sweptMillis: number;
  /** The file is missing or too short. */
  readonly unsound: boolean;
}

export function volumeStatus(volume: Volume, open: OpenVolume | undefined): VolumeStatus {
  const { row, ledger } = volume;
  return {
    volume: volume.id,
    state: row.state,
    kind: row.kind,
    generation: row.generation,
    epoch: row.epoch,
    writer: row.writer,
    members: row.members,
    createdMillis: row.createdMillis,
    bytes: open?.durable ?? row.durable,
    garbageBytes: volume.garbageBytes + (open?.gapBytes ?? row.gapBytes),
    verifiedMillis: ledger.verifiedMillis,
    damagedCount: ledger.damage.count,
    damagedNeedles: ledger.damage.needles,
    sweptMillis: ledger.sweptMillis,
    unsound: volume.unsound,
  };
}
