import type { Message } from "./messages.ts";
import type { Acknowledged } from "./quorum.ts";

export interface ReadRequest {
  readonly message: Message;
  /** The leader's commit index when the request came. */
  readonly index: number;
}

/**
 * Reads that wait until a quorum has said that their leader still leads. They are numbered as they come; a heartbeat carries the number of
 * the newest one, and its answer confirms all reads up to that number: however many reads wait, one round of heartbeats serves them.
 */
export class ReadQueue implements Acknowledged {
  #waiting: ReadRequest[] = [];
  #confirmed = 0;
  readonly #acknowledged = new Map<number, number>();

  get length(): number {
    return this.#waiting.length;
  }

  add(request: ReadRequest): void {
    this.#waiting.push(request);
  }

  /** The number of the newest read, 0 where none waits. */
  get newest(): number {
    return this.#waiting.length === 0 ? 0 : this.#confirmed + this.#waiting.length;
  }

  acknowledge(id: number, number: number): void {
    // A number that was never given out is another leader's, or nobody's.
    if (number > this.#confirmed + this.#waiting.length) return;
    this.#acknowledged.set(id, Math.max(number, this.acknowledgedIndex(id)));
  }

  acknowledgedIndex(id: number): number {
    return this.#acknowledged.get(id) ?? -1;
  }

  /** Reads up to a number are confirmed: takes them out. */
  takeConfirmed(number: number): readonly ReadRequest[] {
    const upTo = Math.min(number, this.#confirmed + this.#waiting.length);
    if (upTo <= this.#confirmed) return [];
    const confirmed = this.#waiting.splice(0, upTo - this.#confirmed);
    this.#confirmed = upTo;
    return confirmed;
  }
}
