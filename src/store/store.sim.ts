// Random commits on a simulated machine that loses power, is killed or closes at any moment, with an index that comes back older,
// empty or damaged, and checkpoints that rot. After each start: what was acknowledged is there, what was not is there as a whole or not
// at all, every check held when its commit was applied, and a session's requests were applied once.
//
//   ASHLAR_SIM_SEEDS=500 ASHLAR_SIM_SEED=1 node --test src/store/store.sim.ts

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SimMachine } from "../env/sim/index.ts";
import { utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { Prng } from "../std/prng.ts";
import { listCheckpoints } from "./checkpoint.ts";
import type { ReplicatedStore } from "./replicated/replicated-store.ts";
import type { Check, Commit, Row } from "./store.ts";
import { SimStore } from "./testing/hosted-store.ts";
import { Ledger, RECEIPT, type SentCommit } from "./testing/ledger.ts";
import { absent, at, put, revision, TABLE } from "./testing/machine-driver.ts";

const FIRST_SEED = Number(process.env["ASHLAR_SIM_SEED"] ?? 1);
const SEEDS = Number(process.env["ASHLAR_SIM_SEEDS"] ?? 50);
const SEEDS_RUN_TWICE = 5;

const LEASED_TABLE = TABLE + 1;
const ROUNDS = 5;
const WRITERS = 6;
const KEYS = ["a", "b", "c", "d", "e"];

describe("a Store on a machine that fails", () => {
  test(`keeps what it acknowledged, on ${SEEDS} seeds from ${FIRST_SEED}`, async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + SEEDS; seed++) await reported(seed, () => simulate(seed));
  });

  test("does the same twice on the same seed", async () => {
    for (let seed = FIRST_SEED; seed < FIRST_SEED + Math.min(SEEDS, SEEDS_RUN_TWICE); seed++) {
      await reported(seed, async () => assert.equal(await simulate(seed), await simulate(seed)));
    }
  });
});

async function reported(seed: number, run: () => Promise<unknown>): Promise<void> {
  try {
    await run();
  } catch (error) {
    console.error(`replay with: ASHLAR_SIM_SEED=${seed} ASHLAR_SIM_SEEDS=1 node --test src/store/store.sim.ts`);
    throw error;
  }
}

/** Gives the hash of all that happened. */
async function simulate(seed: number): Promise<string> {
  const simulation = new Simulation(seed);
  const { scheduler } = simulation.machine;
  await scheduler.settle(simulation.run());
  return scheduler.traceHash;
}

class Simulation {
  readonly machine: SimMachine;
  readonly #prng: Prng;
  readonly #started: SimStore;
  readonly #ledger = new Ledger();
  readonly #leases: { readonly id: number; readonly keys: Set<string> }[] = [];
  /** Requests whose outcome is open: sent again, under the same name, after the next start. */
  #unanswered: SentCommit[] = [];
  #sequence = 0;
  #session = 0;

