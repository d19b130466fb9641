import { NODE_BUGS } from "../../server/index.ts";
import type { Workload } from "../kernel/index.ts";
import { ServerCluster } from "./cluster.ts";
import { type ClusterKnobs, drawKnobs } from "./knobs.ts";

/** Whole servers, from S3 to the disk, with nothing in them that knows of the simulation. */
export const CLUSTER: Workload<ClusterKnobs> = {
  name: "cluster",
  summary:
    "Whole servers with S3 on them, while nodes come and go: nothing acknowledged is lost, and what clients see has one order",
  seconds: 20,
  recoverySeconds: 60,
  nodes: [3, 7],
  spares: 2,
  faults: {
    crash: { weight: 3 },
    kill: { weight: 2 },
    pause: { weight: 2, millis: [100, 6_000] },
    partition: { weight: 3, millis: [200, 8_000] },
    isolate: { weight: 2, millis: [200, 8_000] },
    "slow-link": {},
    "bad-network": {},
    "slow-disk": { weight: 2 },
    "full-disk": {},
    "failed-sync": {},
    "lost-disk": { weight: 2 },
    "rolling-restart": {},
    "clock-jump": {},
    "clock-drift": {},
  },
  networkMillisMax: 15,
  bugs: NODE_BUGS,
  draw: drawKnobs,
  open: (run) => new ServerCluster(run),
};
