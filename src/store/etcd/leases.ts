// A lease of the Store is a lease of etcd and a row that it holds: that row says that the lease is this Store's, and is
// gone at the very revision at which the lease ends with all that it held.
//
// Its id is the revision of a write that was made for it alone. So no two Stores in one etcd ever give out the same.

import type { EtcdClient } from "../../drivers/etcd/index.ts";
import { hasCode } from "../../std/errors.ts";
import { checkTtl } from "../commit-rules.ts";
import { storeFailure } from "../errors.ts";
import type { StoreCounters } from "../replicated/counters.ts";
import type { Lease, LeaseId } from "../store.ts";
import type { EtcdKeys } from "./keys.ts";
import { encodeNumber } from "./transaction.ts";

export interface EtcdLeasesParts {
  readonly client: EtcdClient;
  readonly keys: EtcdKeys;
  readonly counters: StoreCounters;
  readonly leasesMax: number;
}

/** Of ids that another user of this etcd happened to take. */
const ATTEMPTS_MAX = 10;
const KEPT_ALIVE_AT_ONCE = 64;
const LEASES_A_PAGE = 1000;

export class EtcdLeases {
  readonly #parts: EtcdLeasesParts;

  constructor(parts: EtcdLeasesParts) {
    this.#parts = parts;
  }

  async grant(ttlMillis: number): Promise<Lease> {
    checkTtl(ttlMillis);
    const { client, keys, counters, leasesMax } = this.#parts;
    if (counters.leases >= leasesMax) {
      throw storeFailure("OVERLOADED", { what: "Too many leases are alive.", data: { leasesMax } });
    }
    const id = await this.#newLease(Math.ceil(ttlMillis / 1000));
    const held = { put: { key: keys.lease(id), value: encodeNumber(0), lease: id } };
    await client.txn({ compare: [], success: [held], failure: [] });
    return { id, ttlMillis };
  }

  async keepAlive(id: LeaseId): Promise<void> {
    await this.#checkOwn(id);
    await this.#parts.client.keepAlive(id);
  }

  /** Gives the revision at which all that it held was deleted. */
  async revoke(id: LeaseId): Promise<number> {
    await this.#checkOwn(id);
    return this.#parts.client.revoke(id);
  }

  /** Each lease gets its full time again: who restarts has kept nobody's lease alive meanwhile. Gives their number. */
  async renewAll(): Promise<number> {
    const { client, keys } = this.#parts;
    let { from } = keys.leases;
    for (let count = 0; ; ) {
      const page = { key: from, rangeEnd: keys.leases.to, limit: LEASES_A_PAGE, keysOnly: true };
      const { kvs } = await client.range(page);
      const ids = kvs.map(({ key }) => keys.leaseIn(key));
      count += ids.length;
      for (let at = 0; at < ids.length; at += KEPT_ALIVE_AT_ONCE) {
        await Promise.all(ids.slice(at, at + KEPT_ALIVE_AT_ONCE).map((id) => this.#renew(id)));
      }
      if (kvs.length < LEASES_A_PAGE) return count;
      from = keys.lease(ids.at(-1)! + 1);
    }
  }

  async #renew(id: LeaseId): Promise<void> {
    try {
      await this.#parts.client.keepAlive(id);
    } catch (error) {
      if (!hasCode(error, "LEASE_UNKNOWN")) throw error;
    }
  }

  async #newLease(ttlSeconds: number): Promise<LeaseId> {
    const { client, keys } = this.#parts;
    const ticket = { put: { key: keys.ticket, value: encodeNumber(0) } };
    for (let attempt = 1; ; attempt++) {
      const { header } = await client.txn({ compare: [], success: [ticket], failure: [] });
      try {
        await client.grant(header.revision, ttlSeconds);
        return header.revision;
      } catch (error) {
        if (!hasCode(error, "LEASE_EXISTS") || attempt === ATTEMPTS_MAX) throw error;
      }
    }
  }

  /** Other users of this etcd have leases, too, which are none of ours. */
  async #checkOwn(id: LeaseId): Promise<void> {
    const { client, keys } = this.#parts;
    const isNumber = Number.isSafeInteger(id) && id > 0;
    const found = isNumber && (await client.range({ key: keys.lease(id), keysOnly: true })).kvs.length > 0;
    if (!found) throw storeFailure("LEASE_UNKNOWN", { data: { lease: id } });
  }
}
