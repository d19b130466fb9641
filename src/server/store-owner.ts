// Rows of an outside engine and bytes in this data directory are useless without each other, and two servers over both
// would spoil them. Two rows say who may:
//
//   "data"    which data directory the bytes are in: for ever
//   "holder"  which server works on them: under a lease that it keeps alive; each commit is guarded by this row

import type { Env, Timer } from "../env/index.ts";
import { strictText, toHex, utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { type EngineStore, type LeaseId, TABLES } from "../store/index.ts";
import { serverFailure } from "./errors.ts";
import type { Logger } from "./logger.ts";

export interface StoreOwnerParts {
  readonly env: Pick<Env, "timers" | "random" | "clock">;
  readonly store: EngineStore;
  /** Of this data directory. */
  readonly nodeId: string;
  readonly logger: Logger;
  readonly onLost: (error: Error) => void;
  readonly signal?: AbortSignal | undefined;
}

/** A server that was killed is missed for so long. */
const HOLD_MILLIS = 5000;
const KEEP_MILLIS = 1500;
const RETRY_MILLIS = 250;
/** Longer than a dead holder's lease lives on in any engine. */
const WAIT_MILLIS_MAX = 10_000;

const DATA = { table: TABLES.owner, key: utf8("data") };
const HOLDER = { table: TABLES.owner, key: utf8("holder") };

export class StoreOwner implements AsyncDisposable {
  readonly #parts: StoreOwnerParts;
  readonly #lease: LeaseId;
  #timer: Timer | undefined;
  #closed = false;

  /**
   * Waits for a holder that has just died. Rejects with STORE_OF_OTHER_DATA, with STORE_CHANGED where a data directory
   * that is not new finds none of its rows, and with STORE_IN_USE.
   */
  static async claim(parts: StoreOwnerParts, isNew: boolean): Promise<StoreOwner> {
    await claimData(parts, isNew);
    return new StoreOwner(parts, await claimHold(parts));
  }

  private constructor(parts: StoreOwnerParts, lease: LeaseId) {
    this.#parts = parts;
    this.#lease = lease;
    this.#keepLater();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    // Where it can not be given back, it ends by itself.
    await this.#parts.store.revoke(this.#lease).catch(() => {});
  }

  #keepLater(): void {
    if (!this.#closed) this.#timer = this.#parts.env.timers.after(KEEP_MILLIS, () => void this.#keep());
  }

  async #keep(): Promise<void> {
    const { store, logger, onLost } = this.#parts;
    try {
      await store.keepAlive(this.#lease);
    } catch (error) {
      if (this.#closed) return;
      if (hasCode(error, "LEASE_UNKNOWN")) return onLost(serverFailure("STORE_LOST"));
      logger.warning("store.unreachable", { what: error instanceof Error ? error.message : String(error) });
    }
    this.#keepLater();
  }
}

async function claimData({ store, nodeId }: StoreOwnerParts, isNew: boolean): Promise<void> {
  for (;;) {
    const { row } = await store.get(DATA);
    const owner = row && strictText(row.value);
    if (owner === nodeId) return;
    if (owner !== undefined)
      throw serverFailure("STORE_OF_OTHER_DATA", { data: { dataDirectory: owner, own: nodeId } });
    if (!isNew) {
      const what = "The Store holds none of the rows that belong to this data directory.";
      throw serverFailure("STORE_CHANGED", { what, data: { dataDirectory: nodeId } });
    }
    await store.commit({ checks: [{ ...DATA, absent: true }], puts: [{ ...DATA, value: utf8(nodeId) }] });
  }
}

async function claimHold({ env, store, logger, signal }: StoreOwnerParts): Promise<LeaseId> {
  const name = utf8(toHex(env.random.bytes(8)));
  const until = env.clock.monotonic() + WAIT_MILLIS_MAX;
  for (let isTold = false; ; isTold = true) {
    signal?.throwIfAborted();
    const lease = (await store.get(HOLDER)).row === undefined ? await hold(store, name) : undefined;
    if (lease !== undefined) return lease;
    if (env.clock.monotonic() > until) throw serverFailure("STORE_IN_USE");
    if (!isTold) logger.info("store.held", { what: "another server holds the Store, or has just died" });
    await new Promise<void>((resolve) => void env.timers.after(RETRY_MILLIS, resolve));
  }
}

/** Undefined where another one came first. */
async function hold(store: EngineStore, name: Uint8Array): Promise<LeaseId | undefined> {
  const { id: lease } = await store.grant(HOLD_MILLIS);
  const puts = [{ ...HOLDER, value: name }];
  const result = await store.commit({ checks: [{ ...HOLDER, absent: true }], puts, lease });
  if (result.committed) {
    store.guard(HOLDER, result.revision);
    return lease;
  }
  await store.revoke(lease);
  return undefined;
}
