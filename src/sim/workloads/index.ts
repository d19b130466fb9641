import { CLUSTER } from "../cluster/index.ts";
import type { Workload } from "../kernel/index.ts";
import { RAFT } from "./raft/index.ts";
import { RAFT_CORE } from "./raft-core/index.ts";

/** What `ashlar sim` runs, by name. */
export const WORKLOADS: readonly Workload[] = [CLUSTER, RAFT, RAFT_CORE];
