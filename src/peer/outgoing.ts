import type { Connection, MutualTls, Timer } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import { toHex } from "../std/bytes.ts";
import { certificateName, type PeerAddress, type PeerContext } from "./context.ts";
import { peerFailure } from "./errors.ts";
import { FrameParser } from "./frame-parser.ts";
import {
  decodeRefusal,
  decodeWelcome,
  FRAME_HEADER_BYTES,
  FRAME_KINDS,
  frameHeader,
  HANDSHAKE_BYTES_MAX,
  helloFrame,
  type Purpose,
  pingFrame,
  type Refusal,
  type Welcome,
} from "./wire.ts";

/** What goes over the connection, beside its keep-alive. */
export interface OutgoingUse {
  readonly purpose: Purpose;
  /** Asked before it is made again; it always is where this is left out. */
  isWanted?(): boolean;
  opened?(): void;
  /** False for what no node of this protocol sends. */
  take?(kind: number, payload: Uint8Array): boolean;
  /** There is none: it broke, or could not be made; or its queue is full. */
  lost(error: Error | undefined): void;
}

/**
 * A connection on which this node sends to one other node. It is made again whenever it is lost and still wanted, with
 * pauses that grow:
 *
 *     waiting ---> connecting ---> greeting ---> open
 *        ^             |              |           |
 *        +-------------+--------------+-----------+
 */
export class Outgoing {
  readonly node: number;
  readonly address: PeerAddress;
  readonly #context: PeerContext;
  readonly #use: OutgoingUse;
  #state: "waiting" | "connecting" | "greeting" | "open" | "closed" = "waiting";
  #connection: Connection | undefined;
  #parser: FrameParser | undefined;
  #attempt: AbortController | undefined;
  /** Ends the pause, or the handshake. */
  #timer: Timer | undefined;
  #failuresInRow = 0;
  #frameBytesMax = 0;
  /** Of the other process, where the connection is open. */
  #life = "";
  #hasOverflowed = false;
  #hasHeard = false;
  #quietTicks = 0;
  /** All bytes given to the connection, those among them up to the last ping, and those that had left at the last tick. */
  #sentBytes = 0;
  #pingEnd = 0;
  #leftBytes = 0;

  constructor(context: PeerContext, node: number, address: PeerAddress, use: OutgoingUse) {
    this.#context = context;
    this.#use = use;
    this.node = node;
    this.address = address;
  }

  get isOpen(): boolean {
    return this.#state === "open";
  }

  get queuedBytes(): number {
    return this.#connection?.queuedBytes ?? 0;
  }

