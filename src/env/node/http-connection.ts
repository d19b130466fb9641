import type { Socket } from "node:net";
import type { Carrier, NodeExchange } from "./http-exchange.ts";
import { LINGER_MILLIS_MAX, PIPELINED_MAX } from "./http-limits.ts";

/** What all connections of one listener share. */
export interface ListenerState {
  readonly isSecure: boolean;
  isClosing: boolean;
}

/**
 * One client's connection. Its requests are handled one after the other: a client that sends the next one before the reply to the
 * last has come counts on their order.
 */
export class Connection implements Carrier {
  readonly #socket: Socket;
  readonly #listener: ListenerState;
  readonly #handle: (exchange: NodeExchange) => void;
  readonly #waiting: NodeExchange[] = [];
  #current: NodeExchange | undefined;
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

  /** Nothing moves until the client does: it is idle, sends a body slowly or takes a reply slowly. */
  get waitsForClient(): boolean {
    return this.#current === undefined || this.#current.waitsForClient;
  }

  begin(exchange: NodeExchange): void {
    if (this.#current !== undefined) {
      this.#waiting.push(exchange);
      if (this.#waiting.length >= PIPELINED_MAX) this.#socket.pause();
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
      if (this.#waiting.length === 0) this.#socket.resume();
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

  #gone(): void {
    const lost = [this.#current, ...this.#waiting];
    this.#current = undefined;
    this.#waiting.length = 0;
    for (const exchange of lost) exchange?.gone();
  }
}
