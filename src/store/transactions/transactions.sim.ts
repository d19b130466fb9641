// Commits over 2 to 4 groups on 3 to 5 machines that lose their power, their network or some time, with coordinators that
// die between any two of their steps. What clients saw is strictly serializable; in the end no lock and no decision is
// left anywhere.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { AshlarError } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { simulationSeeds } from "../../testing/seeds.ts";
import { assertAllReached, assertShown, onEachSeed } from "../../testing/simulations.ts";
import type { TransactionBug, TransactionBugs } from "../machine/prepared-bugs.ts";
import { GroupCluster, type GroupNode } from "../testing/group-cluster.ts";
import { MachineFaults } from "../testing/machine-faults.ts";
import { type ClientWorld, operating, TransactionClients } from "../testing/transaction-clients.ts";
import { TRANSACTION_DEFAULTS } from "./options.ts";
import type { Participant } from "./participant.ts";

const FILE = "src/store/transactions/transactions.sim.ts";
const SEEDS = simulationSeeds(20);
const SEEDS_RUN_TWICE = 2;
const SEEDS_THAT_REACH_ALL = 15;

const ROUNDS = 3;
const CLIENTS = 10;
const CALL_MILLIS_MAX = 8000;

/** Seeds within which each mistake is found. */
const BUGS: Readonly<Partial<Record<TransactionBug, number>>> = {
  "commit-through-locks": 10,
  "read-under-lock": 5,
  "scan-under-lock": 10,
  "finish-before-decision": 10,
  "resolver-commits": 5,
  "revision-not-raised": 5,
  "forget-unfinished": 5,
  "abort-over-decision": 10,
  "forget-answer": 5,
};

describe("commits over several groups", () => {
  test(`are strictly serializable, on ${SEEDS.length} seeds from ${SEEDS[0]}`, async (t) => {
    const reached = newReach();
    await onEachSeed(FILE, SEEDS, (seed) => simulate(seed, reached));
    t.diagnostic(JSON.stringify(reached));
    if (SEEDS.length >= SEEDS_THAT_REACH_ALL) assertAllReached(reached);
  });

  test("do the same twice on the same seed", async () => {
    await onEachSeed(FILE, SEEDS.slice(0, SEEDS_RUN_TWICE), async (seed) =>
      assert.equal(await simulate(seed), await simulate(seed)),
    );
  });

  for (const [bug, seedsMax] of Object.entries(BUGS)) {
    test(`show this mistake within ${seedsMax} seeds: ${bug}`, async (t) => {
      await assertShown(t, seedsMax, (seed) => simulate(seed, newReach(), new Set([bug as TransactionBug])));
    });
  }
});

type Reach = ReturnType<typeof newReach>;

/** How often the simulations came to what they are for. */
function newReach() {
  return { committed: 0, conflicts: 0, unknown: 0, audits: 0, answeredAgain: 0, deadCoordinators: 0, stops: 0 };
}

async function simulate(seed: number, reached = newReach(), bugs: TransactionBugs = new Set()): Promise<string> {
  const simulation = new Simulation(seed, reached, bugs);
  const { scheduler } = simulation.cluster;
  await scheduler.settle(simulation.run(), 3_600_000);
  return scheduler.traceHash;
}

class Simulation {
  readonly cluster: GroupCluster;
  readonly #prng: Prng;
  readonly #reached: Reach;
  readonly #clients: TransactionClients;
  readonly #faults: MachineFaults;
  readonly #deathChance: number;
  #mayDie = false;
  #failure: unknown;
  #isWorking = false;

  constructor(seed: number, reached: Reach, bugs: TransactionBugs) {
    const prng = new Prng(seed);
    this.#prng = prng;
    this.#reached = reached;
    this.#deathChance = prng.pick([0, 0.005, 0.02]);
    this.cluster = new GroupCluster({
      seed: prng.u32(),
      nodes: 3 + prng.below(2) * 2,
      groups: 2 + prng.below(3),
      bugs,
      delayMillisMax: prng.pick([0.2, 5, 30]),
      transactions: {
        ...TRANSACTION_DEFAULTS,
        commitMillisMax: prng.pick([1500, 4000]),
        lockMillisMax: 5000,
        resolveAfterMillis: prng.pick([100, 500]),
        sweepMillis: 500,
        abortsKeptMillis: 1000,
      },
      sim: { disk: { slowChance: prng.pick([0, 0, 0.02]), slowMillis: 200 }, index: { flushMillisMax: 20 } },
      store: { checkpointBytesMin: prng.pick([6000, 1_000_000]), flushBytes: prng.pick([500, 5000]) },
      wrap: (participant) => this.#mortal(participant),
    });
    const lengths = { isolationMillisMax: 6000, pauseMillisMax: 5000, downMillisMax: 4000 };
    this.#faults = new MachineFaults(this.cluster, prng, lengths);
    const world: ClientWorld = {
      prng: prng.fork(),
      now: () => this.cluster.scheduler.nowMillis,
      node: () => this.#anyNode(),
      timeout: (call) => this.#timeout(call),
    };
    this.#clients = new TransactionClients(world);
  }

