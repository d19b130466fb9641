import type { Connection, Timer } from "../env/index.ts";
import { CallServer } from "./calls/call-server.ts";
import { certificateName, type PeerContext } from "./context.ts";
import { type PeerError, peerFailure } from "./errors.ts";
import { FrameParser } from "./frame-parser.ts";
import {
  decodeHello,
  FRAME_HEADER_BYTES,
  FRAME_KINDS,
  HANDSHAKE_BYTES_MAX,
  type Hello,
  PROTOCOL_VERSION,
  type Purpose,
  pongFrame,
  type RefusalReason,
  refusalFrame,
  welcomeFrame,
} from "./wire.ts";

/** Of who is not known yet. */
const ADMISSION_FRAME_BYTES_MAX = 65_536;

/** Who keeps the accepted connections. */
export interface IncomingOwner {
  /** The node at the other end has introduced itself and belongs to us. */
  greeted(incoming: Incoming, life: Uint8Array): void;
  /** It is over. */
  gone(incoming: Incoming): void;
}

/** A connection on which another node sends to this one. */
export class Incoming {
  readonly #context: PeerContext;
  readonly #owner: IncomingOwner;
  readonly #connection: Connection;
  readonly #parser: FrameParser;
  readonly #handshakeTimer: Timer;
  /** Known once it has introduced itself. */
  #node: number | undefined;
  #purpose: Purpose = "frames";
  /** Where calls come on it. */
  #calls: CallServer | undefined;
  #isOver = false;
  #isRefused = false;
  #hasHeard = false;
  #quietTicks = 0;

  constructor(context: PeerContext, owner: IncomingOwner, connection: Connection) {
    this.#context = context;
    this.#owner = owner;
    this.#connection = connection;
    this.#parser = new FrameParser(HANDSHAKE_BYTES_MAX, (kind, payload) => this.#take(kind, payload));
    this.#handshakeTimer = context.env.timers.after(context.limits.handshakeMillisMax, () => this.#late());
  }

  get node(): number | undefined {
    return this.#node;
  }

  get purpose(): Purpose {
    return this.#purpose;
  }

