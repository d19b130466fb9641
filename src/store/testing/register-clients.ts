import assert from "node:assert/strict";
import { checkLinearizability, HistoryReader, MODELS } from "../../check/index.ts";
import { text, utf8 } from "../../std/bytes.ts";
import type { Prng } from "../../std/prng.ts";
import type { Store } from "../store.ts";
import { ROW_TABLE } from "./real-store.ts";

type Recorded = "ok" | "fail" | "info";

/** What clients of registers in a Store saw, to be checked: reads, writes, and compare-and-set by a row's revision. */
export class RegisterHistory {
  readonly #reader = new HistoryReader();
  readonly #now: () => number;
  readonly #prng: Prng;
  #processes = 0;
  #values = 0;
  acknowledged = 0;
  unknown = 0;

  constructor(prng: Prng, nowMillis: () => number) {
    this.#prng = prng;
    this.#now = nowMillis;
  }

  /** One client, until a call's outcome stays unknown or `mayGoOn` says no. */
  async client(store: Store, keys: readonly string[], mayGoOn: () => boolean, timeout: Timeout): Promise<void> {
    const process = ++this.#processes;
    while (mayGoOn()) {
      const key = this.#prng.pick(keys);
      const choice = this.#prng.unit();
      const run = choice < 0.4 ? this.#read : choice < 0.7 ? this.#write : this.#compareAndSet;
      if (!(await run.call(this, process, store, key, timeout))) return;
    }
  }

  verify(): void {
    const { verdict, ...rest } = checkLinearizability(this.#reader.finish(), MODELS["cas-register"]);
    assert.equal(verdict, "ok", JSON.stringify(rest, undefined, 1));
  }

  async #read(process: number, store: Store, key: string, timeout: Timeout): Promise<boolean> {
    return this.#recorded({ process, f: "read", key, value: null }, async () => {
      const { row } = await timeout(store.get(address(key)));
      return ["ok", row === undefined ? null : text(row.value)];
    });
  }

  async #write(process: number, store: Store, key: string, timeout: Timeout): Promise<boolean> {
    const value = `${++this.#values}`;
    return this.#recorded({ process, f: "write", key, value }, async () => {
      const result = await timeout(store.commit({ puts: [{ ...address(key), value: utf8(value) }] }));
      assert.ok(result.committed);
      return ["ok", value];
    });
  }

  async #compareAndSet(process: number, store: Store, key: string, timeout: Timeout): Promise<boolean> {
    let before: Awaited<ReturnType<Store["get"]>>;
    try {
      before = await timeout(store.get(address(key), { level: "stale" }));
    } catch {
      return false;
    }
    const { row } = before;
    if (row === undefined) return true;
    const value = [text(row.value), `${++this.#values}`];
    return this.#recorded({ process, f: "cas", key, value }, async () => {
      const checks = [{ ...address(key), revision: row.revision }];
      const result = await timeout(store.commit({ checks, puts: [{ ...address(key), value: utf8(value[1]!) }] }));
      return [result.committed ? "ok" : "fail", value];
    });
  }

  /** False where its outcome is unknown: the process has an operation open for ever. */
  async #recorded(
    operation: { readonly process: number; readonly f: string; readonly key: string; readonly value: unknown },
    run: () => Promise<readonly [Recorded, unknown]>,
  ): Promise<boolean> {
    this.#add({ ...operation, type: "invoke" });
    try {
      const [type, value] = await run();
      this.acknowledged++;
      this.#add({ ...operation, type, value });
      return true;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      this.unknown++;
      this.#add({ ...operation, type: "info" });
      return false;
    }
  }

  #add(event: object): void {
    this.#reader.add(JSON.stringify({ ...event, time: Math.round(this.#now() * 1e6) }));
  }
}

/** The call's outcome, or a rejection once that takes too long: its node may be gone. */
export type Timeout = <T>(call: Promise<T>) => Promise<T>;

const address = (key: string) => ({ table: ROW_TABLE, key: utf8(key) });
