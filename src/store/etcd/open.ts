// Opening the Store in etcd: what stands under the prefix is ours and of a format that is known, each lease gets its full
// time again, and from the revision of the first read on all changes are followed.

import { COMPARE, EtcdClient, type EtcdOptions, TARGET, type WatchEvent } from "../../drivers/etcd/index.ts";
import { assert } from "../../std/assert.ts";
import { utf8 } from "../../std/bytes.ts";
import { asStoreFailure } from "../engine/failures.ts";
import { FollowedHistory } from "../engine/followed-history.ts";
import { ENGINE_DEFAULTS, type EngineOptions } from "../engine/options.ts";
import { enginePositions } from "../engine/positions.ts";
import { storeFailure } from "../errors.ts";
import type { RowChange } from "../machine.ts";
import { newCounters, type StoreCounters } from "../replicated/counters.ts";
import { EtcdStore } from "./etcd-store.ts";
import { EtcdKeys } from "./keys.ts";
import { EtcdLeases } from "./leases.ts";

export interface OpenEtcdStore {
  readonly connection: EtcdOptions;
  /** All keys begin with it. */
  readonly prefix: string;
  readonly options?: Partial<EngineOptions>;
}

export const ETCD_PREFIX_BYTES_MAX = 255;

const FORMAT = 1;
const DELETED = 1;

/** Rejects with the driver's errors, or with FORMAT_NEWER. */
export async function openEtcdStore({ connection, prefix, ...given }: OpenEtcdStore): Promise<EtcdStore> {
  const options = { ...ENGINE_DEFAULTS, ...given.options };
  const keys = new EtcdKeys(utf8(prefix));
  assert(keys.prefix.length > 0 && keys.prefix.length <= ETCD_PREFIX_BYTES_MAX, "a prefix has its limits");
  await using parts = new AsyncDisposableStack();
  const client = parts.use(await EtcdClient.open(connection));
  const { clusterId, revision } = await readFormat(client, keys);
  const counters = newCounters();
  const positions = enginePositions("e1", clusterId.toString(36));
  const history = new FollowedHistory({ positions, counters, ...options });
  history.begin(revision);
  const leases = new EtcdLeases({ client, keys, counters, leasesMax: options.leasesMax });
  counters.leases = await asStoreFailure(leases.renewAll());
  client.watch({
    ...{ key: keys.all.from, rangeEnd: keys.all.to, from: revision + 1 },
    onEvents: (events) => tell(events, keys, history, counters),
    onLost: (lost) => history.skipTo(lost),
  });
  const store = new EtcdStore({ client, keys, positions, history, leases, counters, options });
  parts.move();
  return store;
}

/** Of this prefix, which it marks as this engine's where it is empty. */
async function readFormat(
  client: EtcdClient,
  keys: EtcdKeys,
): Promise<{ readonly clusterId: number; readonly revision: number }> {
  const key = keys.format;
  for (;;) {
    const { header, kvs } = await client.range({ key });
    const format = kvs[0]?.value[0];
    if (format === FORMAT) return header;
    if (format !== undefined) {
      const what = "The rows in etcd were written by a newer version of Ashlar.";
      throw storeFailure("FORMAT_NEWER", { what, data: { format, formatMax: FORMAT } });
    }
    // Whoever else writes it first writes the same, or what is then refused.
    const isAbsent = { key, target: TARGET.modRevision, result: COMPARE.equal, modRevision: 0 } as const;
    const put = { put: { key, value: Uint8Array.of(FORMAT) } };
    await client.txn({ compare: [isAbsent], success: [put], failure: [] });
  }
}

/** etcd tells a transaction's changes behind each other, under one revision. */
function tell(events: readonly WatchEvent[], keys: EtcdKeys, history: FollowedHistory, counters: StoreCounters): void {
  let changes: RowChange[] = [];
  for (const [at, { type, kv }] of events.entries()) {
    const isDeleted = type === DELETED;
    const key = new Uint8Array(keys.encodedIn(kv.key));
    if (key[0] !== 0) changes.push({ key, value: isDeleted ? undefined : new Uint8Array(kv.value) });
    else if (keys.isLease(key)) counters.leases += leaseStep(isDeleted, kv);
    if (events[at + 1]?.kv.modRevision === kv.modRevision) continue;
    history.publish({ revision: kv.modRevision, changes });
    changes = [];
  }
}

/** A lease's row is written again for its session, too. */
function leaseStep(isDeleted: boolean, { createRevision, modRevision }: WatchEvent["kv"]): number {
  if (isDeleted) return -1;
  return createRevision === modRevision ? 1 : 0;
}
