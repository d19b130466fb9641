import { totalmem } from "node:os";
import type { Env } from "./env.ts";
import { NodeCompute, NodeRandom, nodeClock, nodeHttp, nodeNetwork, nodeTimers } from "./node/index.ts";
import { SimDisk, SimIndexes } from "./sim/index.ts";

export interface MemoryEnvOptions {
  /** What files may take in memory. Default: half of the machine's. */
  readonly bytesMax?: number;
}

/** The real world but for its disk: files and indexes live in memory and end with the process. */
export function createMemoryEnv(options: MemoryEnvOptions = {}): Env & AsyncDisposable {
  const compute = new NodeCompute();
  return {
    clock: nodeClock,
    timers: nodeTimers,
    random: new NodeRandom(),
    disk: new SimDisk({ bytesMax: options.bytesMax ?? Math.floor(totalmem() / 2) }).mount(),
    indexes: new SimIndexes().mount(),
    compute,
    http: nodeHttp,
    network: nodeNetwork,
    [Symbol.asyncDispose]: () => compute[Symbol.asyncDispose](),
  };
}
