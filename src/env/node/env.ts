import type { Env } from "../env.ts";
import { nodeClock } from "./clock.ts";
import { NodeCompute } from "./compute.ts";
import { makeFolder, NodeDisk } from "./disk.ts";
import { nodeHttp } from "./http.ts";
import { LmdbIndexes } from "./lmdb-indexes.ts";
import { nodeNetwork } from "./network.ts";
import { NodeRandom } from "./random.ts";
import { nodeTimers } from "./timers.ts";

export interface NodeEnvOptions {
  /** Made if it is missing. All files and indexes are below it. */
  readonly dataDirectory: string;
}

/** The real world. Closing it ends its threads; files, indexes and listeners are closed by who opened them. */
export async function createNodeEnv(options: NodeEnvOptions): Promise<Env & AsyncDisposable> {
  const { dataDirectory } = options;
  await makeFolder(dataDirectory, dataDirectory, 0o700);
  const compute = new NodeCompute();
  return {
    clock: nodeClock,
    timers: nodeTimers,
    random: new NodeRandom(),
    disk: new NodeDisk(dataDirectory),
    indexes: new LmdbIndexes(dataDirectory),
    compute,
    http: nodeHttp,
    network: nodeNetwork,
    [Symbol.asyncDispose]: () => compute[Symbol.asyncDispose](),
  };
}
