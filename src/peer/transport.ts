import type { Connection, MutualTls, NetworkListener, Timer } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import { CallClient } from "./calls/call-client.ts";
import {
  CALL_LIMITS,
  type CallHandler,
  type CallLimits,
  type CallOptions,
  type CallReply,
  type CallRequest,
} from "./calls/calls.ts";
import type { Admits, PeerAddress, PeerContext, PeerEnv, PeerHandlers } from "./context.ts";
import { peerFailure } from "./errors.ts";
import { type PeerCounts, type PeerEvent, zeroCounts } from "./events.ts";
import { Incoming } from "./incoming.ts";
import { PEER_LIMITS, type PeerLimits } from "./limits.ts";
import { Outgoing } from "./outgoing.ts";
import { FRAME_HEADER_BYTES, LIFE_BYTES, type Purpose } from "./wire.ts";

export interface PeerTransportOptions {
  readonly env: PeerEnv;
  readonly nodeId: number;
  /** Both sides must have the same. */
  readonly cluster: string;
  /** Counts this node's starts, where somebody looks after that. */
  readonly start?: number;
  /** Lets those in who show no certificate: they may do what `handleAdmission` says. */
  readonly takesStrangers?: boolean;
  /** Asked about each node that comes; all are welcome where it is left out. */
  readonly admits?: Admits;
  readonly listen: PeerAddress;
  /** The nodes that this one sends to; its own entry, if there is one, does not count. */
  readonly peers?: ReadonlyMap<number, PeerAddress>;
  /** The certificate of node 3 has the DNS name `node-3` among its subject's alternative names. */
  readonly tls?: MutualTls | undefined;
  readonly limits?: Partial<PeerLimits>;
  readonly callLimits?: Partial<CallLimits>;
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
  /** Of this node's calls. */
  readonly callsOpen: number;
}

/** What this node has with one other: a connection for frames, and one for calls. */
interface Peer {
  readonly frames: Outgoing;
  readonly calls: Outgoing;
  readonly client: CallClient;
}

/**
 * Between the nodes of a cluster: frames, in order while a connection lasts, at most once, lost where there is none; and
 * calls, with answers and streams of bytes both ways. Everything that is kept has a limit.
 */
