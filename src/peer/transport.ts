import type { Connection, MutualTls, NetworkListener, Timer } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import type { PeerAddress, PeerContext, PeerEnv, PeerHandlers } from "./context.ts";
import { type PeerCounts, type PeerEvent, zeroCounts } from "./events.ts";
import { Incoming } from "./incoming.ts";
import { PEER_LIMITS, type PeerLimits } from "./limits.ts";
import { Outgoing } from "./outgoing.ts";
import { FRAME_HEADER_BYTES, LIFE_BYTES } from "./wire.ts";

export interface PeerTransportOptions {
  readonly env: PeerEnv;
  readonly nodeId: number;
  /** Both sides must have the same. */
  readonly cluster: string;
  readonly listen: PeerAddress;
  /** The nodes that this one sends to; its own entry, if there is one, does not count. */
  readonly peers?: ReadonlyMap<number, PeerAddress>;
  /** The certificate of node 3 has the DNS name `node-3` among its subject's alternative names. */
  readonly tls?: MutualTls | undefined;
  readonly limits?: Partial<PeerLimits>;
  readonly event?: (event: PeerEvent) => void;
}

/** How it stands with one other node. */
export interface PeerStatus {
  readonly node: number;
  readonly address: PeerAddress;
  /** Whether frames to it are taken, and whether it has a connection to us. */
  readonly isConnected: boolean;
  readonly hasConnected: boolean;
  readonly queuedBytes: number;
}

/**
 * Frames between the nodes of a cluster over connections of their own: in order while a connection lasts, at most once,
 * lost where there is none. Nothing here waits for the network, and everything that is kept has a limit.
 */
export class PeerTransport implements AsyncDisposable {
  readonly counts: PeerCounts = zeroCounts();
  readonly #options: PeerTransportOptions;
  readonly #limits: PeerLimits;
  readonly #outgoing = new Map<number, Outgoing>();
  readonly #incoming = new Set<Incoming>();
  /** The newest connection of each node that has made one. */
  readonly #incomingOf = new Map<number, Incoming>();
  /** Connections that came before the start. */
  #early: Connection[] | undefined = [];
  #peers: ReadonlyMap<number, PeerAddress>;
  #listener: NetworkListener | undefined;
  #context: PeerContext | undefined;
  #tick: Timer | undefined;
  #isClosed = false;

  private constructor(options: PeerTransportOptions) {
    this.#options = options;
    this.#limits = { ...PEER_LIMITS, ...options.limits };
    const { frameBytesMax, queueBytesMax } = this.#limits;
    assert(frameBytesMax + FRAME_HEADER_BYTES <= queueBytesMax, "a queue has room for the longest frame");
    this.#peers = options.peers ?? new Map();
  }

  /** Takes the address; connections are answered and made from `start` on. */
  static async listen(options: PeerTransportOptions): Promise<PeerTransport> {
    const transport = new PeerTransport(options);
    await transport.#listen();
    return transport;
  }

  get port(): number {
    return this.#listener!.port;
  }

  async start(handlers: PeerHandlers): Promise<void> {
    assert(this.#context === undefined && !this.#isClosed, "a transport starts once");
    const { env, nodeId, cluster, tls, event } = this.#options;
    this.#context = {
      env,
      nodeId,
      cluster,
      tls,
      handlers,
      life: env.random.bytes(LIFE_BYTES),
      limits: this.#limits,
      counts: this.counts,
      event: (one) => event?.(one),
    };
    this.#connectPeers(this.#context);
    for (const connection of this.#early!) this.#accept(this.#context, connection);
    this.#early = undefined;
    this.#planTick();
  }

  /** From now on these are the nodes. Connections to those whose address is the same go on. */
  setPeers(peers: ReadonlyMap<number, PeerAddress>): void {
    this.#peers = peers;
    if (this.#context !== undefined && !this.#isClosed) this.#connectPeers(this.#context);
  }

  send(to: number, frame: Uint8Array): boolean {
    assert(this.#context !== undefined, "a transport sends once it has started");
    assert(frame.length <= this.#limits.frameBytesMax, "a frame is not longer than its limit");
    if (this.#outgoing.get(to)?.send(frame) === true) return true;
    this.counts.framesDropped++;
    this.counts.bytesDropped += FRAME_HEADER_BYTES + frame.length;
    return false;
  }

  status(): PeerStatus[] {
    return [...this.#outgoing.values()].map(({ node, address, isOpen, queuedBytes }) => {
      return { node, address, isConnected: isOpen, hasConnected: this.#incomingOf.has(node), queuedBytes };
    });
  }

  /** Breaks all connections off; what is queued is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#tick?.cancel();
    for (const outgoing of this.#outgoing.values()) outgoing.close();
    this.#outgoing.clear();
    for (const incoming of [...this.#incoming]) incoming.close();
    for (const connection of this.#early ?? []) connection.destroy();
    await this.#listener!.close();
  }

  async #listen(): Promise<void> {
    const { env, listen, tls, event } = this.#options;
    const options = {
      ...listen,
      tls,
      connectionsMax: this.#limits.connectionsMax,
      handshakeTimeoutMillis: this.#limits.connectMillisMax,
      refused: (remoteAddress: string, error: Error) => event?.({ kind: "stranger", remoteAddress, error }),
    };
    this.#listener = await env.network.listen(options, (connection) => {
      if (this.#isClosed) connection.destroy();
      else if (this.#context === undefined) this.#early!.push(connection);
      else this.#accept(this.#context, connection);
    });
  }

  #connectPeers(context: PeerContext): void {
    for (const [node, outgoing] of [...this.#outgoing]) {
      const address = this.#peers.get(node);
      if (address?.host === outgoing.address.host && address.port === outgoing.address.port) continue;
      outgoing.close();
      this.#outgoing.delete(node);
    }
    for (const [node, address] of this.#peers) {
      if (node === context.nodeId || this.#outgoing.has(node)) continue;
      const outgoing = new Outgoing(context, node, address);
      this.#outgoing.set(node, outgoing);
      outgoing.connect();
    }
  }

  #accept(context: PeerContext, connection: Connection): void {
    const incoming = new Incoming(context, this, connection);
    this.#incoming.add(incoming);
    incoming.begin();
  }

  /** Called by an accepted connection. */
  greeted(incoming: Incoming, life: Uint8Array): void {
    const node = incoming.node!;
    this.#incomingOf.get(node)?.replace();
    this.#incomingOf.set(node, incoming);
    this.#outgoing.get(node)?.met(life);
  }

  /** Called by an accepted connection. */
  gone(incoming: Incoming): void {
    this.#incoming.delete(incoming);
    const { node } = incoming;
    if (node !== undefined && this.#incomingOf.get(node) === incoming) this.#incomingOf.delete(node);
  }

  #planTick(): void {
    this.#tick = this.#options.env.timers.after(this.#limits.keepAliveMillis, () => {
      this.#planTick();
      for (const outgoing of this.#outgoing.values()) outgoing.tick();
      for (const incoming of [...this.#incoming]) incoming.tick();
    });
  }
}
