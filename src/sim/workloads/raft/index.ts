import { RAFT_BUGS } from "../../../core/raft/index.ts";
import { HOST_BUGS, SESSION_BUGS } from "../../../host/index.ts";
import { LOG_BUGS } from "../../../log/index.ts";
import type { Workload } from "../../kernel/index.ts";
import { RaftCluster } from "./cluster.ts";
import { drawKnobs, type RaftKnobs } from "./knobs.ts";

/** The whole way of a replicated command: host, log, core and machine, and what clients see of them. */
export const RAFT: Workload<RaftKnobs> = {
  name: "raft",
  summary: "Raft hosts with their logs on faulty disks; what clients of a map see must be linearizable",
  seconds: 60,
  recoverySeconds: 120,
  nodes: [3, 7],
  spares: 2,
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
    "bit-rot": {},
    "lost-disk": {},
    "rolling-restart": {},
    "clock-jump": {},
    "clock-drift": {},
  },
  networkMillisMax: 15,
  bugs: { ...RAFT_BUGS, ...LOG_BUGS, ...HOST_BUGS, ...SESSION_BUGS },
  draw: drawKnobs,
  open: (run) => new RaftCluster(run),
};
