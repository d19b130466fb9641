import { type OnReadOpts, Socket } from "node:net";
import { TLSSocket } from "node:tls";
import { assert } from "../../std/assert.ts";
import { concatBytes } from "../../std/bytes.ts";
import { ByteQueue } from "../byte-queue.ts";
import type { Connection, ConnectionHandlers } from "../env.ts";
import { type Flushable, flushAtEndOfTurn } from "./end-of-turn.ts";
import { brokenConnection } from "./network-errors.ts";

const KEEP_ALIVE_MILLIS = 30_000;
const SCRATCH_BYTES = 256 * 1024;
/** Shorter pieces are copied together: a piece of a gathering write costs more than the copy. */
const GATHERED_BYTES_MAX = 4096;
/** What one write takes of a long queue: its length is to tell whether it moves. */
const WRITE_BYTES_MAX = 512 * 1024;

/**
 * What any connection reads goes here first and is handed over before the next read: a buffer for each read costs more
 * than what is done with it.
 */
const scratch = new Uint8Array(SCRATCH_BYTES);

/**
 * A socket of node:net or node:tls. At most one write is on its way to the kernel; what is sent meanwhile waits and forms
 * the next one, so that a slow reader makes writes larger instead of more.
 */
export class NodeConnection implements Connection, Flushable {
  readonly socket: Socket;
  #handlers: ConnectionHandlers | undefined;
  #remoteAddress: string | undefined;
  readonly #pending = new ByteQueue();
  #writingBytes = 0;
  #isWriting = false;
  #isFlushPlanned = false;
  #isEnding = false;
  #isDestroyed = false;
  #isClosed = false;
  #error: Error | undefined;

