// What is not as it should be, judged from the node's state. A fault names its object, says what is wrong in one sentence, and which
// command shows more of it or repairs it.

import type { BlobStatus, VolumeStatus } from "../../../blob/index.ts";
import type { ClusterStatus } from "../../../cluster/index.ts";
import type { IdsTrouble } from "../../../service/ids/index.ts";
import { counted, formatBytes, formatDuration } from "../../../std/quantities.ts";

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
  /** Ids that could not be had of late. */
  readonly ids?: readonly IdsTrouble[];
  /** Undefined for a node that is alone; `unknown` where nobody could tell how the cluster is. */
  readonly cluster?: Pick<ClusterStatus, "canLose" | "summary" | "nodes" | "data"> | "unknown" | undefined;
}

const DAY_MILLIS = 86_400_000;
export const DAMAGED_NAMED_MAX = 3;
/** Twice the time in which every volume is read through by default. */
const UNVERIFIED_MILLIS_MAX = 14 * DAY_MILLIS;
/** Nodes renew their certificates long before. */
const CERTIFICATE_MILLIS_MIN = 7 * DAY_MILLIS;

/** The gravest first. */
export function faultsOf(state: NodeState): Fault[] {
  const faults = [...nodeFaults(state), ...clusterFaults(state), ...storeFaults(state), ...idsFaults(state)];
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

function* clusterFaults({ cluster, nowMillis }: NodeState): Generator<Fault, void, void> {
  if (cluster === undefined) return;
  const command = "ashlar cluster status";
  if (cluster === "unknown") {
    const what = "Nobody who leads the cluster can be reached from here: writes wait, and so do most reads.";
    yield { object: "cluster", severity: "error", what, command };
    return;
  }
  if (cluster.canLose < 0) yield { object: "cluster", severity: "error", what: cluster.summary, command };
  const short = cluster.data?.atRisk.filter(({ missing }) => missing > 0).length ?? 0;
  if (short > 0) {
    const copying = `${formatBytes(cluster.data!.missingBytes)} are to be copied`;
    const what = `${counted(short, "volume")} of the cluster ${short === 1 ? "has" : "have"} too few copies; ${copying}.`;
    yield { object: "data", severity: "warning", what, command };
  }
  for (const { id, state, isAlive, certificateEndMillis } of cluster.nodes) {
    if (state !== "active" && state !== "draining") continue;
    const object = `node ${id}`;
    if (!isAlive) yield { object, severity: "warning", what: `Node ${id} does not answer.`, command };
    const leftMillis = certificateEndMillis - nowMillis;
    if (certificateEndMillis === 0 || leftMillis > CERTIFICATE_MILLIS_MIN) continue;
    const what =
      leftMillis > 0
        ? `The certificate of node ${id} ends in ${formatDuration(leftMillis)}.`
        : `The certificate of node ${id} has ended: the others refuse it.`;
    yield { object, severity: leftMillis > 0 ? "warning" : "error", what, command: "ashlar cluster certs" };
  }
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

/** Of many things alike the first ones are enough. */
const IDS_NAMED_MAX = 5;

function* idsFaults({ ids = [] }: NodeState): Generator<Fault, void, void> {
  for (const { of, failure } of ids.slice(0, IDS_NAMED_MAX)) {
    const isTag = "tag" in of;
    const object = isTag ? `tag ${of.tag}` : `generator ${of.generator}`;
    const what = `${isTag ? `Tag ${of.tag}` : `Generator ${of.generator}`} gives no ids: ${failure.message}`;
    yield { object, severity: "warning", what, command: isTag ? "ashlar id tags" : "ashlar id generators" };
  }
  const more = ids.length - IDS_NAMED_MAX;
  if (more <= 0) return;
  const what = `${counted(more, "more generator or tag", "more generators and tags")} give no ids.`;
  yield { object: "ids", severity: "warning", what, command: "ashlar id tags" };
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
