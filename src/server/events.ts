import type { BlobEvent, LocalBlobs } from "../blob/index.ts";
import type { GroupKeeperEvent, MoverEvent } from "../cluster/index.ts";
import { actEventAs, type EventLog, type NewEvent, type OperationName } from "../gateway/api/index.ts";
import type { ActName, S3Act } from "../gateway/s3/index.ts";
import type { GroupEvent } from "../host/index.ts";
import type { IdsEvent } from "../service/ids/index.ts";
import { type NamedOwner, nameOfOwner } from "../service/objects/index.ts";
import { formatBytes } from "../std/quantities.ts";
import type { Store } from "../store/index.ts";
import type { Logger } from "./logger.ts";

/** Operations of the API that do the same as those of S3. */
const SAME_ACTS: Readonly<Record<ActName, OperationName>> = {
  CreateBucket: "createBucket",
  DeleteBucket: "deleteBucket",
  PutBucketVersioning: "putVersioning",
  PutBucketPolicy: "putBucketPolicy",
  DeleteBucketPolicy: "deleteBucketPolicy",
  PutBucketCors: "putBucketCors",
  DeleteBucketCors: "deleteBucketCors",
  PutBucketTagging: "putBucketTags",
  DeleteBucketTagging: "deleteBucketTags",
};

/** What administrators do over S3 stands among the operator's events as if they had done it over the API. */
export function s3ActTo(events: EventLog): (act: S3Act) => void {
  return ({ operation, bucket, principal, address, requestId }) => {
    events.record(actEventAs(SAME_ACTS[operation], { path: { bucket }, actor: principal, address, requestId }));
  };
}

/** The index was missing, or could not be trusted. Nothing is lost, but a disk that did this is worth a look. */
export function tellOfRebuild(logger: Logger, events: EventLog): void {
  logger.warning("store.index-rebuilt");
  const text =
    "The index was missing or could not be trusted; it was rebuilt from checkpoint and log, and nothing is lost.";
  events.record({ severity: "warning", kind: "index-rebuilt", object: "store", text });
}

/** Who leads, and what befalls a group of several nodes. */
export function groupEventTo(logger: Logger): (event: GroupEvent) => void {
  return ({ kind, ...fields }) => {
    if (kind === "snapshot-failed") logger.warning(`raft.${kind}`, fields);
    else logger.info(`raft.${kind}`, fields);
  };
}

/** Groups that this node opens and gives up, and keys that it brings from one to another. */
export function rangeEventTo(logger: Logger): (event: GroupKeeperEvent | MoverEvent) => void {
  return (event) => {
    if ("transfer" in event) {
      const { id, source, target, attempt } = event.transfer;
      logger.info(`ranges.${event.kind}`, { transfer: id, source, target, attempt });
      return;
    }
    const { kind, ...fields } = event;
    if (kind === "refetched") logger.warning(`ranges.${kind}`, fields);
    else logger.info(`ranges.${kind}`, fields);
  };
}

/** Ids that can not be had, and worker numbers that others have taken over. */
export function idsEventTo(logger: Pick<Logger, "warning">, events: EventLog): (event: IdsEvent) => void {
  return (event) => {
    const { kind } = event;
    if (kind === "worker-lost") {
      const { generator, worker } = event;
      logger.warning("ids.worker-lost", { generator, worker });
      const text = `Another node has worker number ${worker} of generator ${generator} now: this one was paused, or their clocks differ.`;
      events.record({ severity: "warning", kind, object: `generator ${generator}`, text });
      return;
    }
    const { of, failure } = event;
    logger.warning("ids.refused", { ...of, code: failure.code });
    const object = "tag" in of ? `tag ${of.tag}` : `generator ${of.generator}`;
    const subject = object.replace(/^./, (letter) => letter.toUpperCase());
    events.record({ severity: "warning", kind, object, text: `${subject} gives no ids: ${failure.message}` });
  };
}

/** Whose bytes a needle holds; undefined where that can not be found out. */
export type NameNeedle = (volume: number, needle: number) => Promise<NamedOwner | undefined>;

