// A node that shares its Store with others: how it becomes one, starts, and takes part. composeNode calls these in order.

import {
  authorityRow,
  type Claim,
  type ClusterBugs,
  claimStart,
  claimThroughPeers,
  clusterFailure,
  foundCluster,
  Membership,
  type MembershipOptions,
  readAuthority,
} from "../cluster/index.ts";
import { certificateEnd } from "../env/certificates.ts";
import { type SealingCipher, sha256 } from "../env/crypto.ts";
import type { Disk, Env } from "../env/index.ts";
import { type Admits, type PeerAddress, type PeerEvent, PeerTransport } from "../peer/index.ts";
import { fromHex, toHex } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { parseAddress } from "../std/options.ts";
import { type Store, TABLES } from "../store/index.ts";
import { joinCluster } from "./begin-cluster.ts";
import { CLUSTER_FILES, type ClusterFile, readClusterFile, writeClusterFile } from "./cluster-file.ts";
import { serverFailure } from "./errors.ts";
import { isLoopback } from "./listeners.ts";
import type { Logger } from "./logger.ts";
import { type ServerOptions, systemPath } from "./options.ts";
import { tellOfPeers } from "./peer-log.ts";
import { readSmallFile } from "./small-file.ts";
import type { Starting } from "./starting.ts";

/** Starts that came to nothing, whose claims may have been made all the same. */
const LIVES_MAX = 64;

/** This node's part in its cluster, before its Store is open. */
export interface ClusterNode extends AsyncDisposable {
  readonly file: ClusterFile;
  readonly transport: PeerTransport;
  /** Where the others reach it. */
  readonly peer: string;
  /** Asks whoever runs whether this may be a start of this node. Rejects with NODE_SUPERSEDED, NODE_REMOVED, NODE_UNKNOWN. */
  claim(): Promise<void>;
  /** From now on it follows its cluster, and answers for it. */
  takePart(parts: PartSettings): Promise<Membership>;
}

export interface PartSettings {
  readonly store: Store;
  readonly group: MembershipOptions["group"];
  readonly ranges: MembershipOptions["ranges"];
  readonly cipher: SealingCipher;
  /** Identity files that a new node begins with. */
  readonly shared: Readonly<Record<string, string>>;
  readonly starting: Starting;
  readonly onFatal: (error: Error) => void;
  readonly bugs: ClusterBugs;
}

/** Joins where that is asked for and not done, and counts the start. Undefined for a node that is alone. */
export async function readCluster(env: Env, options: ServerOptions): Promise<ClusterFile | undefined> {
  const { join, joinToken, peerListen, zone } = options;
  let file = await readClusterFile(env.disk);
  if (file === undefined) {
    if (join === undefined && joinToken === undefined) return undefined;
    const address = join === undefined ? undefined : parseAddress(join);
    if (address === undefined || joinToken === undefined) throw serverFailure("CLUSTER_OPTIONS_INVALID");
    const peer = options.peerAddress ?? peerListen;
    if (parseAddress(peer)!.port === 0) {
      throw serverFailure("CLUSTER_OPTIONS_INVALID", {
        what: "--peer-listen has port 0: the other nodes have to find this one again.",
        advice: "Give it a port of its own.",
      });
    }
    await joinCluster(env, { address, token: joinToken, peer, zone, pathOf: (name) => systemPath(options, name) });
    file = (await readClusterFile(env.disk))!;
  }
  const started: ClusterFile = { ...file, start: file.start + 1, zone: zone || file.zone };
  await writeClusterFile(env.disk, started);
  return started;
}

