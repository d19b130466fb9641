import type { Timers } from "../../env/index.ts";
import type { CallHandler, CallOptions, PeerTransport } from "../../peer/index.ts";
import { remoteCode } from "../../peer/index.ts";
import { hasCode } from "../../std/errors.ts";
import { Budget } from "../budget.ts";

/** A node of the cluster, as far as volumes are concerned. */
export interface BlobNode {
  readonly id: number;
  /** Failure domain; empty: one of its own. */
  readonly zone: string;
  /** A draining node gets no new volumes; a removed one never comes back. */
  readonly state: "active" | "draining" | "removed";
}

/** The cluster that a node's blobs are part of. */
export interface BlobCluster {
  readonly transport: Pick<PeerTransport, "call" | "handle" | "status">;
  /** All that have started once, this node included; a little old at worst. Empty while they are not known yet. */
  nodes(): readonly BlobNode[];
}

/** Of what is under way to one node, so that neither side holds more. A small call counts as this much. */
const UNDERWAY_BYTES_MAX = 16_777_216;
const CALL_BYTES_MIN = 131_072;
const CALLS_WAITING_MAX = 100_000;
const AGAIN_MILLIS = 20;

/** The other nodes: which of them are there, and calls to them with a bound on what is under way. */
export class Neighbours {
  readonly #cluster: BlobCluster;
  readonly #self: number;
  readonly #timers: Timers;
  readonly #underway = new Map<number, Budget>();
  readonly #silentSince = new Map<number, number>();
  /** They were too late with something, and have not answered anything since. */
  readonly #late = new Set<number>();

  constructor(cluster: BlobCluster, self: number, timers: Timers) {
    this.#cluster = cluster;
    this.#self = self;
    this.#timers = timers;
  }

  /** Of all nodes that are not removed, this one included. */
  present(): readonly BlobNode[] {
    return this.#cluster.nodes().filter(({ state }) => state !== "removed");
  }

  node(id: number): BlobNode | undefined {
    return this.#cluster.nodes().find((node) => node.id === id);
  }

  isRemoved(name: string): boolean {
    return this.node(Number(name))?.state === "removed";
  }

  isConnected(id: number): boolean {
    if (id === this.#self) return true;
    return this.#cluster.transport.status().some(({ node, isConnected }) => node === id && isConnected);
  }

  /** It did not answer within a time in which it should have. */
  wasLate(id: number): void {
    this.#late.add(id);
  }

  /** Connected, and not late: worth asking before others. */
  isPrompt(id: number): boolean {
    return this.isConnected(id) && !this.#late.has(id);
  }

  /** Called now and then; answers how long each node has not been reached, as far as this process has looked. */
  look(nowMillis: number): void {
    for (const { node, isConnected } of this.#cluster.transport.status()) {
      if (isConnected) this.#silentSince.delete(node);
      else if (!this.#silentSince.has(node)) this.#silentSince.set(node, nowMillis);
    }
  }

  silentMillis(id: number, nowMillis: number): number {
    const since = this.#silentSince.get(id);
    return since === undefined ? 0 : nowMillis - since;
  }

  handle(method: number, handler: CallHandler): void {
    this.#cluster.transport.handle(method, handler);
  }

  async askOnce(to: number, method: number, head: Uint8Array, options: CallOptions): Promise<Uint8Array> {
    const reply = await this.#cluster.transport.call(to, method, { head }, options);
    this.#late.delete(to);
    return reply.head;
  }

  /** One call of a method that may be repeated: again and again until it is answered or the signal says stop. */
  async ask(to: number, method: number, head: Uint8Array, options: CallOptions): Promise<Uint8Array> {
    const bytes = Math.max(head.length, CALL_BYTES_MIN);
    const underway = this.#underwayTo(to);
    await underway.take(bytes);
    try {
      for (;;) {
        options.signal?.throwIfAborted();
        try {
          return await this.askOnce(to, method, head, options);
        } catch (error) {
          if (options.signal === undefined || options.signal.aborted || !isPassing(error)) throw error;
        }
        await new Promise<void>((resolve) => void this.#timers.after(AGAIN_MILLIS, resolve));
      }
    } finally {
      underway.give(bytes);
    }
  }

  #underwayTo(node: number): Budget {
    let budget = this.#underway.get(node);
    if (budget === undefined) {
      budget = new Budget(UNDERWAY_BYTES_MAX, CALLS_WAITING_MAX);
      this.#underway.set(node, budget);
    }
    return budget;
  }
}

/** The connection is at fault, or the other node is not ready yet: asked again, it may answer. */
function isPassing(error: unknown): boolean {
  if (hasCode(error, "CALL_BROKEN") || hasCode(error, "PEER_UNREACHABLE") || hasCode(error, "CALLS_OVERLOADED")) {
    return true;
  }
  const code = remoteCode(error);
  return code === "CALLS_OVERLOADED" || code === "METHOD_UNKNOWN";
}
