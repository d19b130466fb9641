import type { Socket } from "node:net";
import type { Carrier, NodeExchange } from "./http-exchange.ts";
import { LINGER_MILLIS_MAX, PIPELINED_MAX } from "./http-limits.ts";

/** Half of the idle time by sweeps, the other half by the socket's timer. */
const QUIET_SWEEPS = 2;

/** What all connections of one listener share. */
export interface ListenerState {
  readonly isSecure: boolean;
  isClosing: boolean;
}

/**
 * One client's connection. Its requests are handled one after the other: a client that sends the next one before the
 * reply to the last has come counts on their order.
 */
export class Connection implements Carrier {
  readonly #socket: Socket;
  readonly #listener: ListenerState;
  readonly #handle: (exchange: NodeExchange) => void;
  readonly #waiting: NodeExchange[] = [];
  #current: NodeExchange | undefined;
  #isPaused = false;
  #bytesMoved = 0;
  #quietSweeps = 0;
  #remoteAddress: string | undefined;

  constructor(socket: Socket, listener: ListenerState, handle: (exchange: NodeExchange) => void) {
    this.#socket = socket;
    this.#listener = listener;
    this.#handle = handle;
    socket.once("close", () => this.#gone());
  }

  get remoteAddress(): string {
    this.#remoteAddress ??= this.#socket.remoteAddress ?? "";
    return this.#remoteAddress;
  }

  get isSecure(): boolean {
    return this.#listener.isSecure;
  }

  get isLast(): boolean {
    return this.#listener.isClosing;
  }

  get isIdle(): boolean {
    return this.#current === undefined;
  }

  /**
   * Called a few times in the idle time. One that stays quiet gets a timer of the socket for the rest of it, which also
   * sees a large write that goes out bit by bit. A client that waits for us is not to blame.
   */
  checkProgress(sweepMillis: number): void {
    const socket = this.#socket;
    const bytesMoved = socket.bytesRead + socket.bytesWritten;
    const isQuiet = bytesMoved === this.#bytesMoved && this.#waitsForClient;
    this.#bytesMoved = bytesMoved;
    this.#quietSweeps = isQuiet ? this.#quietSweeps + 1 : 0;
    if (this.#quietSweeps === 0 && (socket.timeout ?? 0) > 0) socket.setTimeout(0);
    if (this.#quietSweeps === QUIET_SWEEPS) socket.setTimeout(sweepMillis * QUIET_SWEEPS);
  }

  /** That timer has fired. */
  stalled(): void {
    if (this.#waitsForClient) this.#socket.destroy();
    else this.#quietSweeps = 0;
  }

  begin(exchange: NodeExchange): void {
    if (this.#current !== undefined) {
      this.#waiting.push(exchange);
      if (this.#waiting.length < PIPELINED_MAX || this.#isPaused) return;
      this.#isPaused = true;
      this.#socket.pause();
      return;
    }
    this.#current = exchange;
    this.#handle(exchange);
  }

  ended(exchange: NodeExchange): void {
    if (this.#current !== exchange) return;
    this.#current = undefined;
    const next = this.#waiting.shift();
    if (next !== undefined) {
      if (this.#isPaused && this.#waiting.length === 0) {
        this.#isPaused = false;
        this.#socket.resume();
      }
      this.begin(next);
    } else if (this.#listener.isClosing) {
      this.#socket.destroySoon();
    }
  }

  /** Node closes a connection after its last reply by `destroySoon`, whose end is a reset while bytes are unread. */
  lingerFor(dropped: Promise<void>): void {
    const socket = this.#socket;
    socket.destroySoon = () => {
      socket.end();
      const timer = setTimeout(() => socket.destroy(), LINGER_MILLIS_MAX);
      socket.once("close", () => clearTimeout(timer));
      void dropped.then(() => socket.destroy());
    };
  }

  /** A reset, where the transport has one: the end of a connection could be taken for the end of a reply. */
  reset(): void {
    if (this.#listener.isSecure) this.#socket.destroy();
    else this.#socket.resetAndDestroy();
  }

  /** Nothing moves until the client does: it is idle, sends a body slowly or takes a reply slowly. */
  get #waitsForClient(): boolean {
    return this.#current === undefined || this.#current.waitsForClient;
  }

  #gone(): void {
    const lost = [this.#current, ...this.#waiting];
    this.#current = undefined;
    this.#waiting.length = 0;
    for (const exchange of lost) exchange?.gone();
  }
}
