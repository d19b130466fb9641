// A Store on three machines that fail: power cuts, kills, nodes that nobody reaches, slow disks, indexes that are lost.
// Whatever happens, what was acknowledged is on every member in the end, once, reads are linearizable, and members
// with one applied index hold the same bytes.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SimDisk } from "../env/sim/index.ts";
import { text, utf8 } from "../std/bytes.ts";
import { AshlarError, hasCode } from "../std/errors.ts";
import { Prng } from "../std/prng.ts";
import { simulationSeeds } from "../testing/seeds.ts";
import { assertAllReached, onEachSeed } from "../testing/simulations.ts";
import type { Commit, Row, Store } from "./store.ts";
import type { SimStore } from "./testing/hosted-store.ts";
import { Ledger, RECEIPT, type SentCommit } from "./testing/ledger.ts";
import { absent, at, put, revision, TABLE } from "./testing/machine-driver.ts";
import { RegisterHistory, type Timeout } from "./testing/register-clients.ts";
import { NODES, StoreCluster } from "./testing/store-cluster.ts";

const FILE = "src/store/cluster.sim.ts";
const SEEDS = simulationSeeds(15);
const SEEDS_RUN_TWICE = 2;
const SEEDS_THAT_REACH_ALL = 15;

const LEASED_TABLE = TABLE + 1;
const ROUNDS = 6;
const CALL_MILLIS_MAX = 15_000;
const SHORT_TTL = 3000;
const LONG_TTL = 86_400_000;
const KEYS = ["a", "b", "c", "d"];
const REGISTERS = ["x", "y"];

describe("a Store on three machines that fail", () => {
  test(`keeps what it acknowledged, on ${SEEDS.length} seeds from ${SEEDS[0]}`, async (t) => {
    const reached = newReach();
    await onEachSeed(FILE, SEEDS, (seed) => simulate(seed, reached));
    t.diagnostic(JSON.stringify(reached));
    if (SEEDS.length >= SEEDS_THAT_REACH_ALL) assertAllReached(reached);
  });

  test("does the same twice on the same seed", async () => {
    await onEachSeed(FILE, SEEDS.slice(0, SEEDS_RUN_TWICE), async (seed) =>
      assert.equal(await simulate(seed), await simulate(seed)),
    );
  });
});

type Reach = ReturnType<typeof newReach>;

/** How often the simulations came to what they are for. */
function newReach() {
  return {
    commits: 0,
    registerCalls: 0,
    unknownOutcomes: 0,
    requestsSentAgain: 0,
    leaders: 0,
    snapshotsInstalled: 0,
    indexRebuilds: 0,
    leasesKept: 0,
    leasesExpired: 0,
  };
}

async function simulate(seed: number, reached: Reach = newReach()): Promise<string> {
  const simulation = new Simulation(seed, reached);
  const { scheduler } = simulation.cluster;
  await scheduler.settle(simulation.run(), 3_600_000);
  return scheduler.traceHash;
}

interface HeldLease {
  readonly id: number;
  readonly row: string;
  /** It lives at least until then. */
  until: number;
  isRevoked: boolean;
}

class Simulation {
  readonly cluster: StoreCluster;
  readonly #prng: Prng;
  readonly #reached: Reach;
  readonly #ledger = new Ledger();
  readonly #registers: RegisterHistory;
  readonly #leases: HeldLease[] = [];
  /** Nodes whose Store is open. */
  readonly #open = new Set<number>();
  #unanswered: SentCommit[] = [];
  #session = 0;
  #sequence = 0;
  #failure: unknown;
  #isWorking = false;

