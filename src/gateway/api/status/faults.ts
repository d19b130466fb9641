// What is not as it should be, judged from the node's state. A fault names its object, says what is wrong in one sentence, and which
// command shows more of it or repairs it.

import type { BlobStatus, VolumeStatus } from "../../../blob/index.ts";
import { counted, formatBytes, formatDuration } from "../format.ts";

export interface Fault {
  readonly object: string;
  readonly severity: "warning" | "error";
  readonly what: string;
  readonly command: string;
}

export interface NodeState {
  readonly nowMillis: number;
  readonly failure: Error | undefined;
  readonly blobs: Pick<BlobStatus, "bytesFree" | "bytesTotal" | "bytesReserved" | "readersGraceMillis" | "volumes">;
  /** By volume: objects whose bytes are damaged, as far as they are known, at most DAMAGED_NAMED_MAX. */
  readonly damaged?: ReadonlyMap<number, readonly string[]>;
  readonly store: {
    readonly rowsDamaged: number;
    readonly checkpointsDamaged: number;
    /** Failed, and none has succeeded since. */
    readonly checkpointFailing: boolean;
  };
}

const DAY_MILLIS = 86_400_000;
export const DAMAGED_NAMED_MAX = 3;
/** Twice the time in which every volume is read through by default. */
const UNVERIFIED_MILLIS_MAX = 14 * DAY_MILLIS;

/** The gravest first. */
export function faultsOf(state: NodeState): Fault[] {
  const faults = [...nodeFaults(state), ...storeFaults(state)];
  for (const volume of state.blobs.volumes) faults.push(...volumeFaults(volume, state));
  const isError = ({ severity }: Fault): boolean => severity === "error";
  return [...faults.filter(isError), ...faults.filter((fault) => !isError(fault))];
}

/** Writes are refused. */
export function isSpaceReserved({
  bytesFree,
  bytesReserved,
}: Pick<BlobStatus, "bytesFree" | "bytesReserved">): boolean {
  return bytesFree <= bytesReserved;
}

function* nodeFaults({ failure, blobs }: NodeState): Generator<Fault, void, void> {
  if (failure !== undefined) {
    const what = `The node stops: ${failure.message}`;
    yield { object: "node", severity: "error", what, command: "ashlar log inspect DATA-DIR" };
  }
  const { bytesFree, bytesReserved } = blobs;
  const command = "ashlar object rm BUCKET/PREFIX --recursive";
  if (isSpaceReserved(blobs)) {
    const what = `Writes are refused: ${formatBytes(bytesFree)} are free, and ${formatBytes(bytesReserved)} are reserved`;
    yield { object: "disk", severity: "error", what: `${what}; ${comingBack(blobs)}.`, command };
  } else if (bytesFree < bytesReserved * 2) {
    const what = `Space runs out: ${formatBytes(bytesFree - bytesReserved)} are left until writes are refused.`;
    yield { object: "disk", severity: "warning", what, command };
  }
}

/** What is deleted is garbage only after the readers' grace, and then waits for compaction. */
function comingBack({ readersGraceMillis, volumes }: NodeState["blobs"]): string {
  const garbageBytes = volumes.reduce((sum, volume) => sum + volume.garbageBytes, 0);
  const deleted = `what is deleted comes back from ${formatDuration(readersGraceMillis)} later on, as volumes are compacted`;
  return garbageBytes === 0 ? deleted : `${formatBytes(garbageBytes)} are garbage already, and ${deleted}`;
}

function* storeFaults({ store }: NodeState): Generator<Fault, void, void> {
  if (store.rowsDamaged > 0) {
    const what = "Rows of the index fail their checksum; a restart rebuilds it from checkpoint and log.";
    yield { object: "store", severity: "error", what, command: "systemctl restart ashlar" };
  }
  if (store.checkpointFailing) {
    const what = "Checkpoints can not be written, so the log grows.";
    yield { object: "store", severity: "warning", what, command: "ashlar store checkpoint" };
  }
  if (store.checkpointsDamaged > 0) {
    const what = `${counted(store.checkpointsDamaged, "checkpoint")} could not be read at the start and was left behind.`;
    yield { object: "store", severity: "warning", what, command: "ashlar store checkpoint" };
  }
}

function* volumeFaults(volume: VolumeStatus, { nowMillis, damaged }: NodeState): Generator<Fault, void, void> {
  const object = `volume ${volume.volume}`;
  const command = `ashlar volume verify ${volume.volume}`;
  if (volume.unsound) {
    yield { object, severity: "error", what: "The volume's file is missing or shorter than it has to be.", command };
  }
  if (volume.damagedCount > 0) {
    const what = `${counted(volume.damagedCount, "needle")} of the volume can not be read; restore the objects from a copy`;
    const names = damaged?.get(volume.volume) ?? [];
    const named =
      names.length === 0 ? "" : `: ${names.join(", ")}${names.length < volume.damagedCount ? " and others" : ""}`;
    yield { object, severity: "error", what: `${what}${named}.`, command };
  }
  const ageMillis = nowMillis - Math.max(volume.verifiedMillis, volume.createdMillis);
  if (volume.state === "sealed" && ageMillis > UNVERIFIED_MILLIS_MAX) {
    const what = `The volume has not been read through for ${formatDuration(ageMillis)}.`;
    yield { object, severity: "warning", what, command };
  }
}