/** Volumes report damage while they open, too: it is named as soon as they are open. */
export function namesOfNeedles(store: Store, opened: Promise<Pick<LocalBlobs, "ownerOf">>): NameNeedle {
  return async (volume, needle) => {
    const owner = await (await opened).ownerOf(volume, needle);
    return owner && nameOfOwner(store, owner);
  };
}

/**
 * What the volumes report goes to the log, and to the operator's events in words. Damage is told at once in the log, and
 * once more with the object's name when that is found.
 */
export function blobEventTo(logger: Logger, events: EventLog, nameOf: NameNeedle): (event: BlobEvent) => void {
  return (event) => {
    const { kind, ...fields } = event;
    const told = inWords(event);
    if (told.severity === "info") logger.info(`blob.${kind}`, fields);
    else logger.warning(`blob.${kind}`, fields);
    if (event.kind !== "damage" || event.needle === undefined) events.record({ kind, ...told });
    else void tellWithName(event.volume, event.needle);
  };

  async function tellWithName(volume: number, needle: number): Promise<void> {
    const object = `volume ${volume}`;
    const owner = await nameOf(volume, needle).catch(() => undefined);
    if (owner !== undefined) logger.warning("blob.damaged-object", { volume, needle, ...owner });
    const whose = owner === undefined ? "" : ` of ${owner.bucket}/${owner.key}`;
    const text = `Bytes${whose} in volume ${volume} (needle ${needle}) are damaged; they are not served.`;
    events.record({ kind: "damage", severity: "error", object, text });
  }
}

function inWords(event: BlobEvent): Omit<NewEvent, "kind"> {
  const object = "volume" in event ? `volume ${event.volume}` : "node";
  switch (event.kind) {
    case "volume-opened":
      return { severity: "info", object, text: `Volume ${event.volume} was opened for ${event.volumeKind}.` };
    case "volume-sealed":
      return { severity: "info", object, text: `Volume ${event.volume} was sealed at ${event.bytes} bytes.` };
    case "volume-compacted": {
      const { volume, bytesBefore, bytesAfter } = event;
      return {
        severity: "info",
        object,
        text: `Volume ${volume} was compacted from ${bytesBefore} to ${bytesAfter} bytes.`,
      };
    }
    case "volume-removed":
      return { severity: "info", object, text: `Volume ${event.volume} held nothing any more and was removed.` };
    case "member-dropped":
      return {
        severity: "warning",
        object,
        text: `Volume ${event.volume} goes on without its copy on node ${event.member}, which was late or away.`,
      };
    case "volume-taken-over":
      return {
        severity: "warning",
        object,
        text: `This node looks after volume ${event.volume} now, in place of node ${event.writer}.`,
      };
    case "copy-removed":
      return {
        severity: "info",
        object,
        text: `This node's file of volume ${event.volume} was removed: other nodes hold its copies.`,
      };
    case "volume-healed": {
      const text = `Volume ${event.volume} has a copy on node ${event.member} now (${formatBytes(event.bytes)}).`;
      return { severity: "info", object, text };
    }
    case "copy-mended": {
      const places = `${event.slots} ${event.slots === 1 ? "place" : "places"}`;
      const text = `What was damaged in this node's copy of volume ${event.volume} is whole again, by other copies: ${places}.`;
      return { severity: "info", object, text };
    }
    case "tail-torn":
      return {
        severity: "info",
        object,
        text: `The end of volume ${event.volume}, which was never acknowledged, was cleared after a crash.`,
      };
    case "damage":
      return { severity: "error", object, text: `Bytes of volume ${event.volume} are damaged; they are not served.` };
    case "file-unknown":
      return {
        severity: "warning",
        object: event.name,
        text: `The file ${event.name} belongs to no volume and is left alone.`,
      };
    case "space-low":
      return { severity: "warning", object, text: "Free space is below the reserve: writes are refused." };
    case "task-failed":
      return {
        severity: "warning",
        object: event.task,
        text: `The background task ${event.task} failed and will try again.`,
      };
  }
}
