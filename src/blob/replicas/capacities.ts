import { EMPTY } from "../../std/bytes.ts";
import { blobFailure } from "../errors.ts";
import type { SpaceKeeper } from "../space-keeper.ts";
import type { Neighbours } from "./neighbours.ts";
import { decodeSpace, encodeSpace, type Space, VOLUME_METHODS } from "./wire.ts";

/** How often every node asks the others, and how long it waits for them. */
export const CAPACITY_MILLIS = 5000;

export interface CapacitiesContext {
  readonly node: string;
  readonly neighbours: Neighbours;
  readonly space: SpaceKeeper;
}

/**
 * How much room for new volumes each node has: what is free beyond the reserve of its disk. They are asked now and then and
 * nothing of it is committed; it is as old as the last answer, and who places by it may still be refused.
 */
export class Capacities {
  readonly #context: CapacitiesContext;
  readonly #spaces = new Map<number, Space>();
  readonly #closing = new AbortController();

  constructor(context: CapacitiesContext) {
    this.#context = context;
  }

  start(): void {
    const { neighbours, space } = this.#context;
    neighbours.handle(VOLUME_METHODS.space, async () => ({ head: encodeSpace(space) }));
  }

  /** Nobody is waited for any more. */
  close(): void {
    this.#closing.abort(blobFailure("BLOBS_CLOSED"));
  }

  /** Asks all that can be reached at the same time. */
  async turn(): Promise<void> {
    const { neighbours, node } = this.#context;
    const others = neighbours.present().filter(({ id }) => id !== Number(node));
    for (const id of this.#spaces.keys()) if (!others.some((other) => other.id === id)) this.#spaces.delete(id);
    await Promise.all(others.filter(({ id }) => neighbours.isConnected(id)).map(({ id }) => this.#ask(id)));
  }

  /** In bytes; 0 below the reserve. Of a node that has said nothing yet it is what the others have on average. */
  roomOn(id: number): number {
    const { node, space } = this.#context;
    if (id === Number(node)) return roomOf(space);
    const known = this.#spaces.get(id);
    if (known !== undefined) return roomOf(known);
    const rooms = [space, ...this.#spaces.values()].map(roomOf);
    return Math.max(1, rooms.reduce((sum, room) => sum + room, 0) / rooms.length);
  }

  async #ask(id: number): Promise<void> {
    const { neighbours } = this.#context;
    try {
      const head = await neighbours.askOnce(id, VOLUME_METHODS.space, EMPTY, {
        timeoutMillis: CAPACITY_MILLIS,
        signal: this.#closing.signal,
      });
      this.#spaces.set(id, decodeSpace(head));
    } catch {
      // What it said before is still the best that is known.
    }
  }
}

function roomOf({ bytesFree, bytesReserved }: Space): number {
  return Math.max(0, bytesFree - bytesReserved);
}
