import { createNodeEnv } from "../env/node/index.ts";
import { parseAddress } from "../std/options.ts";
import { beginCluster, joinCluster } from "./begin-cluster.ts";
import { serverFailure } from "./errors.ts";
import { systemPath } from "./options.ts";

export interface BeginDirectory {
  readonly dataDirectory: string;
  /** Of the cluster, for people. */
  readonly name: string;
  readonly zone: string;
  readonly tls: boolean;
}

/** Makes a data directory the first of a cluster. The join token; rejects as `beginCluster`, and where a server runs in it. */
export async function beginDataDirectory({ dataDirectory, ...options }: BeginDirectory): Promise<string> {
  await using env = await createNodeEnv({ dataDirectory });
  await using _ = await env.disk.lock();
  return await beginCluster(env, options);
}

export interface JoinDirectory {
  readonly dataDirectory: string;
  /** `host:port` of any node of the cluster. */
  readonly address: string;
  readonly token: string;
  /** `host:port` where this node will listen for the others. */
  readonly peer: string;
  readonly zone: string;
}

/** Makes an empty data directory a node's of a cluster. The node's number; rejects as `joinCluster`. */
export async function joinDataDirectory({ dataDirectory, address: text, ...options }: JoinDirectory): Promise<number> {
  const address = parseAddress(text);
  if (address === undefined)
    throw serverFailure("CLUSTER_OPTIONS_INVALID", { what: `${text} is not of the form HOST:PORT.` });
  await using env = await createNodeEnv({ dataDirectory });
  await using _ = await env.disk.lock();
  return await joinCluster(env, {
    ...options,
    address,
    pathOf: (name) => systemPath({ dataDir: dataDirectory }, name),
  });
}
