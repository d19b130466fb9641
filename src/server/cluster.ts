// A node that shares its Store with others: who they are, and how they reach each other. It is said at each start, the
// same on all of them, and does not change.

import type { Disk, Env, Timers } from "../env/index.ts";
import { type PeerAddress, PeerTransport } from "../peer/index.ts";
import { fromHex } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { parseAddress } from "../std/options.ts";
import { type Store, TABLES } from "../store/index.ts";
import { serverFailure } from "./errors.ts";
import { isLoopback } from "./listeners.ts";
import type { Logger } from "./logger.ts";
import type { ServerOptions } from "./options.ts";
import { readSmallFile, writeSmallFile } from "./small-file.ts";

export interface ClusterSettings {
  readonly name: string;
  readonly nodeId: number;
  /** All of them, this one too, in ascending order. */
  readonly nodes: readonly number[];
  readonly peers: ReadonlyMap<number, PeerAddress>;
  /** What secrets in the Store are sealed with. */
  readonly sealKey: Uint8Array;
}

const FILE = "cluster.json";
const NODE_ID_MAX = 2 ** 32 - 1;
const LEADER_RETRY_MILLIS = 500;

/** Undefined for a node that is alone. Throws CLUSTER_OPTIONS_INVALID. */
export function clusterSettings(options: ServerOptions): ClusterSettings | undefined {
  const { nodeId, peer, cluster, sealKey, rootAccessKey, rootSecretKey } = options;
  if (peer.length === 0) {
    if (nodeId === 0 && cluster === undefined && sealKey === undefined) return undefined;
    throw invalid("--node-id, --cluster and the seal key are a cluster's, and no --peer is given.");
  }
  if (nodeId === 0) throw invalid("--node-id is missing: each node of a cluster has another one.");
  if (cluster === undefined) throw invalid("--cluster is missing: the name that all nodes share.");
  if (rootAccessKey === undefined || rootSecretKey === undefined) {
    throw invalid("ASHLAR_ROOT_ACCESS_KEY and ASHLAR_ROOT_SECRET_KEY are missing: all nodes share one root key.");
  }
  const sealed = fromHex(sealKey ?? "");
  if (sealed?.length !== 32) {
    throw invalid(
      "ASHLAR_SEAL_KEY is missing or not 64 hexadecimal digits: all nodes share one (`openssl rand -hex 32`).",
    );
  }
  const peers = new Map(peer.map((text) => parsePeer(text)));
  if (peers.size !== peer.length || peers.has(nodeId)) throw invalid("--peer names a node twice, or this node.");
  const nodes = [nodeId, ...peers.keys()].sort((left, right) => left - right);
  return { name: cluster, nodeId, nodes, peers, sealKey: sealed };
}

/** Writes down which node of which cluster the data is of. Rejects with CLUSTER_CHANGED where that is another one. */
export async function settleMembership(
  disk: Disk,
  cluster: ClusterSettings | undefined,
  isNew: boolean,
): Promise<void> {
  const stored = await readSmallFile(disk, FILE);
  if (cluster === undefined) {
    if (stored === undefined) return;
    throw serverFailure("CLUSTER_CHANGED", {
      what: "The data directory is of a node of a cluster, and no --peer is given.",
    });
  }
  const { name, nodeId, nodes } = cluster;
  const content = `${JSON.stringify({ cluster: name, nodeId, nodes }, undefined, 2)}\n`;
  if (stored === content) return;
  if (stored !== undefined) throw serverFailure("CLUSTER_CHANGED", { data: { stored, given: content } });
  if (!isNew) {
    throw serverFailure("CLUSTER_CHANGED", {
      what: "The data directory is of a node that was alone: it can not join others.",
    });
  }
  await writeSmallFile(disk, FILE, content);
}

/** Takes the address on which other nodes reach this one. */
export async function listenToPeers(
  env: Env,
  { name, nodeId, peers }: ClusterSettings,
  options: ServerOptions,
  logger: Logger,
): Promise<PeerTransport> {
  const { peerListen, peerTlsCert: certFile, peerTlsKey: keyFile, peerTlsCa: caFile, allowPlaintext } = options;
  const given = [certFile, keyFile, caFile].filter((file) => file !== undefined).length;
  if (given > 0 && given < 3) throw serverFailure("TLS_INCOMPLETE", { data: { listener: "peer" } });
  const tls = certFile !== undefined && keyFile !== undefined && caFile !== undefined && { certFile, keyFile, caFile };
  const listen = parseAddress(peerListen)!;
  if (!tls && !isLoopback(listen.host) && !allowPlaintext) {
    throw serverFailure("PLAINTEXT_REFUSED", {
      what: `--peer-listen ${peerListen} is not loopback and has no TLS.`,
      data: { listener: "peer", address: peerListen },
    });
  }
  try {
    return await PeerTransport.listen({
      ...{ env, nodeId, cluster: name, listen, peers },
      ...(tls && { tls }),
      event: ({ kind, ...fields }) => logger.info(`peer.${kind}`, fields),
    });
  } catch (cause) {
    if (!hasCode(cause, "ADDRESS_TAKEN") && !hasCode(cause, "ADDRESS_INVALID")) throw cause;
    const what = `--peer-listen ${peerListen}: ${cause.message}`;
    throw serverFailure("ADDRESS_REFUSED", { what, data: { listener: "peer", address: peerListen }, cause });
  }
}

/** Resolves once a majority of the nodes is there. */
export async function waitForLeader(store: Store, timers: Timers, logger: Logger): Promise<void> {
  for (let isTold = false; ; isTold = true) {
    try {
      await store.scan(TABLES.bucket, {}, { limit: 1 });
      return;
    } catch (error) {
      if (!hasCode(error, "NO_LEADER")) throw error;
      if (!isTold) logger.warning("cluster.no-leader", { advice: error.advice });
      await new Promise<void>((resolve) => void timers.after(LEADER_RETRY_MILLIS, resolve));
    }
  }
}

function parsePeer(text: string): readonly [number, PeerAddress] {
  const at = text.indexOf("=");
  const id = Number(text.slice(0, at));
  const address = parseAddress(text.slice(at + 1));
  const isId = at > 0 && /^\d{1,10}$/.test(text.slice(0, at)) && id >= 1 && id <= NODE_ID_MAX;
  if (!isId || address === undefined || address.port === 0) {
    throw invalid(`--peer ${text} is not of the form ID=HOST:PORT, as in 2=10.0.0.2:9200.`);
  }
  return [id, address];
}

function invalid(what: string): Error {
  return serverFailure("CLUSTER_OPTIONS_INVALID", { what });
}
