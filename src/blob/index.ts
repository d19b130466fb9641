export type { BlobAppend, BlobRef, Blobs, References } from "./blobs.ts";
export { BLOB_ERRORS, type BlobError, type BlobErrorCode } from "./errors.ts";
export type { BlobCounters, BlobEvent, DamageEvent } from "./events.ts";
export type { Healing } from "./healing/healer.ts";
export type { DataSafety, VolumeRisk } from "./healing/risk.ts";
export {
  type Inspected,
  inspectVolume,
  listVolumeFiles,
  type VolumeFile,
  type VolumeReport,
  verifyVolumeFile,
} from "./inspect.ts";
export type { NeedleName } from "./needle-rows.ts";
export { type BlobSettings, type LocalBlobs, openBlobs } from "./open-blobs.ts";
export { BLOB_OPTIONS, type BlobOptionEntry, type BlobOptions } from "./options.ts";
export { Pacer } from "./pacer.ts";
export type { BlobCluster, BlobNode } from "./replicas/neighbours.ts";
export type { BlobBug } from "./seeded-bugs.ts";
export type { BlobStatus, VolumeStatus } from "./status.ts";