/** Takes the address on which other nodes reach this one. */
export async function openCluster(
  env: Env,
  file: ClusterFile,
  options: ServerOptions,
  logger: Logger,
): Promise<ClusterNode> {
  let membership: Membership | undefined;
  const exclusion = new Exclusion();
  const routes = new Map(options.peer.map(parseRoute));
  const tell = tellOfPeers(logger, env.clock);
  const transport = await listenToPeers(env, file, options, {
    admits: (...hello) => membership?.admits(...hello),
    event: (event) => {
      tell(event);
      exclusion.look(event);
    },
  });
  const peer = options.peerAddress ?? `${hostOf(options.peerListen)}:${transport.port}`;
  transport.setPeers(peersOf(file.members, file.nodeId, routes));
  const record = new NodeRecord(env.disk, file);
  const claimOf = (): Claim => {
    const earlier = file.lives.map((life) => fromHex(life)!);
    return { id: file.nodeId, start: file.start, life: transport.life, earlier, peer, zone: file.zone };
  };
  let isClaimed = false;
  const claimAtOthers = async (): Promise<void> => {
    const others = record.members.map(({ id }) => id).filter((id) => id !== file.nodeId);
    if (await claimThroughPeers(transport, others, claimOf())) isClaimed = true;
  };
  return {
    ...{ file, transport, peer },
    [Symbol.asyncDispose]: () => transport[Symbol.asyncDispose](),
    async claim() {
      // Before anybody could answer: a claim whose answer is lost counts all the same.
      await record.change({ lives: [...file.lives, toHex(transport.life)].slice(-LIVES_MAX) });
      await exclusion.unless(claimAtOthers());
    },
    async takePart({ store, group, ranges, cipher, shared, starting, onFatal, bugs }) {
      const authority = await readSmallFile(env.disk, CLUSTER_FILES.authority);
      membership = new Membership({
        ...{ env, transport, store, group, ranges, shared, sha256, routes, bugs },
        cluster: { id: file.cluster, name: file.name },
        self: claimOf(),
        authority:
          authority === undefined
            ? undefined
            : () => readAuthority(store, cipher, { name: `ashlar ${file.name}`, certificate: authority }),
        onNodes: (nodes) => {
          const members = nodes.map(({ id, peer: at }) => ({ id, peer: at }));
          record.change({ members }).catch((error: unknown) => logger.error("cluster.file", error));
        },
        onExcluded: (error) => exclusion.tell(error),
        onError: (error) => logger.error("cluster.task", error),
      });
      try {
        const part = starting.withLeader(async () => {
          // Nobody sends a newcomer anything before its first start is claimed.
          if (!isClaimed) claimAtOthers().catch((error: Error) => exclusion.tell(error));
          await store.scan(TABLES.node, {}, { limit: 1 });
          if (file.isFounder) await writeFoundation(env, file, store, cipher, peer);
          if (!isClaimed) await claimStart(store, claimOf(), bugs);
        });
        await exclusion.unless(part);
        // Whoever writes has to know how many copies there can be.
        await exclusion.unless(starting.unlessAborted(membership.heard));
        await record.change({ lives: [toHex(transport.life)] });
        exclusion.onTold = onFatal;
      } catch (error) {
        await membership[Symbol.asyncDispose]();
        throw error;
      }
      return membership;
    },
  };
}

async function listenToPeers(
  env: Env,
  { nodeId, cluster, start, tls }: ClusterFile,
  options: ServerOptions,
  hooks: { readonly admits: Admits; readonly event: (event: PeerEvent) => void },
): Promise<PeerTransport> {
  const { peerListen, allowPlaintext } = options;
  const listen = parseAddress(peerListen)!;
  if (!tls && !isLoopback(listen.host) && !allowPlaintext) {
    throw serverFailure("PLAINTEXT_REFUSED", {
      what: `--peer-listen ${peerListen} is not loopback, and the cluster was begun without TLS.`,
      data: { listener: "peer", address: peerListen },
    });
  }
  const path = (name: string): string => systemPath(options, name);
  const files = {
    certFile: path(CLUSTER_FILES.certificate),
    keyFile: path(CLUSTER_FILES.key),
    caFile: path(CLUSTER_FILES.authority),
  };
  try {
    return await PeerTransport.listen({
      ...{ env, nodeId, cluster, start, listen, takesStrangers: true, ...hooks },
      ...(tls && { tls: files }),
    });
  } catch (cause) {
    if (!hasCode(cause, "ADDRESS_TAKEN") && !hasCode(cause, "ADDRESS_INVALID")) throw cause;
    const what = `--peer-listen ${peerListen}: ${cause.message}`;
    throw serverFailure("ADDRESS_REFUSED", { what, data: { listener: "peer", address: peerListen }, cause });
  }
}