  /** Every seed draws its own mix of faults and limits. */
  constructor(seed: number, reached: Reach) {
    const prng = new Prng(seed);
    this.#prng = prng;
    this.#reached = reached;
    this.cluster = new StoreCluster({
      seed: prng.u32(),
      delayMillisMax: prng.pick([0.2, 5, 40]),
      segmentBytes: 65_536,
      sim: {
        disk: { slowChance: prng.pick([0, 0, 0.02]), slowMillis: 200 },
        index: { damagedChance: prng.pick([0, 0.2]), emptiedChance: prng.pick([0, 0.2]), flushMillisMax: 20 },
      },
      store: {
        checkpointBytesMin: prng.pick([1500, 6000, 1_000_000]),
        flushBytes: prng.pick([500, 5000]),
        turnRowsMax: prng.pick([3, 50]),
        checkpointRetryMillis: 10,
      },
      onEvent: ({ kind }) => {
        if (kind === "snapshot-installed") reached.snapshotsInstalled++;
      },
    });
    this.#registers = new RegisterHistory(prng.fork(), () => this.cluster.scheduler.nowMillis);
  }

  async run(): Promise<void> {
    for (const id of NODES) this.#start(id);
    await this.#allOpen();
    this.#session = (await this.#anyStore().grant(LONG_TTL)).id;
    for (let round = 0; round < ROUNDS; round++) {
      this.#isWorking = true;
      const working = Promise.all(Array.from({ length: 9 }, (_, number) => this.#work(number)));
      for (let faults = 1 + this.#prng.below(3); faults > 0; faults--) await this.#disturb();
      this.#isWorking = false;
      this.cluster.network.heal();
      await this.#allOpen();
      await working;
      await this.#sendAgain();
    }
    await this.#verify();
    for (const node of this.cluster.all) await node.close();
  }

  /** In the background: what is started may lose its power before it is open. */
  #start(id: number): void {
    const node = this.cluster.node(id);
    node.open().then(
      () => {
        this.#open.add(id);
        if (node.store.counters.indexRebuilds > 0) this.#reached.indexRebuilds++;
      },
      (error) => (this.#failure ??= error),
    );
  }

  async #allOpen(): Promise<void> {
    await this.cluster.until(() => this.#open.size === NODES.length || this.#failure !== undefined, "all are open");
    if (this.#failure !== undefined) throw this.#failure;
    for (const node of this.cluster.all) await this.#mend(node);
  }

  /** A damaged row that a command touches stops the node. One start later it is whole again. */
  async #mend(node: SimStore): Promise<void> {
    if (node.failure === undefined) return;
    assert.ok(hasCode(node.failure, "ROW_DAMAGED"), String(node.failure));
    await node.reopen();
    assert.equal(node.failure, undefined);
  }

  async #disturb(): Promise<void> {
    const { cluster } = this;
    const prng = this.#prng;
    await cluster.elapse(prng.below(1500));
    const leader = cluster.all.findIndex(({ isLeader }) => isLeader) + 1;
    const id = prng.chance(0.5) && leader > 0 ? leader : prng.pick(NODES);
    const choice = prng.unit();
    if (choice < 0.4) {
      cluster.network.isolate(id);
      await cluster.elapse(prng.below(8000));
      cluster.network.heal();
      return;
    }
    if (choice < 0.5) {
      cluster.node(id).machine.pause(prng.below(5000));
      return;
    }
    const victims = (choice < 0.6 ? NODES : [id]).filter((victim) => this.#open.delete(victim));
    for (const victim of victims) {
      if (prng.chance(0.7)) cluster.node(victim).losePower();
      else cluster.node(victim).killProcess();
    }
    await cluster.elapse(prng.below(6000));
    for (const victim of victims) this.#start(victim);
  }

  readonly #timeout: Timeout = (call) => {
    const { scheduler } = this.cluster;
    return new Promise((resolve, reject) => {
      const late = new AshlarError("TIMEOUT", "no answer", "");
      const timer = scheduler.after(CALL_MILLIS_MAX, "client", () => reject(late));
      call.finally(() => timer.cancel()).then(resolve, reject);
    });
  };

  #anyStore(): Store {
    const open = [...this.#open].filter((id) => this.cluster.node(id).failure === undefined);
    return this.cluster.node(this.#prng.pick(open.length > 0 ? open : NODES)).store;
  }

  async #work(number: number): Promise<void> {
    try {
      while (this.#isWorking) {
        if (this.#open.size === 0) await this.cluster.elapse(100);
        else if (number < 3) await this.#write();
        else if (number < 7) await this.#useRegisters();
        else if (number === 7) await this.#holdLease();
        else await this.#follow();
      }
    } catch (error) {
      this.#failure ??= error;
    }
  }

  async #useRegisters(): Promise<void> {
    let calls = 1 + this.#prng.below(20);
    const mayGoOn = (): boolean => this.#isWorking && calls-- > 0;
    await this.#registers.client(this.#anyStore(), REGISTERS, mayGoOn, this.#timeout);
    await this.cluster.elapse(this.#prng.below(50));
  }

  async #write(): Promise<void> {
    const entry = this.#ledger.open((id) => this.#randomCommit(id));
    await this.#send(this.#anyStore(), entry);
    await this.cluster.elapse(this.#prng.below(100));
  }

  async #send(store: Store, entry: SentCommit): Promise<void> {
    const { request } = entry.commit;
    if (request) this.#unanswered.push(entry);
    try {
      this.#ledger.answered(entry, await this.#timeout(store.commit(entry.commit)));
      this.#reached.commits++;
    } catch (error) {
      this.#ledger.failed(entry, error);
      if (entry.answer === undefined) this.#reached.unknownOutcomes++;
    }
    if (entry.answer !== undefined) this.#unanswered = this.#unanswered.filter((other) => other !== entry);
  }

  async #sendAgain(): Promise<void> {
    const open = this.#unanswered;
    this.#unanswered = [];
    for (const entry of open) {
      this.#reached.requestsSentAgain++;
      await this.#send(this.#anyStore(), entry);
      const { answer } = entry;
      // The first check is of the commit's own receipt: it fails only where the commit is applied a second time.
      if (answer !== undefined && answer !== "refused" && !answer.committed) assert.notEqual(answer.failedChecks[0], 0);
    }
  }

  #randomCommit(id: number): Commit {
    const prng = this.#prng;
    const receipt = RECEIPT + id;
    const puts = KEYS.filter(() => prng.chance(0.3)).map((key) => put(key, `${id} ${"x".repeat(prng.below(200))}`));
    const checks = [absent(receipt)];
    if (prng.chance(0.2)) checks.push(revision(prng.pick(KEYS), 1 + prng.below(id + 1)));
    const sequence = ++this.#sequence;
    const open = this.#unanswered.map((entry) => entry.commit.request!.sequence);
    const request = { session: this.#session, sequence, acknowledged: Math.min(sequence, ...open) - 1 };
    const named = prng.chance(0.4) && sequence - request.acknowledged < 900;
    return { checks, puts: [...puts, put(receipt)], ...(named && { request }) };
  }

  /** A lease with one row, kept alive for a while through any node, then left alone or revoked. */
  async #holdLease(): Promise<void> {
    const { scheduler } = this.cluster;
    try {
      const began = scheduler.nowMillis;
      const { id } = await this.#timeout(this.#anyStore().grant(SHORT_TTL));
      const lease: HeldLease = { id, row: `${id}`, until: began + SHORT_TTL, isRevoked: false };
      await this.#timeout(this.#anyStore().commit({ puts: [leasedRow(lease.row)], lease: id }));
      this.#leases.push(lease);
      for (let keeps = this.#prng.below(8); keeps > 0; keeps--) {
        await this.cluster.elapse(this.#prng.below(SHORT_TTL));
        const asked = scheduler.nowMillis;
        await this.#timeout(this.#anyStore().keepAlive(id));
        lease.until = Math.max(lease.until, asked + SHORT_TTL);
        this.#reached.leasesKept++;
        await this.#seeLease(lease);
      }
      if (this.#prng.chance(0.3)) {
        lease.isRevoked = true;
        await this.#timeout(this.#anyStore().revoke(id));
      }
    } catch (error) {
      if (!(error instanceof AshlarError)) throw error;
    }
    await this.cluster.elapse(100);
  }

  async #seeLease(lease: HeldLease): Promise<void> {
    const { row } = await this.#timeout(this.#anyStore().get(leasedRow(lease.row)));
    const { nowMillis } = this.cluster.scheduler;
    if (!lease.isRevoked && nowMillis < lease.until) assert.ok(row, `lease ${lease.id} ended early`);
  }

