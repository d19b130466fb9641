export { nodeClock } from "./clock.ts";
export { NodeCompute, type NodeComputeOptions } from "./compute.ts";
export { makeFolder, NodeDisk } from "./disk.ts";
export { createNodeEnv, type NodeEnvOptions } from "./env.ts";
export { nodeHttp } from "./http.ts";
export { LmdbIndexes } from "./lmdb-indexes.ts";
export { nodeNetwork } from "./network.ts";
export { NodeRandom } from "./random.ts";
export { nodeTimers } from "./timers.ts";
