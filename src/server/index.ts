export { beginCluster } from "./begin-cluster.ts";
export { readClusterFile } from "./cluster-file.ts";
export { composeNode, type NodeParts, type RunningNode } from "./compose.ts";
export * from "./library.ts";
export { Logger } from "./logger.ts";
export { NODE_BUGS, type NodeBugs } from "./seeded-bugs.ts";
