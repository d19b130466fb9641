// When leases end, by this node's monotonic clock. Deadlines stand in slots of a quarter of a second; keeping a lease
// alive only moves its deadline, and its slot is looked up again when the old one comes due. So a lease ends up to a
// slot late, and never early.

import type { Clock, Timer, Timers } from "../../env/index.ts";
import type { LeaseId } from "../store.ts";

export interface LeaseClockOptions {
  readonly clock: Clock;
  readonly timers: Timers;
  /** The lease's time is over. It is forgotten here before this is called. */
  readonly expire: (lease: LeaseId) => void;
}

interface Timed {
  readonly ttlMillis: number;
  deadline: number;
  slot: number;
}

const SLOT_MILLIS = 250;

export class LeaseClock {
  readonly #clock: Clock;
  readonly #timers: Timers;
  readonly #expire: (lease: LeaseId) => void;
  readonly #leases = new Map<LeaseId, Timed>();
  readonly #slots = new Map<number, Set<LeaseId>>();
  /** All slots before this one are empty. */
  #nextSlot = 0;
  #timer: Timer | undefined;
  #closed = false;

  constructor({ clock, timers, expire }: LeaseClockOptions) {
    this.#clock = clock;
    this.#timers = timers;
    this.#expire = expire;
  }

  get size(): number {
    return this.#leases.size;
  }

  /** Gives the lease its full time from now on. */
  start(lease: LeaseId, ttlMillis: number): void {
    const now = this.#clock.monotonic();
    if (this.#slots.size === 0) this.#nextSlot = slotOf(now);
    const timed = { ttlMillis, deadline: now + ttlMillis, slot: 0 };
    this.#leases.set(lease, timed);
    this.#file(lease, timed);
    this.#timer ??= this.#timers.after(SLOT_MILLIS, () => this.#tick());
  }

  /** False where the lease is not timed here. */
  keepAlive(lease: LeaseId): boolean {
    const timed = this.#leases.get(lease);
    if (timed === undefined) return false;
    timed.deadline = this.#clock.monotonic() + timed.ttlMillis;
    return true;
  }

  remove(lease: LeaseId): void {
    const timed = this.#leases.get(lease);
    if (timed === undefined) return;
    this.#leases.delete(lease);
    const filed = this.#slots.get(timed.slot);
    if (filed?.delete(lease) && filed.size === 0) this.#slots.delete(timed.slot);
  }

  close(): void {
    this.#closed = true;
    this.#timer?.cancel();
    this.#leases.clear();
    this.#slots.clear();
  }

  /** In the slot whose start is the deadline or comes behind it. */
  #file(lease: LeaseId, timed: Timed): void {
    timed.slot = slotOf(timed.deadline) + 1;
    const filed = this.#slots.get(timed.slot);
    if (filed) filed.add(lease);
    else this.#slots.set(timed.slot, new Set([lease]));
  }

  /**
   * A node that was paused first takes in what waited meanwhile: there may be calls among it that keep leases alive.
   */
  #tick(): void {
    this.#timers.endOfTurn(() => {
      if (this.#closed) return;
      const now = this.#clock.monotonic();
      for (; this.#nextSlot <= slotOf(now); this.#nextSlot++) this.#empty(this.#nextSlot, now);
      this.#timer = this.#slots.size === 0 ? undefined : this.#timers.after(SLOT_MILLIS, () => this.#tick());
    });
  }

  #empty(slot: number, now: number): void {
    const due = this.#slots.get(slot);
    if (due === undefined) return;
    this.#slots.delete(slot);
    for (const lease of due) {
      const timed = this.#leases.get(lease)!;
      if (timed.deadline > now) {
        this.#file(lease, timed);
        continue;
      }
      this.#leases.delete(lease);
      this.#expire(lease);
    }
  }
}

function slotOf(millis: number): number {
  return Math.floor(millis / SLOT_MILLIS);
}