  begin(): void {
    this.#connection.begin({
      data: (bytes) => this.#read(bytes),
      ended: () => this.#end(undefined),
      closed: (error) => this.#end(error),
    });
  }

  /** As Outgoing's. Here something comes at each interval, or the other side is gone. */
  tick(): void {
    if (this.#node === undefined) return;
    const { limits } = this.#context;
    this.#quietTicks = this.#hasHeard ? 0 : this.#quietTicks + 1;
    this.#hasHeard = false;
    if (this.#quietTicks * limits.keepAliveMillis < limits.silenceMillisMax) return;
    const what = `Node ${this.#node} does not send any more.`;
    this.#end(peerFailure("PEER_SILENT", { what, data: { node: this.#node } }));
  }

  /** The same node has made a newer connection. */
  replace(): void {
    this.#end(peerFailure("PEER_REPLACED"));
  }

  /** It may not be welcome any more: it is told when it comes again. */
  dismiss(): void {
    const what = `Node ${this.#node} has to introduce itself again.`;
    this.#end(peerFailure("PEER_REPLACED", { what, data: { node: this.#node } }));
  }

  close(): void {
    if (this.#isOver) return;
    this.#isOver = true;
    this.#handshakeTimer.cancel();
    this.#parser.stop();
    this.#connection.destroy();
    this.#calls?.close(peerFailure("CALL_BROKEN", { data: { node: this.#node } }));
    this.#owner.gone(this);
  }

  #read(bytes: Uint8Array): void {
    this.#hasHeard = true;
    const failure = this.#parser.take(bytes);
    if (failure !== undefined) this.#malformed(failure);
  }

  #take(kind: number, payload: Uint8Array): void {
    if (this.#node === undefined) {
      const hello = kind === FRAME_KINDS.hello ? decodeHello(payload) : undefined;
      if (hello === undefined) this.#malformed(peerFailure("FRAME_MALFORMED"));
      else this.#answer(hello);
    } else if (kind === FRAME_KINDS.ping) {
      this.#connection.send(pongFrame());
    } else if (this.#calls !== undefined) {
      if (!this.#calls.take(kind, payload)) this.#malformed(peerFailure("FRAME_MALFORMED"));
    } else if (kind === FRAME_KINDS.message) {
      const { counts, handlers } = this.#context;
      counts.framesReceived++;
      counts.bytesReceived += FRAME_HEADER_BYTES + payload.length;
      handlers.receive(this.#node, payload);
    } else {
      this.#malformed(peerFailure("FRAME_MALFORMED"));
    }
  }

  #answer(hello: Hello | { readonly version: number }): void {
    const { nodeId, cluster, admissionHandlers } = this.#context;
    if ("version" in hello) {
      this.#refuse("version", undefined, `node ${nodeId} speaks version ${PROTOCOL_VERSION}, not ${hello.version}`);
    } else if (hello.cluster !== cluster) {
      this.#refuse("cluster", hello.from, `node ${nodeId} belongs to another cluster`);
    } else if (hello.purpose === "admission") {
      if (admissionHandlers.size > 0) this.#welcome(hello);
      else this.#refuse("node", undefined, `node ${nodeId} admits nobody`);
    } else {
      this.#answerNode(hello);
    }
  }

  #answerNode(hello: Hello): void {
    const { nodeId, tls, admits } = this.#context;
    const { from, to, start, life } = hello;
    if (to !== nodeId) {
      this.#refuse("node", from, `this is node ${nodeId}, not ${to}`);
    } else if (from === nodeId) {
      this.#refuse("node", from, `this is node ${nodeId} itself`);
    } else if (tls !== undefined && !this.#connection.peerNames.includes(certificateName(from))) {
      this.#refuse("certificate", from, `the certificate does not name ${certificateName(from)}`);
    } else {
      const refusal = admits(from, start, life);
      if (refusal === undefined) this.#welcome(hello);
      else this.#refuse(refusal.reason, from, refusal.text);
    }
  }

  #welcome({ from, life, purpose }: Hello): void {
    const { counts, limits, event } = this.#context;
    this.#handshakeTimer.cancel();
    this.#node = from;
    this.#purpose = purpose;
    if (purpose !== "frames") this.#calls = this.#serveCalls(from);
    this.#parser.payloadBytesMax = purpose === "admission" ? ADMISSION_FRAME_BYTES_MAX : limits.frameBytesMax;
    this.#connection.send(welcomeFrame(this.#context.life, limits.frameBytesMax));
    counts.accepts++;
    event({ kind: "connected", direction: "in", node: from, remoteAddress: this.#connection.remoteAddress });
    this.#owner.greeted(this, life);
  }

  #serveCalls(from: number): CallServer {
    const { env, callLimits: limits, callHandlers, admissionHandlers, event } = this.#context;
    const handlers = this.#purpose === "admission" ? admissionHandlers : callHandlers;
    return new CallServer({
      ...{ from, timers: env.timers, limits, handlers },
      put: (frame) => {
        if (!this.#isOver) this.#connection.send(frame);
      },
      onBug: (method, error) => event({ kind: "call-failed", node: from, method, error }),
    });
  }

  /** The handshake's time goes on: until then the other side can read why. */
  #refuse(reason: RefusalReason, node: number | undefined, text: string): void {
    const { counts, event } = this.#context;
    const { remoteAddress } = this.#connection;
    this.#isRefused = true;
    this.#parser.stop();
    counts.refusals++;
    event({ kind: "refused", direction: "in", node, remoteAddress, reason, text });
    this.#connection.send(refusalFrame(reason, text));
    this.#connection.end();
  }

  #malformed(error: PeerError): void {
    this.#context.counts.malformed++;
    this.#end(error);
  }

  #late(): void {
    this.#end(peerFailure("HANDSHAKE_TIMED_OUT"));
  }

  #end(error: Error | undefined): void {
    if (this.#isOver) return;
    const { counts, event } = this.#context;
    const { remoteAddress } = this.#connection;
    if (this.#node !== undefined) {
      counts.losses++;
      event({ kind: "lost", direction: "in", node: this.#node, error });
    } else if (!this.#isRefused) {
      event({ kind: "stranger", remoteAddress, error: error ?? peerFailure("FRAME_MALFORMED") });
    }
    this.close();
  }
}
