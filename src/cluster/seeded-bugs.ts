/** Mistakes that tests switch on to prove that the simulator finds them. Production code never passes any. */
export const CLUSTER_BUGS = {
  "claim-from-any-directory":
    "A start is claimed for whoever says the node's number, from whatever state of its data directory.",
  "remove-past-quorum": "A node is removed though too few of the others answer to go on without it.",
} as const;

export type ClusterBug = keyof typeof CLUSTER_BUGS;

export type ClusterBugs = ReadonlySet<ClusterBug>;

export const NO_CLUSTER_BUGS: ClusterBugs = new Set();
