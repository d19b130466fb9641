import assert from "node:assert/strict";
import type { SimScheduler } from "../../env/sim/index.ts";
import { text } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import type { Prng } from "../../std/prng.ts";
import type { Change, Position, ScanRange, Store } from "../store.ts";
import { at, TABLE } from "./machine-driver.ts";

export interface FollowedWorld {
  readonly prng: Prng;
  readonly scheduler: SimScheduler;
  /** Of any node. */
  readonly store: () => Pick<Store, "scan" | "watch">;
  /** Gives up on a call whose node is gone. */
  readonly timeout: <T>(call: Promise<T>) => Promise<T>;
  /** Every node runs. */
  readonly isCalm: () => boolean;
}

/** How far each list is, by its name. */
type Lists = Map<string, { readonly revision: number; readonly length: number }>;

/** Follows the lists of TransactionClients by scans and watches, now at one node, now at another. */
export class ListFollower {
  readonly #world: FollowedWorld;
  /** Changes, and watches that were followed to their end. */
  told = 0;
  watchedOn = 0;

  constructor(world: FollowedWorld) {
    this.#world = world;
  }

  /** The lists as a watch tells of them from where a scan has seen them, against what they are in the end. */
  async follow(): Promise<void> {
    const range = { from: at("list"), to: at("list8") };
    const rows: Lists = new Map();
    const ends = new AbortController();
    const until = this.#world.scheduler.after(500 + this.#world.prng.below(2500), "watcher", () => ends.abort());
    try {
      let since = await this.#readLists(range, rows);
      while (!ends.signal.aborted) since = await this.#watch(range, rows, since, ends.signal);
      // Whoever reads now sees no less than what was told, and what is told from there on leads to what is read.
      const final: Lists = new Map();
      await this.#readLists(range, final);
      for (const [name, { revision }] of rows) {
        assert.ok((final.get(name)?.revision ?? 0) >= revision, `${name} is as new as was told`);
      }
      await this.#watchUntil(range, rows, since, final);
    } finally {
      until.cancel();
    }
  }

  async #readLists(range: ScanRange, rows: Lists): Promise<Position> {
    const page = await this.#world.timeout(this.#world.store().scan(TABLE, range, { limit: 1000 }));
    if (page.more) throw new AshlarError("MORE", "a row was locked", "");
    for (const { key, revision, value } of page.rows) {
      rows.set(text(key), { revision, length: (JSON.parse(text(value)) as unknown[]).length });
    }
    return page.position;
  }

  async #watch(range: ScanRange, rows: Lists, since: Position, signal: AbortSignal): Promise<Position> {
    let position = since;
    let left = 1 + this.#world.prng.below(30);
    try {
      for await (const event of this.#world.store().watch(TABLE, range, { since, signal })) {
        position = event.position;
        this.#take(event.changes, rows);
        if (--left === 0) break;
      }
      this.watchedOn++;
    } catch (error) {
      if (!signal.aborted) throw error;
    }
    return position;
  }

  /** Each commit makes a list one longer: none is left out. */
  #take(changes: readonly Change[], rows: Lists): void {
    for (const { key, revision, value } of changes) {
      const name = text(key);
      const before = rows.get(name) ?? { revision: 0, length: 0 };
      if (revision <= before.revision) continue;
      const { length } = JSON.parse(text(value!)) as unknown[];
      assert.equal(length, before.length + 1, `a watch leaves no change of ${name} out`);
      this.told++;
      rows.set(name, { revision, length });
    }
  }

  /** All that was read has to be told. */
  async #watchUntil(range: ScanRange, rows: Lists, since: Position, final: Lists): Promise<void> {
    const isThere = (): boolean =>
      [...final].every(([name, { revision }]) => (rows.get(name)?.revision ?? 0) >= revision);
    const store = this.#world.store();
    const ends = new AbortController();
    const timer = this.#world.scheduler.after(20_000, "watcher", () => ends.abort());
    try {
      if (isThere()) return;
      for await (const { changes } of store.watch(TABLE, range, { since, signal: ends.signal })) {
        this.#take(changes, rows);
        if (isThere()) return;
      }
    } catch (error) {
      if (!ends.signal.aborted) throw error;
      // Its node may have gone.
      if (this.#world.isCalm()) assert.ok(isThere(), "a watch leaves nothing out");
    } finally {
      timer.cancel();
    }
  }
}