  async run(): Promise<void> {
    const { cluster } = this;
    this.#faults.startAll();
    await this.#faults.allOpen();
    const [first] = cluster.nodes;
    await this.#clients.openAccounts(first!);
    // The group of each receipt's home knows this session.
    const { id: session } = await first!.stores.get(1)!.grant(86_400_000);
    this.#mayDie = true;
    for (let round = 0; round < ROUNDS; round++) {
      this.#isWorking = true;
      const working = Promise.all(Array.from({ length: CLIENTS }, (_, number) => this.#work(number, session)));
      for (let faults = 1 + this.#prng.below(2); faults > 0; faults--) await this.#faults.disturb();
      this.#isWorking = false;
      cluster.network.heal();
      await this.#faults.allOpen();
      await working;
    }
    if (this.#failure !== undefined) throw this.#failure;
    await this.#verify();
    this.#reached.stops += this.#faults.stops;
    for (const node of cluster.nodes) await node.close();
  }

  /** A coordinator of this one may die before or behind each of its steps: then nothing comes back, and nothing follows. */
  #mortal(participant: Participant): Participant {
    const prng = this.#prng;
    const dies = (): boolean => {
      if (!this.#mayDie || !prng.chance(this.#deathChance)) return false;
      this.#reached.deadCoordinators++;
      return true;
    };
    return {
      id: participant.id,
      revision: participant.revision,
      readDecision: (name) => participant.readDecision(name),
      send: async (command) => {
        if (dies()) return NEVER;
        const result = await participant.send(command);
        return dies() ? NEVER : result;
      },
    };
  }

  #timeout<T>(call: Promise<T>): Promise<T> {
    const { scheduler } = this.cluster;
    return new Promise((resolve, reject) => {
      const late = new AshlarError("TIMEOUT", "no answer", "");
      const timer = scheduler.after(CALL_MILLIS_MAX, "client", () => reject(late));
      call.finally(() => timer.cancel()).then(resolve, reject);
    });
  }

  #anyNode(): GroupNode {
    const open = this.cluster.nodes.filter(({ isOpen, failure }) => isOpen && failure === undefined);
    return this.#prng.pick(open.length > 0 ? open : this.cluster.nodes);
  }

  async #work(number: number, session: number): Promise<void> {
    let process = this.#clients.nextProcess();
    try {
      while (this.#isWorking) {
        if (!this.cluster.nodes.some(({ isOpen }) => isOpen)) await this.cluster.elapse(100);
        else if (number < 5) {
          if (!(await this.#clients.lists(process))) process = this.#clients.nextProcess();
        } else if (number < 7) await this.#clients.bank().catch(operating);
        else if (number === 7) await this.#clients.toggle().catch(operating);
        else if (number === 8) await this.#clients.scan().catch(operating);
        else await this.#clients.request(session, this.cluster.groups.length);
        await this.cluster.elapse(this.#prng.below(60));
      }
    } catch (error) {
      this.#failure ??= error;
    }
  }

  async #verify(): Promise<void> {
    const { cluster } = this;
    this.#mayDie = false;
    await this.#clients.sendAgain();
    const left = (): boolean =>
      cluster.nodes.every(({ stores }) => [...stores.values()].every((store) => store.prepared === 0));
    await cluster.until(left, "every lock and every decision is gone");
    await this.#clients.verify(cluster.nodes[0]!);
    this.#reached.committed += this.#clients.committed;
    this.#reached.conflicts += this.#clients.conflicts;
    this.#reached.unknown += this.#clients.unknown;
    this.#reached.audits += this.#clients.audits;
    this.#reached.answeredAgain += this.#clients.answeredAgain;
  }
}

const NEVER = new Promise<never>(() => {});