  /** Every seed draws its own mix of faults and limits. */
  constructor(seed: number) {
    const prng = new Prng(seed);
    this.#prng = prng;
    this.machine = new SimMachine({
      seed,
      disk: { slowChance: prng.pick([0, 0, 0.02]), slowMillis: 50 },
      index: {
        damagedChance: prng.pick([0, 0.2]),
        emptiedChance: prng.pick([0, 0.2]),
        flushMillisMax: prng.pick([1, 20]),
      },
    });
    this.#started = new SimStore(this.machine, {
      segmentBytes: 65_536,
      store: {
        checkpointBytesMin: prng.pick([2000, 8000, 1_000_000]),
        flushBytes: prng.pick([500, 5000, 1_000_000]),
        turnRowsMax: prng.pick([3, 50]),
        checkpointRetryMillis: 10,
      },
    });
  }

  get #store(): ReplicatedStore {
    return this.#started.store;
  }

  async run(): Promise<void> {
    await this.#started.open();
    this.#session = (await this.#store.grant(86_400_000)).id;
    for (let round = 0; round < ROUNDS; round++) {
      await this.#work();
      await this.#damage();
      await this.#open();
      await this.#sendAgain();
      await this.#verify();
    }
    await this.#started.close();
  }

  /** Writers at work until the process ends in one way or another. */
  async #work(): Promise<void> {
    const writers = Array.from({ length: WRITERS }, () => this.#write(this.#store, 5 + this.#prng.below(20)));
    writers.push(this.#holdLease(this.#store), this.#follow(this.#store));
    const ending = this.#prng.unit();
    if (ending < 0.2) {
      await Promise.all(writers.slice(0, -1));
      await this.#started.close();
      await Promise.all(writers);
      return;
    }
    await this.#started.elapse(this.#prng.below(40) * this.#prng.unit());
    if (ending < 0.3) this.machine.disk.failNext(this.#prng.pick(["sync", "write"]));
    if (ending < 0.3) await this.#started.elapse(5);
    if (ending < 0.8) this.#started.losePower();
    else this.#started.killProcess();
  }

  async #write(store: ReplicatedStore, count: number): Promise<void> {
    for (let number = 0; number < count; number++) {
      const entry = this.#ledger.open((id) => this.#randomCommit(id));
      const known = await this.#send(store, entry);
      if (!known) return;
      if (this.#prng.chance(0.05)) await store.checkpoint().catch(() => {});
    }
  }

  /** False where the Store has ended. */
  async #send(store: ReplicatedStore, entry: SentCommit): Promise<boolean> {
    if (entry.commit.request) this.#unanswered.push(entry);
    try {
      this.#ledger.answered(entry, await store.commit(entry.commit));
      this.#unanswered = this.#unanswered.filter((other) => other !== entry);
      return true;
    } catch (error) {
      this.#ledger.failed(entry, error);
      if (entry.answer === "refused") this.#unanswered = this.#unanswered.filter((other) => other !== entry);
      return !hasCode(error, "STOPPED") && !hasCode(error, "OUTCOME_UNKNOWN");
    }
  }

  #randomCommit(id: number): Commit {
    const prng = this.#prng;
    const receipt = RECEIPT + id;
    const keys = KEYS.filter(() => prng.chance(0.4));
    const puts = keys.filter(() => prng.chance(0.7)).map((key) => put(key, `${id} ${"x".repeat(prng.below(300))}`));
    const deletes = keys
      .filter((key) => !puts.some((other) => at(key).key.join() === other.key.join()))
      .map((key) => at(key));
    const checks: Check[] = [absent(receipt)];
    if (prng.chance(0.3))
      checks.push(prng.chance(0.5) ? absent(prng.pick(KEYS)) : revision(prng.pick(KEYS), 1 + prng.below(id + 1)));
    const request = { session: this.#session, sequence: ++this.#sequence };
    const named = prng.chance(0.3) && this.#sequence < 900;
    return { checks, puts: [...puts, put(receipt)], deletes, ...(named && { request }) };
  }

  /** A lease with rows in a table of its own, which is revoked, or left to itself. */
  async #holdLease(store: ReplicatedStore): Promise<void> {
    const ttlMillis = this.#prng.pick([1000, 86_400_000]);
    try {
      const lease = { id: (await store.grant(ttlMillis)).id, keys: new Set<string>() };
      for (let number = 0; number < 3; number++) {
        const key = `${lease.id} ${number}`;
        await store.commit({ puts: [{ table: LEASED_TABLE, key: utf8(key), value: utf8(key) }], lease: lease.id });
        lease.keys.add(key);
      }
      if (ttlMillis > 1000 && this.#prng.chance(0.6)) this.#leases.push(lease);
      else await store.revoke(lease.id);
    } catch (error) {
      assert.ok(
        ["STOPPED", "OUTCOME_UNKNOWN", "OVERLOADED"].some((code) => hasCode(error, code)),
        String(error),
      );
    }
  }

  /** A watcher sees receipts in the order of their revisions, none left out. */
  async #follow(store: ReplicatedStore): Promise<void> {
    const { position } = await store.get(at("a"));
    const { rows } = await store.scan(TABLE, { from: at(RECEIPT), to: at(`${RECEIPT}~`) }, { limit: 10_000 });
    const seen = new Set(rows.map((row) => row.key.join()));
    let last = 0;
    try {
      for await (const { changes } of store.watch(
        TABLE,
        { from: at(RECEIPT), to: at(`${RECEIPT}~`) },
        { since: position },
      )) {
        for (const change of changes) {
          assert.ok(change.revision > last, "changes come in the order of their revisions");
          last = change.revision;
          seen.add(change.key.join());
        }
        const now = await store.scan(TABLE, { from: at(RECEIPT), to: at(`${RECEIPT}~`) }, { limit: 10_000 });
        for (const row of now.rows)
          if (row.revision <= last) assert.ok(seen.has(row.key.join()), "no change is left out");
      }
    } catch (error) {
      if (!hasCode(error, "STOPPED")) throw error;
    }
  }

  /** What may befall files and indexes while nobody runs. */
  async #damage(): Promise<void> {
    const { env } = this.machine;
    if (this.#prng.chance(0.2)) await env.indexes.remove("store");
    const [newest] = await listCheckpoints(env.disk, "store");
    if (newest && this.#prng.chance(0.3)) await this.#rot(newest.name);
    if (this.#prng.chance(0.15)) await this.#damageRow();
  }

  async #rot(name: string): Promise<() => void> {
    const file = await this.machine.env.disk.open(name, "read");
    const position = this.#prng.below(await file.length());
    await file.close();
    const bit = this.#prng.below(8);
    this.machine.disk.rot(name, position, bit);
    return () => this.machine.disk.rot(name, position, bit);
  }

  async #damageRow(): Promise<void> {
    const index = await this.machine.env.indexes.open("store").catch(() => undefined);
    const rows = index?.scan({ limit: 10_000 }) ?? [];
    if (index && rows.length > 0) {
      const { key, value } = this.#prng.pick(rows);
      value[this.#prng.below(value.length)]! ^= 1 << this.#prng.below(8);
      index.write({ puts: [{ key, value }], deletes: [] });
    }
    await index?.close();
  }

  /** Starts the Store; now and then with every checkpoint damaged and no index, which it must refuse unless the log is whole. */
  async #open(): Promise<void> {
    const { env } = this.machine;
    const checkpoints = await listCheckpoints(env.disk, "store");
    if (checkpoints.length > 0 && this.#prng.chance(0.15)) {
      const repairs: (() => void)[] = [];
      for (const { name } of checkpoints) repairs.push(await this.#rot(name));
      await env.indexes.remove("store");
      try {
        await this.#started.open();
        return;
      } catch (error) {
        assert.ok(hasCode(error, "CHECKPOINT_DAMAGED"), String(error));
        for (const repair of repairs) repair();
      }
    }
    await this.#started.open();
  }

  async #sendAgain(): Promise<void> {
    const open = this.#unanswered;
    this.#unanswered = [];
    for (const entry of open) {
      assert.ok(await this.#send(this.#store, entry));
      const { answer } = entry;
      // The first check is of the commit's own receipt: it fails only where the commit is applied a second time.
      if (answer !== undefined && answer !== "refused" && !answer.committed) assert.notEqual(answer.failedChecks[0], 0);
    }
  }

  async #verify(): Promise<void> {
    const rows = await this.#allRows(TABLE);
    this.#ledger.verify(rows);
    await this.#started.elapse(3000);
    const held = new Set((await this.#allRows(LEASED_TABLE)).map((row) => row.key.join()));
    for (const lease of this.#leases) {
      await this.#store.keepAlive(lease.id);
      for (const key of lease.keys) assert.ok(held.delete(utf8(key).join()), "a living lease keeps its rows");
    }
    assert.equal(held.size, 0, "an ended lease leaves no rows");
  }

  /** A damaged row is told, never served; one start later it is whole again. */
  async #allRows(table: number): Promise<Row[]> {
    for (let tries = 0; ; tries++) {
      try {
        const rows: Row[] = [];
        for (let more = true; more; ) {
          const page = await this.#store.scan(table, rows.length > 0 ? { after: rows.at(-1)! } : {}, { limit: 100 });
          rows.push(...page.rows);
          ({ more } = page);
        }
        return rows;
      } catch (error) {
        if (!hasCode(error, "ROW_DAMAGED") || tries > 0) throw error;
        await this.#started.reopen();
      }
    }
  }
}
