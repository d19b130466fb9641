// Three servers on loopback that keep three copies of everything, measured by the workloads of single servers.

import type { PeerKind } from "../s3/peer.ts";
import { NOT_HERE } from "../s3/peers/not-here.ts";
import type { Bar } from "../s3/report.ts";
import { ASHLAR_CLUSTER } from "./peers/ashlar.ts";
import { SEAWEEDFS_CLUSTER } from "./peers/seaweedfs.ts";

export const CLUSTERS: readonly PeerKind[] = [ASHLAR_CLUSTER, SEAWEEDFS_CLUSTER, ...NOT_HERE];

/** Of SeaweedFS, since MinIO can not be had: of that they would be 2 and 5 times. */
export const CLUSTER_BARS: readonly Bar[] = [
  { workloads: /^PUT 4 KiB/, peer: "SeaweedFS", ratio: 1.5 },
  { workloads: /^LIST/, peer: "SeaweedFS", ratio: 1.5 },
];
