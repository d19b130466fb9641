// How soon the next attempt to sign in is taken after failed ones: a few are free, then the wait doubles with each.
// Counted for the user, so that many addresses can not guess at one, and for the address, so that one address can not
// try all users.
//
// A user's wait has a low bound, because anybody can make it grow. Success clears the user's count and leaves the
// address's: who owns one account must not get free guesses at others by it. Time is passed in and only compared: no
// clock, no timer.

import { ipAddressGroup } from "../../std/ip-address.ts";

export interface LoginLimits {
  readonly userFailuresFree: number;
  readonly addressFailuresFree: number;
  /** After the first failure that is not free. */
  readonly delayMillisMin: number;
  readonly userDelayMillisMax: number;
  readonly addressDelayMillisMax: number;
  /** A count is forgotten so long after its last failure. */
  readonly forgetMillis: number;
  /** Users, and addresses, that are counted at once. The one whose last failure is longest ago makes room. */
  readonly entriesMax: number;
}

export const LOGIN_LIMITS: LoginLimits = {
  userFailuresFree: 5,
  addressFailuresFree: 20,
  delayMillisMin: 1000,
  userDelayMillisMax: 60_000,
  addressDelayMillisMax: 900_000,
  forgetMillis: 3_600_000,
  entriesMax: 10_000,
};

export interface LoginAttempt {
  /**
   * Undefined where the name is of no user: then only the address is counted, or guesses at names would fill the table.
   */
  readonly user: string | undefined;
  readonly address: string;
  /** Monotonic. */
  readonly nowMillis: number;
}

export class LoginLimiter {
  readonly #users: FailureTable;
  readonly #addresses: FailureTable;

  constructor(limits: LoginLimits = LOGIN_LIMITS) {
    this.#users = new FailureTable(limits, limits.userFailuresFree, limits.userDelayMillisMax);
    this.#addresses = new FailureTable(limits, limits.addressFailuresFree, limits.addressDelayMillisMax);
  }

  /** Milliseconds until an attempt is taken; 0 for now. An attempt that is not taken is not counted. */
  delayMillis({ user, address, nowMillis }: LoginAttempt): number {
    const byAddress = this.#addresses.delayMillis(ipAddressGroup(address), nowMillis);
    return user === undefined ? byAddress : Math.max(byAddress, this.#users.delayMillis(user, nowMillis));
  }

  failed({ user, address, nowMillis }: LoginAttempt): void {
    this.#addresses.count(ipAddressGroup(address), nowMillis);
    if (user !== undefined) this.#users.count(user, nowMillis);
  }

  succeeded(user: string): void {
    this.#users.clear(user);
  }
}

interface Failures {
  readonly count: number;
  readonly lastMillis: number;
  readonly blockedUntilMillis: number;
}

class FailureTable {
  readonly #limits: LoginLimits;
  readonly #free: number;
  readonly #delayMillisMax: number;
  /** In the order of their last failure. */
  readonly #entries: Map<string, Failures> = new Map();

  constructor(limits: LoginLimits, free: number, delayMillisMax: number) {
    this.#limits = limits;
    this.#free = free;
    this.#delayMillisMax = delayMillisMax;
  }

  delayMillis(name: string, nowMillis: number): number {
    const failures = this.#entries.get(name);
    return failures === undefined ? 0 : Math.max(0, failures.blockedUntilMillis - nowMillis);
  }

  count(name: string, nowMillis: number): void {
    const before = this.#entries.get(name);
    const { delayMillisMin, forgetMillis, entriesMax } = this.#limits;
    const isForgotten = before === undefined || nowMillis - before.lastMillis >= forgetMillis;
    const count = isForgotten ? 1 : before.count + 1;
    const doublings = count - this.#free - 1;
    // 2 to the 40th is beyond every limit and still exact.
    const delayMillis = doublings < 0 ? 0 : delayMillisMin * 2 ** Math.min(doublings, 40);
    const blockedUntilMillis = nowMillis + Math.min(delayMillis, this.#delayMillisMax);
    this.#entries.delete(name);
    this.#entries.set(name, { count, lastMillis: nowMillis, blockedUntilMillis });
    if (this.#entries.size <= entriesMax) return;
    const oldest = this.#entries.keys().next().value;
    if (oldest !== undefined) this.#entries.delete(oldest);
  }

  clear(name: string): void {
    this.#entries.delete(name);
  }
}