  /** Now, where it is not under way or made already. */
  connect(): void {
    if (this.#state !== "waiting") return;
    this.#timer?.cancel();
    this.#state = "connecting";
    const { env, tls, limits } = this.#context;
    const attempt = new AbortController();
    this.#attempt = attempt;
    const connecting = env.network.connect({
      ...this.address,
      timeoutMillis: limits.connectMillisMax,
      tls: tls === undefined ? undefined : { ...this.#shown(tls), peerName: certificateName(this.node) },
      signal: attempt.signal,
    });
    connecting.then(
      (connection) => {
        if (attempt.signal.aborted) connection.destroy();
        else this.#greet(connection);
      },
      (error: Error) => {
        if (!attempt.signal.aborted) this.#failed(error);
      },
    );
  }

  send(frame: Uint8Array): boolean {
    const { limits, counts } = this.#context;
    assert(frame.length <= limits.frameBytesMax, "a frame is not longer than its limit");
    const connection = this.#connection;
    const size = FRAME_HEADER_BYTES + frame.length;
    if (this.#state !== "open" || connection === undefined || frame.length > this.#frameBytesMax) return false;
    if (connection.queuedBytes + size > limits.queueBytesMax) {
      this.#overflowed();
      return false;
    }
    connection.send(frameHeader(FRAME_KINDS.message, frame));
    connection.send(frame);
    this.#sentBytes += size;
    counts.framesSent++;
    counts.bytesSent += size;
    return true;
  }

  /** A frame of a use that limits by itself how much it sends. */
  put(frame: Uint8Array): void {
    if (this.#state !== "open") return;
    this.#connection!.send(frame);
    this.#sentBytes += frame.length;
  }

  /** A process of that node has introduced itself: it can be reached, and what came from another process is old. */
  met(life: Uint8Array): void {
    if (this.#state === "open" && this.#life !== toHex(life)) this.#lost(peerFailure("PEER_REPLACED"));
    // An attempt from before may be knocking at a machine that was off, with pauses of the kernel's own.
    if (this.#state === "connecting") {
      this.#attempt!.abort();
      this.#state = "waiting";
    }
    this.#connectIfWanted();
  }

  /**
   * Called at each interval of the keep-alive. It counts intervals instead of time, so that a process that stood still
   * itself looks at what has come meanwhile before it blames the other one.
   */
  tick(): void {
    if (this.#state !== "open") return;
    const { limits } = this.#context;
    // Only one that lasts is a success: two processes that run as one node break each other's off for ever.
    this.#failuresInRow = 0;
    const leftBytes = this.#sentBytes - this.#connection!.queuedBytes;
    // While the ping is still in the queue there is no answer to wait for, as long as the queue moves.
    const isMoving = leftBytes < this.#pingEnd && leftBytes > this.#leftBytes;
    this.#quietTicks = this.#hasHeard || isMoving ? 0 : this.#quietTicks + 1;
    this.#hasHeard = false;
    this.#leftBytes = leftBytes;
    if (this.#quietTicks * limits.keepAliveMillis >= limits.silenceMillisMax) {
      this.#lost(peerFailure("PEER_SILENT", { what: `Node ${this.node} does not answer.`, data: { node: this.node } }));
    } else if (leftBytes >= this.#pingEnd) {
      this.#sendPing();
    }
  }

  close(): void {
    this.#state = "closed";
    this.#drop();
  }

  /** Who is no node yet has no certificate. */
  #shown(tls: MutualTls): Pick<MutualTls, "caFile"> & Partial<MutualTls> {
    return this.#use.purpose === "admission" ? { caFile: tls.caFile } : tls;
  }

  #connectIfWanted(): void {
    if (this.#use.isWanted?.() !== false) this.connect();
  }

  #greet(connection: Connection): void {
    const { env, nodeId, cluster, start, life, limits } = this.#context;
    this.#state = "greeting";
    this.#connection = connection;
    this.#parser = new FrameParser(HANDSHAKE_BYTES_MAX, (kind, payload) => this.#take(kind, payload));
    connection.begin({
      data: (bytes) => this.#read(bytes),
      drained: () => {
        this.#hasOverflowed = false;
      },
      ended: () => this.#over(connection, undefined),
      closed: (error) => this.#over(connection, error),
    });
    connection.send(helloFrame({ life, from: nodeId, to: this.node, cluster, purpose: this.#use.purpose, start }));
    this.#timer = env.timers.after(limits.handshakeMillisMax, () => {
      if (this.#connection === connection) this.#failed(peerFailure("HANDSHAKE_TIMED_OUT"));
    });
  }

  #read(bytes: Uint8Array): void {
    this.#hasHeard = true;
    const failure = this.#parser!.take(bytes);
    if (failure === undefined) return;
    this.#context.counts.malformed++;
    this.#lost(failure);
  }

  #take(kind: number, payload: Uint8Array): void {
    if (this.#state === "open") {
      if (kind !== FRAME_KINDS.pong && this.#use.take?.(kind, payload) !== true) this.#malformed();
      return;
    }
    const welcome = kind === FRAME_KINDS.welcome ? decodeWelcome(payload) : undefined;
    const refusal = kind === FRAME_KINDS.refusal ? decodeRefusal(payload) : undefined;
    if (welcome !== undefined) this.#opened(welcome);
    else if (refusal !== undefined) this.#refused(refusal);
    else this.#malformed();
  }

  #opened(welcome: Welcome): void {
    const { counts, event, limits } = this.#context;
    this.#timer?.cancel();
    this.#state = "open";
    this.#life = welcome.life;
    this.#frameBytesMax = welcome.frameBytesMax;
    if (this.#use.take !== undefined) this.#parser!.payloadBytesMax = limits.frameBytesMax;
    this.#hasOverflowed = false;
    this.#quietTicks = 0;
    this.#sentBytes = this.#connection!.queuedBytes;
    this.#leftBytes = 0;
    counts.connects++;
    event({ kind: "connected", direction: "out", node: this.node, remoteAddress: this.#connection!.remoteAddress });
    this.#sendPing();
    this.#use.opened?.();
  }

  #refused({ reason, text, version }: Refusal): void {
    const { counts, event } = this.#context;
    const { remoteAddress } = this.#connection!;
    counts.refusals++;
    event({ kind: "refused", direction: "out", node: this.node, remoteAddress, reason, text });
    const what = `Node ${this.node} at ${remoteAddress} refused the connection: ${text}`;
    this.#failed(peerFailure("HANDSHAKE_REFUSED", { what, data: { node: this.node, reason, version } }));
  }

  #malformed(): void {
    this.#parser!.stop();
    this.#context.counts.malformed++;
    this.#lost(peerFailure("FRAME_MALFORMED"));
  }

  #over(connection: Connection, error: Error | undefined): void {
    if (this.#connection === connection) this.#lost(error);
  }

  #lost(error: Error | undefined): void {
    if (this.#state !== "open") {
      this.#failed(error ?? peerFailure("HANDSHAKE_REFUSED"));
      return;
    }
    this.#context.counts.losses++;
    this.#context.event({ kind: "lost", direction: "out", node: this.node, error });
    this.#wait(error);
  }

  #failed(error: Error): void {
    this.#context.counts.failures++;
    this.#context.event({ kind: "failed", node: this.node, error });
    this.#wait(error);
  }

  #wait(error: Error | undefined): void {
    const { env, limits } = this.#context;
    this.#drop();
    this.#state = "waiting";
    const { reconnectMillisMin, reconnectMillisMax } = limits;
    const millis = Math.min(reconnectMillisMin * 2 ** this.#failuresInRow, reconnectMillisMax);
    if (millis < reconnectMillisMax) this.#failuresInRow++;
    const jitter = env.random.u32() / 0x1_0000_0000;
    this.#timer = env.timers.after((millis * (1 + jitter)) / 2, () => this.#connectIfWanted());
    this.#use.lost(error);
  }

  #drop(): void {
    this.#timer?.cancel();
    this.#attempt?.abort();
    this.#parser?.stop();
    this.#connection?.destroy();
    this.#connection = undefined;
  }

  #sendPing(): void {
    const ping = pingFrame();
    this.#connection!.send(ping);
    this.#sentBytes += ping.length;
    this.#pingEnd = this.#sentBytes;
  }

  /** Once until the queue has been empty: who sends may be in the middle of something. */
  #overflowed(): void {
    if (this.#hasOverflowed) return;
    this.#hasOverflowed = true;
    this.#context.env.timers.endOfTurn(() => {
      if (this.#state !== "closed") this.#use.lost(undefined);
    });
  }
}
