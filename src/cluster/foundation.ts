import type { Clock } from "../env/index.ts";
import type { Put, Store } from "../store/index.ts";
import { encodeCounter, encodeNodeRow, NODE_COUNTER, nodeAddress } from "./node-row.ts";
import { firstTokenRow, type TokenHash } from "./token-rows.ts";

export interface Foundation {
  readonly node: number;
  readonly peer: string;
  readonly zone: string;
  /** The secret of the first join token. */
  readonly secret: string;
  readonly certificateEndMillis: number;
  /** More rows that come with them. */
  readonly puts: readonly Put[];
}

const TOKEN_MILLIS = 24 * 60 * 60 * 1000;

/** Writes what a cluster begins with, unless that is there already. */
export async function foundCluster(
  parts: { readonly store: Store; readonly clock: Clock; readonly sha256: TokenHash },
  { node, peer, zone, secret, certificateEndMillis, puts }: Foundation,
): Promise<void> {
  const { store, clock, sha256 } = parts;
  const now = clock.now();
  const row = {
    state: "joining",
    start: 0,
    life: new Uint8Array(0),
    peer,
    zone,
    replaces: 0,
    joinedMillis: now,
  } as const;
  await store.commit({
    checks: [{ ...NODE_COUNTER, absent: true }],
    puts: [
      { ...NODE_COUNTER, value: encodeCounter(node + 1) },
      { ...nodeAddress(node), value: encodeNodeRow({ ...row, certificateEndMillis, endpoints: {} }) },
      firstTokenRow(secret, now + TOKEN_MILLIS, sha256),
      ...puts,
    ],
  });
}
