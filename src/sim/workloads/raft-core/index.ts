import { RAFT_BUGS } from "../../../core/raft/index.ts";
import type { Workload } from "../../kernel/index.ts";
import { RaftCoreCluster } from "./cluster.ts";
import { drawKnobs, type RaftCoreKnobs } from "./knobs.ts";

/** Cores of `core/raft` with the plainest owner there can be: what goes wrong here goes wrong in the core. */
export const RAFT_CORE: Workload<RaftCoreKnobs> = {
  name: "raft-core",
  summary: "Raft cores over datagrams, each with a plain write-ahead log: the paper's safety properties at every step",
  seconds: 60,
  recoverySeconds: 60,
  nodes: [3, 7],
  spares: 3,
  faults: {
    crash: { weight: 3 },
    kill: {},
    pause: { weight: 2 },
    partition: { weight: 3 },
    isolate: { weight: 2 },
    "slow-link": {},
    "bad-network": {},
    "slow-disk": { weight: 2 },
    "full-disk": {},
    "failed-sync": {},
    "rolling-restart": {},
    "lost-disk": {},
    "clock-jump": {},
    "clock-drift": {},
  },
  networkMillisMax: 15,
  bugs: RAFT_BUGS,
  draw: drawKnobs,
  open: (run) => new RaftCoreCluster(run, run.size),
};
