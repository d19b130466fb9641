import type { Timers } from "../../env/index.ts";
import { webTimers } from "../../env/web/index.ts";
import type { Transport, TransportHandlers } from "./transport.ts";

/** Frames that wait for one node; more are dropped, as a network would. */
const QUEUE_FRAMES_MAX = 4096;

/** Nodes of one process, in a test, a benchmark or a browser: what one sends in a turn the other has in the next. */
export class MemoryNetwork {
  readonly #timers: Timers;
  readonly #nodes = new Map<number, MemoryTransport>();
  /** Pairs of nodes between which nothing passes, in this direction. */
  readonly #cut = new Set<string>();

  constructor(timers: Timers = webTimers) {
    this.#timers = timers;
  }

  join(nodeId: number): Transport {
    const transport = new MemoryTransport(this.#timers, {
      deliver: (to, frame) => !this.#cut.has(`${nodeId} ${to}`) && this.#nodes.get(to)?.put(nodeId, frame) === true,
      leave: () => {
        if (this.#nodes.get(nodeId) === transport) this.#nodes.delete(nodeId);
      },
    });
    this.#nodes.set(nodeId, transport);
    return transport;
  }

  cut(from: number, to: number): void {
    this.#cut.add(`${from} ${to}`);
  }

  /** Nothing from it and nothing to it. */
  isolate(nodeId: number): void {
    for (const other of this.#nodes.keys()) {
      this.cut(nodeId, other);
      this.cut(other, nodeId);
    }
  }

  heal(): void {
    this.#cut.clear();
  }
}

interface Wires {
  readonly deliver: (to: number, frame: Uint8Array) => boolean;
  readonly leave: () => void;
}

class MemoryTransport implements Transport {
  readonly #timers: Timers;
  readonly #wires: Wires;
  #handlers: TransportHandlers | undefined;
  #isOver = false;
  #arrived: (readonly [number, Uint8Array])[] = [];

  constructor(timers: Timers, wires: Wires) {
    this.#timers = timers;
    this.#wires = wires;
  }

  async start(handlers: TransportHandlers): Promise<void> {
    this.#handlers = handlers;
  }

  send(to: number, frame: Uint8Array): boolean {
    return !this.#isOver && this.#wires.deliver(to, frame);
  }

  put(from: number, frame: Uint8Array): boolean {
    if (this.#handlers === undefined || this.#arrived.length >= QUEUE_FRAMES_MAX) return false;
    if (this.#arrived.length === 0) this.#timers.endOfTurn(() => this.#receive());
    this.#arrived.push([from, frame]);
    return true;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#isOver = true;
    this.#wires.leave();
    this.#handlers = undefined;
    this.#arrived = [];
  }

  #receive(): void {
    const arrived = this.#arrived;
    this.#arrived = [];
    for (const [from, frame] of arrived) this.#handlers?.receive(from, frame);
  }
}
