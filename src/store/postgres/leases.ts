// Leases by the database's clock. The machine's rows say which leases there are and what they hold; a table beside them says
// when each one's time is over. Whichever process sees that ends it, in a transaction that looks at the clock again.

import type { PostgresClient } from "../../drivers/postgres/index.ts";
import type { Timer, Timers } from "../../env/index.ts";
import { assert } from "../../std/assert.ts";
import { checkTtl } from "../commit-rules.ts";
import { storeFailure } from "../errors.ts";
import { LEASE_KEYS } from "../machine/keys.ts";
import { decodeLeaseRow } from "../machine/leases.ts";
import type { StoreCounters } from "../replicated/counters.ts";
import type { Lease, LeaseId } from "../store.ts";
import { rowsIn } from "./reader.ts";
import type { PostgresWriter } from "./writer.ts";

export interface PostgresLeasesSettings {
  readonly client: PostgresClient;
  readonly writer: PostgresWriter;
  readonly timers: Timers;
  readonly counters: StoreCounters;
  readonly leasesMax: number;
}

const POLL_MILLIS = 500;
const ENDED_AT_ONCE = 64;

const KEEP_ALIVE = `update leases set ends = clock_timestamp() + ttl_millis * interval '1 millisecond'
  where lease = $1::float8 and ends > clock_timestamp() returning lease`;
const KEEP_ALL = "update leases set ends = clock_timestamp() + ttl_millis * interval '1 millisecond'";
const OVER = "select lease from leases where ends <= clock_timestamp() order by ends limit $1::int";
const ALL = "select key, value from rows where key >= $1 and key < $2";

export class PostgresLeases {
  readonly #settings: PostgresLeasesSettings;
  /** Whose end has begun and is not known to be done. */
  readonly #ending = new Set<LeaseId>();
  #timer: Timer | undefined;
  #polling: Promise<void> | undefined;
  #closed = false;

  constructor(settings: PostgresLeasesSettings) {
    this.#settings = settings;
  }

  /** Each lease gets its full time again; ends that broke off go on. */
  async begin(): Promise<void> {
    const { client, counters } = this.#settings;
    await client.read({ text: KEEP_ALL });
    for (const { key, value } of rowsIn(await client.read({ text: ALL, values: [LEASE_KEYS.from, LEASE_KEYS.to] }))) {
      const { lease, ending } = decodeLeaseRow(key, value);
      if (ending) this.#ending.add(lease);
      else counters.leases++;
    }
    this.#pollLater();
  }

  async grant(ttlMillis: number): Promise<Lease> {
    checkTtl(ttlMillis);
    const { writer, counters, leasesMax } = this.#settings;
    if (counters.leases >= leasesMax) {
      throw storeFailure("OVERLOADED", { what: "Too many leases are alive.", data: { leasesMax } });
    }
    const result = await writer.submit({ kind: "grant", ttlMillis });
    assert(result.kind === "granted", "a grant is always granted");
    return { id: result.lease, ttlMillis };
  }

  async keepAlive(id: LeaseId): Promise<void> {
    const found = isLease(id) ? await this.#settings.client.read({ name: "keep", text: KEEP_ALIVE, values: [id] }) : [];
    if (found.length === 0) throw leaseUnknown(id);
  }

  async revoke(id: LeaseId): Promise<void> {
    if (!isLease(id)) throw leaseUnknown(id);
    if (!(await this.#end(id, false))) throw leaseUnknown(id);
  }

  async close(): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#polling;
  }

  #pollLater(): void {
    if (this.#closed) return;
    this.#timer = this.#settings.timers.after(POLL_MILLIS, () => {
      this.#polling = this.#poll().finally(() => this.#pollLater());
    });
  }

  /** What fails is seen again by the next poll. */
  async #poll(): Promise<void> {
    const { client, counters } = this.#settings;
    try {
      for (const lease of [...this.#ending]) await this.#end(lease, false);
      const over = await client.read({ name: "over", text: OVER, values: [ENDED_AT_ONCE] });
      const ended = await Promise.all(over.map(([lease]) => this.#end(lease as number, true)));
      counters.leasesExpired += ended.filter((isEnded) => isEnded).length;
    } catch {}
  }

  /** Step by step, until nothing is left of it. False where it is unknown, or has been kept alive. */
  async #end(lease: LeaseId, ifOver: boolean): Promise<boolean> {
    const { writer } = this.#settings;
    for (let step = 0; ; step++) {
      const result = await writer.submit({ kind: "end", lease }, { ifOver: ifOver && step === 0 });
      if (result.kind !== "ended") {
        this.#ending.delete(lease);
        return step > 0;
      }
      if (result.done) {
        this.#ending.delete(lease);
        return true;
      }
      this.#ending.add(lease);
    }
  }
}

function isLease(lease: LeaseId): boolean {
  return Number.isSafeInteger(lease) && lease > 0;
}

function leaseUnknown(lease: LeaseId): Error {
  return storeFailure("LEASE_UNKNOWN", { data: { lease } });
}