  /** A watcher of the receipts: whatever it is told comes in order, and leaves nothing out until it is told so. */
  async #follow(): Promise<void> {
    const store = this.#anyStore();
    const receipts = { from: at(RECEIPT), to: at(`${RECEIPT}~`) };
    try {
      const page = await this.#timeout(store.scan(TABLE, receipts, { limit: 10_000 }));
      const told = new Set(page.rows.map((row) => text(row.key)));
      let last = 0;
      const watch = store.watch(TABLE, receipts, { since: page.position })[Symbol.asyncIterator]();
      for (let events = 20; events > 0 && this.#isWorking; events--) {
        const { value } = await this.#timeout(watch.next());
        for (const { key, revision: number } of value?.changes ?? []) {
          assert.ok(number > last, "changes come in the order of their revisions");
          last = number;
          told.add(text(key));
        }
      }
      const all = await this.#timeout(store.scan(TABLE, receipts, { limit: 10_000 }));
      const due = all.rows.filter((row) => row.revision <= last);
      assert.ok(
        due.every((row) => told.has(text(row.key))),
        "a watcher is told of every commit up to its last",
      );
      await watch.return?.();
    } catch (error) {
      if (!(error instanceof AshlarError)) throw error;
    }
    await this.cluster.elapse(100);
  }

  async #verify(): Promise<void> {
    if (this.#failure !== undefined) throw this.#failure;
    // Longer than any lease, after any election.
    await this.cluster.elapse(4 * SHORT_TTL + 10_000);
    for (const node of this.cluster.all) await this.#mend(node);
    for (const node of this.cluster.all) {
      this.#ledger.verify(await this.#allRows(node, TABLE));
      assert.deepEqual(await this.#allRows(node, LEASED_TABLE), [], "leases that nobody keeps end at last");
      this.#reached.leasesExpired += node.store.counters.leasesExpired;
    }
    this.#registers.verify();
    this.#reached.registerCalls += this.#registers.acknowledged;
    this.#reached.unknownOutcomes += this.#registers.unknown;
    this.#reached.leaders += this.cluster.all[0]!.group!.status.term;
    await this.#compareMembers();
  }

  /** A backup holds all rows and the applied index that they belong to. */
  async #compareMembers(): Promise<void> {
    const backups = new Map<string, Uint8Array>();
    for (const [id, node] of this.cluster.nodes) {
      await node.store.get(at("a"));
      const disk = new SimDisk().mount();
      await node.store.backup(disk, "backup");
      const file = await disk.open("backup", "read");
      backups.set(`${id}`, await file.read(0, await file.length()));
    }
    const [first, ...others] = [...backups.values()];
    for (const other of others) assert.deepEqual(other, first, "members with one applied index hold the same bytes");
  }

  async #allRows(node: SimStore, table: number): Promise<Row[]> {
    for (let tries = 0; ; tries++) {
      try {
        return [...(await node.store.scan(table, {}, { limit: 10_000 })).rows];
      } catch (error) {
        if (!hasCode(error, "ROW_DAMAGED") || tries > 0) throw error;
        await node.reopen();
      }
    }
  }
}

function leasedRow(name: string) {
  return { table: LEASED_TABLE, key: utf8(name), value: utf8(name) };
}
