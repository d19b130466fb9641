import { CLUSTER_BUGS, type ClusterBugs, RANGE_BUGS, type RangeBugs } from "../cluster/index.ts";
import { HOST_BUGS, type HostBugs } from "../host/index.ts";
import { LOG_BUGS, type LogBugs } from "../log/index.ts";
import { OBJECT_BUGS, type ObjectBugs } from "../service/objects/index.ts";

/** Mistakes of a node's parts that simulations switch on. Production code never passes any. */
export const NODE_BUGS: Readonly<Record<string, string>> = {
  ...LOG_BUGS,
  ...HOST_BUGS,
  ...CLUSTER_BUGS,
  ...RANGE_BUGS,
  ...OBJECT_BUGS,
};

export type NodeBugs = LogBugs & HostBugs & ClusterBugs & RangeBugs & ObjectBugs;

export const NO_NODE_BUGS: NodeBugs = new Set<never>();
