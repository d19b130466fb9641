import { NodeRandom, nodeClock, nodeTimers } from "../env/node/index.ts";
import type { RaftEnv } from "./storage/raft-storage.ts";

/** Node's clock, timers and chance. Its turns end with what sockets have to send. */
export const nodeEnv: RaftEnv = { clock: nodeClock, timers: nodeTimers, random: new NodeRandom() };