  /** `make` gives the socket, which has not begun to read, these options. Where it does not, `data` events do. */
  constructor(make: (onread: OnReadOpts) => Socket) {
    const callback = (length: number): boolean => {
      this.#take(scratch.subarray(0, length));
      return true;
    };
    this.socket = make({ buffer: scratch, callback });
    this.socket.on("error", (error) => {
      this.#error ??= error;
    });
    this.socket.once("close", () => this.#closed());
  }

  /** The connection is made. */
  established(): void {
    this.socket.setNoDelay(true);
    this.socket.setKeepAlive(true, KEEP_ALIVE_MILLIS);
    this.#remoteAddress = this.socket.remoteAddress;
  }

  get remoteAddress(): string {
    return this.#remoteAddress ?? "";
  }

  get peerNames(): readonly string[] {
    return this.socket instanceof TLSSocket ? dnsNames(this.socket.getPeerCertificate().subjectaltname) : [];
  }

  get queuedBytes(): number {
    return this.#pending.length + this.#writingBytes;
  }

  begin(handlers: ConnectionHandlers): void {
    assert(this.#handlers === undefined, "a connection begins once");
    this.#handlers = handlers;
    if (this.#isClosed) {
      setImmediate(() => this.#tellClosed());
      return;
    }
    this.socket.on("data", (chunk: Buffer) => this.#take(new Uint8Array(chunk.buffer, chunk.byteOffset, chunk.length)));
    this.socket.once("end", () => {
      if (!this.#isDestroyed) handlers.ended();
    });
    this.socket.resume();
  }

  send(bytes: Uint8Array): void {
    assert(!this.#isEnding, "nothing is sent behind the end");
    if (this.#isDestroyed || this.#isClosed || bytes.length === 0) return;
    this.#pending.push(bytes);
    this.#planFlush();
  }

  pause(): void {
    this.socket.pause();
  }

  resume(): void {
    if (!this.#isDestroyed) this.socket.resume();
  }

  end(): void {
    if (this.#isEnding) return;
    this.#isEnding = true;
    this.#planFlush();
  }

  destroy(): void {
    if (this.#isDestroyed) return;
    this.#isDestroyed = true;
    this.#dropQueue();
    // A reset, so that the other side does not take this for an end that was meant. Beneath TLS Node has none: a reset
    // of the TCP socket there ends the whole process with a violation of memory (seen with 24.21).
    if (this.socket instanceof TLSSocket || this.socket.connecting) this.socket.destroy();
    else this.socket.resetAndDestroy();
  }

  /** The end of the turn, or of the write before. */
  flush(): void {
    this.#isFlushPlanned = false;
    if (this.#isDestroyed || this.#isClosed || this.#isWriting) return;
    if (this.#pending.length === 0) {
      if (this.#isEnding) this.socket.end();
      return;
    }
    this.#writingBytes = Math.min(this.#pending.length, WRITE_BYTES_MAX);
    const chunks = gather(this.#pending.take(this.#writingBytes));
    this.#isWriting = true;
    if (chunks.length > 1) this.socket.cork();
    chunks.forEach((chunk, at) => {
      this.socket.write(chunk, at === chunks.length - 1 ? this.#written : undefined);
    });
    if (chunks.length > 1) this.socket.uncork();
  }

  #planFlush(): void {
    if (this.#isWriting || this.#isFlushPlanned) return;
    this.#isFlushPlanned = true;
    flushAtEndOfTurn(this);
  }

  readonly #written = (error?: Error | null): void => {
    this.#isWriting = false;
    this.#writingBytes = 0;
    if (error || this.#isDestroyed) return;
    if (this.#pending.length > 0 || this.#isEnding) this.flush();
    else this.#handlers?.drained?.();
  };

  #take(bytes: Uint8Array): void {
    if (!this.#isDestroyed) this.#handlers?.data(bytes);
  }

  #dropQueue(): void {
    this.#pending.clear();
    this.#writingBytes = 0;
  }

  #closed(): void {
    this.#isClosed = true;
    this.#dropQueue();
    this.#tellClosed();
  }

  #tellClosed(): void {
    const isBroken = this.#error !== undefined && !this.#isDestroyed;
    this.#handlers?.closed(isBroken ? brokenConnection(this.#error!, this.remoteAddress) : undefined);
  }
}

/** A socket that reads into our memory, in place of one that a server has accepted and has not read from. */
export function adopt(accepted: Socket, onread: OnReadOpts): Socket {
  // The only way there is: a server has no option for it, and node:http takes its sockets over in the same manner.
  const holder = accepted as { _handle?: unknown };
  if (holder._handle == null) return accepted;
  const options = { handle: holder._handle, onread, allowHalfOpen: true, pauseOnCreate: true };
  const socket = new Socket(options as unknown as ConstructorParameters<typeof Socket>[0]);
  holder._handle = null;
  accepted.destroy();
  return socket;
}

/** The TCP connection beneath that of a TLS server. Node does not document where it is: for what is nice to know only. */
export function carrierOf(socket: TLSSocket): Socket | undefined {
  const { _parent } = socket as { _parent?: unknown };
  return _parent instanceof Socket ? _parent : undefined;
}

/** Runs of short pieces joined into one. */
function gather(pieces: readonly Uint8Array[]): readonly Uint8Array[] {
  if (pieces.length === 1) return pieces;
  const gathered: Uint8Array[] = [];
  let from = 0;
  for (let at = 0; at <= pieces.length; at++) {
    if (at < pieces.length && pieces[at]!.length <= GATHERED_BYTES_MAX) continue;
    if (at - from === 1) gathered.push(pieces[from]!);
    else if (at > from) gathered.push(concatBytes(pieces.slice(from, at)));
    if (at < pieces.length) gathered.push(pieces[at]!);
    from = at + 1;
  }
  return gathered;
}

/** As in `DNS:node-1, IP Address:10.0.0.1`. Node quotes names in which something is wrong: they are nobody's. */
function dnsNames(alternatives: string | undefined): string[] {
  const names = (alternatives ?? "").split(", ");
  return names.filter((name) => /^DNS:[^"]+$/.test(name)).map((name) => name.slice("DNS:".length));
}