export class PeerTransport implements AsyncDisposable {
  readonly counts: PeerCounts = zeroCounts();
  readonly #options: PeerTransportOptions;
  readonly #limits: PeerLimits;
  readonly #callLimits: CallLimits;
  readonly #callHandlers = new Map<number, CallHandler>();
  readonly #admissionHandlers = new Map<number, CallHandler>();
  readonly #outgoing = new Map<number, Peer>();
  readonly #incoming = new Set<Incoming>();
  /** The newest connection of each node that has made one. */
  readonly #incomingOf: Readonly<Record<Exclude<Purpose, "admission">, Map<number, Incoming>>> = {
    frames: new Map(),
    calls: new Map(),
  };
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
    this.#callLimits = { ...CALL_LIMITS, ...options.callLimits };
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
    const { env, nodeId, cluster, start = 0, tls, admits = () => undefined, event } = this.#options;
    this.#context = {
      ...{ env, nodeId, cluster, start, tls, admits, handlers },
      life: env.random.bytes(LIFE_BYTES),
      limits: this.#limits,
      callLimits: this.#callLimits,
      callHandlers: this.#callHandlers,
      admissionHandlers: this.#admissionHandlers,
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
    if (this.#outgoing.get(to)?.frames.send(frame) === true) return true;
    this.counts.framesDropped++;
    this.counts.bytesDropped += FRAME_HEADER_BYTES + frame.length;
    return false;
  }

  /** The life that this process has drawn, from the start on. */
  get life(): Uint8Array {
    assert(this.#context !== undefined, "a transport has a life once it has started");
    return this.#context.life;
  }

  /**
   * From now on somebody who is no node of the cluster yet may call this method, and nothing else: with TLS he knows
   * whom he speaks to, and nobody knows him.
   */
  handleAdmission(method: number, handler: CallHandler): void {
    assert(!this.#admissionHandlers.has(method), "a method has one handler");
    this.#admissionHandlers.set(method, handler);
  }

  /** From now on this node answers calls of the method so. */
  handle(method: number, handler: CallHandler): void {
    assert(!this.#callHandlers.has(method), "a method has one handler");
    this.#callHandlers.set(method, handler);
  }

  /**
   * Asks another node. Rejects with PEER_UNREACHABLE or CALLS_OVERLOADED where nothing was asked, with CALL_FAILED where
   * the other node says no, with CALL_BROKEN or CALL_TIMED_OUT where it is not known what it did, or with the signal's
   * reason. A reply's body is read to its end or cancelled; the request's is cancelled where nothing takes it.
   */
  call(to: number, method: number, request: CallRequest, options: CallOptions = {}): Promise<CallReply> {
    assert(this.#context !== undefined, "a transport calls once it has started");
    const peer = this.#outgoing.get(to);
    if (peer !== undefined) return peer.client.call(method, request, options);
    const failure = peerFailure("PEER_UNREACHABLE", { what: `There is no node ${to}.`, data: { node: to } });
    request.body?.cancel(failure);
    return Promise.reject(failure);
  }

  /** Breaks off what the node has connected to here. It will come again, and then `admits` is asked about it. */
  dismiss(node: number): void {
    for (const newest of Object.values(this.#incomingOf)) newest.get(node)?.dismiss();
  }

  status(): PeerStatus[] {
    return [...this.#outgoing.values()].map(({ frames, client }) => {
      const { node, address, isOpen: isConnected, queuedBytes } = frames;
      const hasConnected = this.#incomingOf.frames.has(node);
      return { node, address, isConnected, hasConnected, queuedBytes, callsOpen: client.callsOpen };
    });
  }

  /** Breaks all connections off; what is queued is lost. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#tick?.cancel();
    for (const peer of this.#outgoing.values()) closePeer(peer);
    this.#outgoing.clear();
    for (const incoming of [...this.#incoming]) incoming.close();
    for (const connection of this.#early ?? []) connection.destroy();
    await this.#listener!.close();
  }

  async #listen(): Promise<void> {
    const { env, listen, tls, takesStrangers = false, event } = this.#options;
    const options = {
      ...listen,
      tls,
      takesAnonymous: takesStrangers,
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
    for (const [node, peer] of [...this.#outgoing]) {
      const { address } = peer.frames;
      const now = this.#peers.get(node);
      if (now?.host === address.host && now.port === address.port) continue;
      closePeer(peer);
      this.#outgoing.delete(node);
    }
    for (const [node, address] of this.#peers) {
      if (node === context.nodeId || this.#outgoing.has(node)) continue;
      const peer = this.#peer(context, node, address);
      this.#outgoing.set(node, peer);
      peer.frames.connect();
    }
  }

  #peer(context: PeerContext, node: number, address: PeerAddress): Peer {
    const { handlers } = context;
    const frames = new Outgoing(context, node, address, { purpose: "frames", lost: () => handlers.unreachable(node) });
    const calls: Outgoing = new Outgoing(context, node, address, {
      purpose: "calls",
      isWanted: () => client.isWaiting,
      opened: () => client.opened(),
      take: (kind, payload) => client.take(kind, payload),
      lost: (error) => client.lost(error),
    });
    const client = new CallClient(node, context.env.timers, this.#callLimits, calls);
    return { frames, calls, client };
  }

  #accept(context: PeerContext, connection: Connection): void {
    const incoming = new Incoming(context, this, connection);
    this.#incoming.add(incoming);
    incoming.begin();
  }

  /** Called by an accepted connection. */
  greeted(incoming: Incoming, life: Uint8Array): void {
    const { purpose } = incoming;
    if (purpose === "admission") return;
    const node = incoming.node!;
    const newest = this.#incomingOf[purpose];
    newest.get(node)?.replace();
    newest.set(node, incoming);
    const peer = this.#outgoing.get(node);
    peer?.frames.met(life);
    peer?.calls.met(life);
  }

  /** Called by an accepted connection. */
  gone(incoming: Incoming): void {
    this.#incoming.delete(incoming);
    const { node, purpose } = incoming;
    if (purpose === "admission") return;
    const newest = this.#incomingOf[purpose];
    if (node !== undefined && newest.get(node) === incoming) newest.delete(node);
  }

  #planTick(): void {
    this.#tick = this.#options.env.timers.after(this.#limits.keepAliveMillis, () => {
      this.#planTick();
      for (const { frames, calls } of this.#outgoing.values()) {
        frames.tick();
        calls.tick();
      }
      for (const incoming of [...this.#incoming]) incoming.tick();
    });
  }
}

function closePeer({ frames, calls, client }: Peer): void {
  frames.close();
  calls.close();
  client.close();
}
