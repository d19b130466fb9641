// Random commits on a simulated machine that loses power, is killed or closes at any moment, with an index that comes
// back older, empty or damaged, and checkpoints that rot. After each start: what was acknowledged is there, what was
// not is there as a whole or not at all, every check held when its commit was applied, and a session's requests were
// applied once.
//
//   ASHLAR_SIM_SEEDS=500 ASHLAR_SIM_SEED=1 node --test src/store/store.sim.ts

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SimMachine } from "../env/sim/index.ts";
import { text, utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { Prng } from "../std/prng.ts";
import { simulationSeeds } from "../testing/seeds.ts";
import { assertAllReached, onEachSeed } from "../testing/simulations.ts";
import { listCheckpoints } from "./checkpoint.ts";
import type { ReplicatedStore } from "./replicated/replicated-store.ts";
import type { Change, Check, Commit, Row } from "./store.ts";
import { SimStore } from "./testing/hosted-store.ts";
import { Ledger, RECEIPT, type SentCommit } from "./testing/ledger.ts";
import { absent, at, put, revision, TABLE } from "./testing/machine-driver.ts";

const FILE = "src/store/store.sim.ts";
const SEEDS = simulationSeeds(50);
const SEEDS_RUN_TWICE = 5;
const SEEDS_THAT_REACH_ALL = 30;

const LEASED_TABLE = TABLE + 1;
const ROUNDS = 5;
const WRITERS = 6;
const SHORT_TTL = 1000;
const LONG_TTL = 86_400_000;
const KEYS = ["a", "b", "c", "d", "e"];

describe("a Store on a machine that fails", () => {
  test(`keeps what it acknowledged, on ${SEEDS.length} seeds from ${SEEDS[0]}`, async () => {
    const reached = newReach();
    await onEachSeed(FILE, SEEDS, (seed) => simulate(seed, reached));
    if (SEEDS.length >= SEEDS_THAT_REACH_ALL) assertAllReached(reached);
  });

  test("does the same twice on the same seed", async () => {
    await onEachSeed(FILE, SEEDS.slice(0, SEEDS_RUN_TWICE), async (seed) =>
      assert.equal(await simulate(seed), await simulate(seed)),
    );
  });
});

interface Follower {
  /** Receipts that it has seen. */
  readonly told: Set<string>;
  /** The revision of the last one. */
  last: number;
}

interface HeldLease {
  readonly id: number;
  readonly ttlMillis: number;
  /** Those whose commit was acknowledged. */
  readonly rows: Set<string>;
  /** Undefined: its end was asked for, and the answer was lost. */
  isKept: boolean | undefined;
}

type Reach = ReturnType<typeof newReach>;

/** How often the simulations came to what they are for. */
function newReach() {
  return {
    conflicts: 0,
    checkpoints: 0,
    leasesExpired: 0,
    indexRebuilds: 0,
    checkpointsDamaged: 0,
    rowsDamaged: 0,
    compactedLogs: 0,
    refusedStarts: 0,
    requestsSentAgain: 0,
  };
}

/** Gives the hash of all that happened. */
async function simulate(seed: number, reached: Reach = newReach()): Promise<string> {
  const simulation = new Simulation(seed, reached);
  const { scheduler } = simulation.machine;
  await scheduler.settle(simulation.run());
  return scheduler.traceHash;
}

class Simulation {
  readonly machine: SimMachine;
  readonly #reached: Reach;
  readonly #prng: Prng;
  readonly #started: SimStore;
  readonly #ledger = new Ledger();
  readonly #leases: HeldLease[] = [];
  /** Requests whose outcome is open: sent again, under the same name, after the next start. */
  #unanswered: SentCommit[] = [];
  #followers: Follower[] = [];
  /**
   * Damaged checkpoints. One that is whole always stays, or the log does: damage to all is for `#open`, which takes it
   * back.
   */
  readonly #rotten = new Set<string>();
  #sequence = 0;
  #session = 0;
  /** Of an empty log. */
  #foundedAt = 0;

  /** Every seed draws its own mix of faults and limits. */
  constructor(seed: number, reached: Reach) {
    this.#reached = reached;
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
    this.#foundedAt = this.#started.log.group(1).compaction.index;
    this.#session = (await this.#store.grant(LONG_TTL)).id;
    for (let round = 0; round < ROUNDS; round++) {
      await this.#work();
      await this.#damage();
      await this.#open();
      await this.#sendAgain();
      await this.#verify();
      this.#count();
    }
    await this.#started.close();
  }

  /** Adds what the Store has done since it was opened. */
  #count(): void {
    const { counters } = this.#store;
    const reached = this.#reached;
    reached.conflicts += counters.conflicts;
    reached.checkpoints += counters.checkpoints;
    reached.leasesExpired += counters.leasesExpired;
    reached.indexRebuilds += counters.indexRebuilds;
    reached.checkpointsDamaged += counters.checkpointsDamaged;
    reached.rowsDamaged += counters.rowsDamaged;
    if (this.#started.log.group(1).compaction.index > this.#foundedAt) reached.compactedLogs++;
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
    if (ending < 0.3) {
      this.machine.disk.failNext(this.#prng.pick(["sync", "write"]));
      // The failure strikes this one, unless a damaged row had stopped the Store before. The next start finds a sound disk.
      await this.#send(
        this.#store,
        this.#ledger.open((id) => this.#randomCommit(id)),
      );
      this.machine.disk.forgetFailures();
    }
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
    const sequence = ++this.#sequence;
    const open = this.#unanswered.map((entry) => entry.commit.request!.sequence);
    const request = { session: this.#session, sequence, acknowledged: Math.min(sequence, ...open) - 1 };
    const named = prng.chance(0.3) && this.#sequence < 900;
    return { checks, puts: [...puts, put(receipt)], deletes, ...(named && { request }) };
  }

  /** A lease with rows in a table of its own, which is kept, revoked, or left to expire. */
  async #holdLease(store: ReplicatedStore): Promise<void> {
    const ttlMillis = this.#prng.pick([SHORT_TTL, LONG_TTL]);
    try {
      const lease: HeldLease = { id: (await store.grant(ttlMillis)).id, ttlMillis, rows: new Set(), isKept: true };
      this.#leases.push(lease);
      for (let number = 0; number < 3; number++) {
        const key = utf8(`${lease.id} ${number}`);
        await store.commit({ puts: [{ table: LEASED_TABLE, key, value: key }], lease: lease.id });
        lease.rows.add(text(key));
      }
      if (this.#prng.chance(0.5)) return;
      lease.isKept = undefined;
      await store.revoke(lease.id);
      lease.isKept = false;
    } catch (error) {
      assert.ok(
        ["STOPPED", "OUTCOME_UNKNOWN"].some((code) => hasCode(error, code)),
        String(error),
      );
    }
  }

  /**
   * A watcher of the receipts: they come in the order of their revisions; `#verify` looks for those that it was not
   * told.
   */
  async #follow(store: ReplicatedStore): Promise<void> {
    const receipts = { from: at(RECEIPT), to: at(`${RECEIPT}~`) };
    const page = await store.scan(TABLE, receipts, { limit: 10_000 });
    const follower: Follower = { told: new Set(page.rows.map((row) => text(row.key))), last: 0 };
    this.#followers.push(follower);
    try {
      for await (const { changes } of store.watch(TABLE, receipts, { since: page.position })) {
        assert.equal(changes.length, 1);
        const [{ key, revision: number }] = changes as [Change];
        assert.ok(number > follower.last, "changes come in the order of their revisions");
        follower.last = number;
        follower.told.add(text(key));
      }
    } catch (error) {
      if (!hasCode(error, "STOPPED")) throw error;
    }
  }

  /** What may befall files and indexes while nobody runs. */
  async #damage(): Promise<void> {
    const { env } = this.machine;
    if (this.#prng.chance(0.2)) await env.indexes.remove("index");
    const whole = (await listCheckpoints(env.disk, "store")).filter(({ name }) => !this.#rotten.has(name));
    if (whole.length > 1 && this.#prng.chance(0.3)) {
      await this.#rot(whole[0]!.name);
      this.#rotten.add(whole[0]!.name);
    }
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
    const index = await this.machine.env.indexes.open("index").catch(() => undefined);
    const rows = index?.scan({ limit: 10_000 }) ?? [];
    if (index && rows.length > 0) {
      const { key, value } = this.#prng.pick(rows);
      value[this.#prng.below(value.length)]! ^= 1 << this.#prng.below(8);
      index.write({ puts: [{ key, value }], deletes: [] });
    }
    await index?.close();
  }

  /**
   * Starts the Store; now and then with every checkpoint damaged and no index, which it must refuse unless the log is
   * whole.
   */
  async #open(): Promise<void> {
    const { env } = this.machine;
    const checkpoints = await listCheckpoints(env.disk, "store");
    if (checkpoints.length > 0 && this.#prng.chance(0.15)) {
      const repairs: (() => void)[] = [];
      for (const { name } of checkpoints) repairs.push(await this.#rot(name));
      await env.indexes.remove("index");
      try {
        await this.#started.open();
        return;
      } catch (error) {
        assert.ok(hasCode(error, "CHECKPOINT_DAMAGED"), String(error));
        this.#reached.refusedStarts++;
        for (const repair of repairs) repair();
      }
    }
    await this.#started.open();
  }

  async #sendAgain(): Promise<void> {
    const open = this.#unanswered;
    this.#unanswered = [];
    this.#reached.requestsSentAgain += open.length;
    for (const entry of open) {
      if (!(await this.#send(this.#store, entry))) {
        await this.#startAfterFailure();
        assert.ok(await this.#send(this.#store, entry));
      }
      const { answer } = entry;
      // The first check is of the commit's own receipt: it fails only where the commit is applied a second time.
      if (answer !== undefined && answer !== "refused" && !answer.committed) assert.notEqual(answer.failedChecks[0], 0);
    }
  }

  async #verify(): Promise<void> {
    const all = await this.#allRows(TABLE);
    this.#ledger.verify(all);
    for (const { told, last } of this.#followers) {
      const due = all.filter((row) => row.revision <= last && text(row.key).startsWith(RECEIPT));
      assert.ok(
        due.every((row) => told.has(text(row.key))),
        "a watcher is told of every commit up to its last",
      );
    }
    this.#followers = [];
    await this.#started.elapse(3 * SHORT_TTL);
    if (this.#started.failure) {
      await this.#startAfterFailure();
      await this.#started.elapse(3 * SHORT_TTL);
    }
    const rows = new Set((await this.#allRows(LEASED_TABLE)).map((row) => text(row.key)));
    for (const lease of this.#leases) {
      const { id, ttlMillis, isKept } = lease;
      const held = [...rows].filter((row) => row.startsWith(`${id} `));
      if (ttlMillis === SHORT_TTL || isKept === false) assert.deepEqual(held, [], "an ended lease leaves no rows");
      else if (isKept) {
        await this.#store.keepAlive(id);
        assert.ok(lease.rows.isSubsetOf(new Set(held)), "a living lease keeps its rows");
      }
    }
  }

  /** A damaged row that a command touches stops the node. One start later it is whole again. */
  async #startAfterFailure(): Promise<void> {
    assert.ok(hasCode(this.#started.failure, "ROW_DAMAGED"), String(this.#started.failure));
    this.#count();
    await this.#started.reopen();
    assert.equal(this.#started.failure, undefined);
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
        this.#count();
        await this.#started.reopen();
      }
    }
  }
}