/** That this process may not take part any more: its own rows say so, or other nodes that have newer ones. */
class Exclusion {
  /** Called where it is told later than the start waits for. */
  onTold: ((error: Error) => void) | undefined;
  readonly #told = Promise.withResolvers<never>();

  constructor() {
    this.#told.promise.catch(() => {});
  }

  look(event: PeerEvent): void {
    if (event.kind !== "refused" || event.direction !== "out") return;
    if (event.reason === "removed") this.tell(clusterFailure("NODE_REMOVED", { what: event.text }));
    if (event.reason === "superseded") this.tell(clusterFailure("NODE_SUPERSEDED", { what: event.text }));
  }

  tell(error: Error): void {
    this.#told.reject(error);
    this.onTold?.(error);
  }

  unless<T>(work: Promise<T>): Promise<T> {
    work.catch(() => {});
    return Promise.race([this.#told.promise, work]);
  }
}

/** What only the node knows that the cluster begins with, until it is in the Store. */
async function writeFoundation(
  env: Env,
  { nodeId, zone }: ClusterFile,
  store: Store,
  cipher: SealingCipher,
  peer: string,
): Promise<void> {
  const { disk, clock } = env;
  const { authorityKey, token, certificate } = CLUSTER_FILES;
  const secret = await readSmallFile(disk, token);
  if (secret === undefined) return;
  const [privateKey, own] = [await readSmallFile(disk, authorityKey), await readSmallFile(disk, certificate)];
  await foundCluster(
    { store, clock, sha256 },
    {
      ...{ node: nodeId, peer, zone, secret },
      certificateEndMillis: own === undefined ? 0 : certificateEnd(own),
      puts: privateKey === undefined ? [] : [authorityRow(cipher, privateKey)],
    },
  );
  for (const name of [authorityKey, token]) {
    await disk.remove(name).catch((error: unknown) => {
      if (!hasCode(error, "FILE_MISSING")) throw error;
    });
  }
}

/** cluster.json as it changes: one write at a time, each with everything that is known by then. */
class NodeRecord {
  readonly #disk: Disk;
  #file: ClusterFile;
  #written: ClusterFile;
  #writing: Promise<void> | undefined;

  constructor(disk: Disk, file: ClusterFile) {
    this.#disk = disk;
    this.#file = file;
    this.#written = file;
  }

  get members(): ClusterFile["members"] {
    return this.#file.members;
  }

  change(parts: Partial<Pick<ClusterFile, "lives" | "members">>): Promise<void> {
    const changed = { ...this.#file, ...parts };
    if (JSON.stringify(changed) !== JSON.stringify(this.#file)) this.#file = changed;
    this.#writing ??= this.#write().finally(() => {
      this.#writing = undefined;
    });
    return this.#writing;
  }

  async #write(): Promise<void> {
    while (this.#written !== this.#file) {
      const file = this.#file;
      await writeClusterFile(this.#disk, file);
      this.#written = file;
    }
  }
}

function peersOf(
  members: ClusterFile["members"],
  self: number,
  routes: ReadonlyMap<number, PeerAddress>,
): ReadonlyMap<number, PeerAddress> {
  const peers = new Map<number, PeerAddress>();
  for (const { id, peer } of members) {
    const address = routes.get(id) ?? parseAddress(peer);
    if (id !== self && address !== undefined) peers.set(id, address);
  }
  return peers;
}

function parseRoute(text: string): readonly [number, PeerAddress] {
  const at = text.indexOf("=");
  const address = parseAddress(text.slice(at + 1));
  if (!/^[1-9]\d{0,9}=/.test(text) || address === undefined || address.port === 0) {
    throw serverFailure("CLUSTER_OPTIONS_INVALID", {
      what: `--peer ${text} is not of the form ID=HOST:PORT, as in 2=10.0.0.2:9200.`,
    });
  }
  return [Number(text.slice(0, at)), address];
}

function hostOf(address: string): string {
  return address.slice(0, address.lastIndexOf(":"));
}
