// Where rows stand in etcd: the prefix, then the encoded address. The Store's own rows stand in table 0, under the
// machine's names:
//
//   00 00                                what this prefix holds: its format
//   00 01 | lease u64                    a lease, held by itself; its value is what its session has acknowledged
//   00 03 | lease u64 | sequence u64     the result of one request, held by the lease that is its session
//   00 04                                written for a number of its own: the revision of that names a lease

import { concatBytes, partOf, prefixEnd } from "../../std/bytes.ts";
import type { IndexBounds } from "../key-codec.ts";
import { LEASE_KEYS, leaseKey, leaseOfKey, resultKey, STATE_KEY } from "../machine/keys.ts";

const TICKET_KEY: Uint8Array = Uint8Array.of(0, 4);

export class EtcdKeys {
  readonly prefix: Uint8Array;
  /** All keys under the prefix. */
  readonly all: IndexBounds;
  readonly format: Uint8Array;
  readonly ticket: Uint8Array;
  readonly leases: IndexBounds;

  constructor(prefix: Uint8Array) {
    this.prefix = prefix;
    this.all = { from: prefix, to: prefixEnd(prefix)! };
    this.format = this.of(STATE_KEY);
    this.ticket = this.of(TICKET_KEY);
    this.leases = this.range(LEASE_KEYS);
  }

  of(encoded: Uint8Array): Uint8Array {
    return concatBytes([this.prefix, encoded]);
  }

  range({ from, to }: IndexBounds): IndexBounds {
    return { from: this.of(from), to: this.of(to) };
  }

  lease(lease: number): Uint8Array {
    return this.of(leaseKey(lease));
  }

  leaseIn(key: Uint8Array): number {
    return leaseOfKey(this.encodedIn(key));
  }

  /** Of an encoded address. */
  isLease(encoded: Uint8Array): boolean {
    return encoded[0] === 0 && encoded[1] === LEASE_KEYS.from[1];
  }

  result(session: number, sequence: number): Uint8Array {
    return this.of(resultKey(session, sequence));
  }

  /** The encoded address in a key of etcd. */
  encodedIn(key: Uint8Array): Uint8Array {
    return partOf(key, this.prefix.length);
  }
}
