import type { SimOptions } from "./sim-cluster.ts";

const FAULTS = { loss: 0.05, duplication: 0.05, crash: 0.002, partition: 0.004, compaction: 0.002, transfer: 0.0005 };
const ASYNC = { asyncStorageWrites: true };

/** Groups and what befalls them, each with one thing that the others do not have. */
export const FAULTY_GROUPS: Readonly<Record<string, SimOptions>> = {
  "three nodes": { nodes: 3, ...FAULTS },
  "five nodes with asynchronous storage writes": { nodes: 5, raft: ASYNC, ...FAULTS },
  "nodes without pre-vote and checks of the quorum": {
    nodes: 3,
    raft: { preVote: false, checkQuorum: false },
    ...FAULTS,
  },
  "changing members": { nodes: 4, ...FAULTS, membership: 0.003 },
  "changing members with asynchronous storage writes": { nodes: 4, raft: ASYNC, ...FAULTS, membership: 0.003 },
  "nodes that lose their disks": { nodes: 5, ...FAULTS, diskLoss: 0.01 },
  "nodes that lose their disks and change members": { nodes: 4, ...FAULTS, diskLoss: 0.005, membership: 0.001 },
  "two nodes and a witness": { nodes: 3, witnesses: [3], ...FAULTS },
  "five nodes of which two commit": { nodes: 5, commitQuorum: 2, ...FAULTS, membership: 0.001 },
  "nodes that fall silent": { nodes: 3, raft: { quiesceTicks: 5 }, ...FAULTS },
  "lease reads under even clocks": {
    nodes: 3,
    hasEvenClocks: true,
    raft: { reads: "lease-assuming-bounded-clock-drift" },
    ...FAULTS,
  },
};
