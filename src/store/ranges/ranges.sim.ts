// Clients of a Store whose keys are cut into ranges, on machines that lose their power, their network or some time, while
// keys go from group to group and coordinators die between any two of their steps. What clients saw is strictly
// serializable, watches tell every change, leases end with all of their rows, and in the end nothing is left behind.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { EMPTY, utf8 } from "../../std/bytes.ts";
import { AshlarError, hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { simulationSeeds } from "../../testing/seeds.ts";
import { assertAllReached, assertShown, onEachSeed } from "../../testing/simulations.ts";
import { encodeKeyBound } from "../key-codec.ts";
import { KEYS_FROM } from "../machine/range-state.ts";
import type { Commit, Store } from "../store.ts";
import { ListFollower } from "../testing/list-follower.ts";
import { at, put } from "../testing/machine-driver.ts";
import { MachineFaults } from "../testing/machine-faults.ts";
import { changeMap, runOf } from "../testing/move-keys.ts";
import { RangedCluster, type RangedNode } from "../testing/ranged-cluster.ts";
import { type ClientCommits, type ClientNode, operating, TransactionClients } from "../testing/transaction-clients.ts";
import type { Participant, SentCommand } from "../transactions/participant.ts";
import { GroupRouter } from "./group-router.ts";
import type { GroupStore } from "./group-store.ts";
import { bringKeys, giveUp, releaseKeys, type TransferName } from "./transfer.ts";

const FILE = "src/store/ranges/ranges.sim.ts";
const SEEDS = simulationSeeds(8);
const SEEDS_THAT_REACH_ALL = 8;

const ROUNDS = 2;
const CLIENTS = 9;
const CALL_MILLIS_MAX = 8000;
/** Where ranges may begin and end. */
const CUTS = ["account2", "lease", "list2", "list5", "receipt", "toggle3"];
const LEASE_TTL_MILLIS = 1500;

/** Mistakes, with the seeds among which one finds each, that which did so last first. */
const MISTAKES = {
  "locks stay behind": { found: 4, seedsMax: 20 },
  "decisions stay behind": { found: 2, seedsMax: 20 },
  "results stay behind": { found: 2, seedsMax: 12 },
  "shares are committed apart": { found: 1, seedsMax: 4 },
  "leases end at home only": { found: 1, seedsMax: 4 },
  "a watch goes on from now": { found: 1, seedsMax: 12 },
} as const;

type Mistake = keyof typeof MISTAKES;

describe("a Store over ranges whose keys move, on machines that fail", () => {
  test(`keeps its promises, on ${SEEDS.length} seeds from ${SEEDS[0]}`, async (t) => {
    const reached = newReach();
    await onEachSeed(FILE, SEEDS, (seed) => simulate(seed, reached));
    t.diagnostic(JSON.stringify(reached));
    if (SEEDS.length >= SEEDS_THAT_REACH_ALL) assertAllReached(reached);
  });

  test("does the same twice on the same seed", async () => {
    const seed = SEEDS[0]!;
    assert.equal(await simulate(seed), await simulate(seed));
  });

  for (const [mistake, { found: likely, seedsMax }] of Object.entries(MISTAKES)) {
    test(`shows this mistake within ${seedsMax} seeds: ${mistake}`, async (t) => {
      await assertShown(t, seedsMax, (seed) => simulate(seed, newReach(), mistake as Mistake), likely);
    });
  }
});

type Reach = ReturnType<typeof newReach>;

/** How often the simulations came to what they are for. */
function newReach() {
  return {
    ...{ committed: 0, conflicts: 0, unknown: 0, audits: 0, answeredAgain: 0 },
    ...{ transfers: 0, givenUp: 0, driversRelieved: 0, deadCoordinators: 0, stops: 0 },
    ...{ leasesEnded: 0, told: 0, watchedOn: 0 },
  };
}

async function simulate(seed: number, reached = newReach(), mistake?: Mistake): Promise<string> {
  const simulation = new Simulation(seed, reached, mistake);
  const { scheduler } = simulation.cluster;
  await scheduler.settle(simulation.run(), 3_600_000);
  return scheduler.traceHash;
}

/** The router of a node, with what the simulation does to it. */
class DisturbedRouter extends GroupRouter {
  mistake: Mistake | undefined;
  dies: () => boolean = () => false;
  /** Before a coordinator sends on. */
  lingers: (command: SentCommand) => Promise<void> = async () => {};

  override participant(id: number): Participant {
    const participant = super.participant(id);
    return {
      id: participant.id,
      get revision() {
        return participant.revision;
      },
      readDecision: (name) => participant.readDecision(name),
      send: async (command) => {
        if (this.dies()) return NEVER;
        await this.lingers(command);
        const result = await participant.send(command);
        return this.dies() ? NEVER : result;
      },
    };
  }

  override async end(lease: number, group: number): Promise<void> {
    if (this.mistake !== "leases end at home only") await super.end(lease, group);
  }

  override group(id: number): GroupStore {
    const group = super.group(id);
    if (this.mistake !== "a watch goes on from now") return group;
    return new Proxy(group, {
      get: (target, name) => {
        if (name === "watchParts") {
          return (...[table, parts, options]: Parameters<GroupStore["watchParts"]>) => {
            const forgetful = parts.map(({ range, since, befores }) => {
              return since === undefined && befores ? { range } : { range, ...(since !== undefined && { since }) };
            });
            return target.watchParts(table, forgetful, options);
          };
        }
        const value: unknown = Reflect.get(target, name, target);
        return typeof value === "function" ? value.bind(target) : value;
      },
    });
  }
}

class Simulation {
  readonly cluster: RangedCluster;
  readonly #prng: Prng;
  readonly #reached: Reach;
  readonly #mistake: Mistake | undefined;
  readonly #clients: TransactionClients;
  readonly #faults: MachineFaults;
  readonly #follower: ListFollower;
  readonly #deathChance: number;
  /** Leases that were made, with the names of rows that may be theirs. */
  readonly #leases = new Map<number, string[]>();
  #leaseRows = 0;
  #transfers = 0;
  #mayDie = false;
  #isWorking = false;
  #failure: unknown;

  constructor(seed: number, reached: Reach, mistake: Mistake | undefined) {
    const prng = new Prng(seed);
    this.#prng = prng;
    this.#reached = reached;
    this.#mistake = mistake;
    this.#deathChance = prng.pick([0, 0.005, 0.01]);
    const nodes = 3 + prng.below(2) * 2;
    const ids = Array.from({ length: nodes }, (_, number) => number + 1);
    const groups = Array.from({ length: 2 + prng.below(2) }, () => {
      const from = prng.below(nodes);
      return [0, 1, 2].map((step) => ids[(from + step) % nodes]!);
    });
    const ranged = {
      commitMillisMax: prng.pick([1500, 4000]),
      lockMillisMax: 5000,
      resolveAfterMillis: prng.pick([100, 500]),
      sweepMillis: 500,
      abortsKeptMillis: 1000,
    };
    this.cluster = new RangedCluster({
      ...{ seed: prng.u32(), nodes, groups, transactions: ranged, segmentBytes: 65_536 },
      delayMillisMax: prng.pick([0.2, 5, 20]),
      remote: { callMillisMax: 3000, askMillisMax: 1500, pollMillis: 500 },
      movingMillisMax: 5000,
      sim: { disk: { slowChance: prng.pick([0, 0, 0.02]), slowMillis: 200 }, index: { flushMillisMax: 20 } },
      store: { checkpointBytesMin: prng.pick([6000, 1_000_000]), flushBytes: prng.pick([500, 5000]) },
      routerOf: (settings) => this.#disturbed(new DisturbedRouter(settings)),
    });
    const lengths = { isolationMillisMax: 4000, pauseMillisMax: 4000, downMillisMax: 3000 };
    this.#faults = new MachineFaults(this.cluster, prng, lengths);
    this.#clients = new TransactionClients({
      prng: prng.fork(),
      now: () => this.cluster.scheduler.nowMillis,
      node: () => this.#clientOf(this.#anyNode()),
      timeout: (call) => this.#timeout(call),
    });
    this.#follower = new ListFollower({
      prng: prng.fork(),
      scheduler: this.cluster.scheduler,
      store: () => this.#anyNode().store,
      timeout: (call) => this.#timeout(call),
      isCalm: () => this.cluster.nodes.every(({ isOpen }) => isOpen),
    });
  }

  async run(): Promise<void> {
    const { cluster } = this;
    this.#faults.startAll();
    await this.#faults.allOpen();
    await cluster.begin([]);
    const [first] = cluster.nodes;
    await this.#clients.openAccounts(this.#clientOf(first!));
    const { id: session } = await first!.store.grant(86_400_000);
    this.#mayDie = true;
    for (let round = 0; round < ROUNDS; round++) {
      this.#isWorking = true;
      const working = Array.from({ length: CLIENTS }, (_, number) => this.#work(number, session));
      const moving = this.#moveKeys().catch((error) => (this.#failure ??= error));
      for (let faults = 1 + this.#prng.below(2); faults > 0; faults--) await this.#faults.disturb();
      await cluster.elapse(500);
      this.#isWorking = false;
      cluster.network.heal();
      await this.#faults.allOpen();
      await Promise.all([...working, moving]);
    }
    if (this.#failure !== undefined) throw this.#failure;
    await this.#verify();
    this.#reached.stops += this.#faults.stops;
    for (const node of cluster.nodes) await node.close();
  }

  #disturbed(router: DisturbedRouter): DisturbedRouter {
    router.mistake = this.#mistake;
    router.dies = () => {
      if (!this.#mayDie || !this.#prng.chance(this.#deathChance)) return false;
      this.#reached.deadCoordinators++;
      return true;
    };
    router.lingers = async ({ kind }) => {
      if ((kind !== "decide" && kind !== "finish") || !this.#mayDie || !this.#prng.chance(0.1)) return;
      await this.cluster.elapse(this.#prng.below(kind === "decide" ? 200 : 1200));
    };
    return router;
  }

  #clientOf({ store }: RangedNode): ClientNode {
    const isApart = this.#mistake === "shares are committed apart";
    const commit = async (given: Commit): ReturnType<ClientCommits["commit"]> => {
      const { puts: [first, ...others] = [], ...rest } = given;
      if (!isApart || first === undefined) return store.commit(given);
      const result = await store.commit({ ...rest, puts: [first] });
      for (const one of others) if (result.committed) await store.commit({ puts: [one] });
      return result;
    };
    const get: Store["get"] = (...asked) => store.get(...asked);
    return { coordinator: { commit }, stores: new Map([[1, store]]), store: () => ({ get, commit }) };
  }

  async #moveKeys(): Promise<void> {
    while (this.#isWorking) {
      await this.#transfer(++this.#transfers);
      await this.cluster.elapse(this.#prng.below(400));
    }
  }

  /** Keys between two cuts that are one group's, to another: until that is done, or given up. */
  async #transfer(transfer: number): Promise<void> {
    const prng = this.#prng;
    const bounds = [KEYS_FROM, ...CUTS.map((cut) => encodeKeyBound(utf8(cut)))];
    const first = prng.below(bounds.length);
    const [from, to] = [bounds[first]!, bounds[first + 1] ?? EMPTY];
    const source = await this.#ownerOf(from);
    const target = prng.pick([...this.cluster.members.keys()].filter((group) => group !== source));
    for (let attempt = 1; ; attempt++) {
      const node = this.#anyNode();
      try {
        if (attempt > 1) this.#reached.driversRelieved++;
        if (await this.#attempt(node, { transfer, attempt, source, target, from, to })) return;
      } catch (error) {
        operating(error);
        assert.ok(attempt < 100, `transfer ${transfer} comes to an end: ${(error as Error).message}`);
        await this.cluster.elapse(50);
      }
    }
  }

  async #attempt(node: RangedNode, name: TransferName): Promise<boolean> {
    const prng = this.#prng;
    const limits = { rowsMax: 1 + prng.below(8), bytesMax: 2000 };
    const run = this.#forgetful(runOf(node, name, { limits, pace: () => this.#pace() }));
    const within = <T>(call: Promise<T>): Promise<T> => this.#timeout(call);
    if (name.attempt > 1 && prng.chance(0.2) && (await within(giveUp(run)))) {
      this.#reached.givenUp++;
      return true;
    }
    await within(bringKeys(run));
    await within(changeMap(node.root, name, name.target));
    await within(releaseKeys(run));
    this.#reached.transfers++;
    return true;
  }

  /** Rows of the machine's own that a mistaken driver leaves behind. */
  #forgetful(run: ReturnType<typeof runOf>): ReturnType<typeof runOf> {
    const kinds = { "locks stay behind": 5, "decisions stay behind": 6, "results stay behind": 3 };
    const kind = kinds[this.#mistake as keyof typeof kinds];
    if (kind === undefined) return run;
    const { targetGroup } = run;
    const step: typeof targetGroup.step = (command) => {
      if (command.kind !== "import-rows") return targetGroup.step(command);
      const rows = command.rows.filter(({ key }) => key[0] !== 0 || key[1] !== kind);
      return targetGroup.step({ ...command, rows });
    };
    return { ...run, targetGroup: { ...targetGroup, step } };
  }

  async #ownerOf(from: Uint8Array): Promise<number> {
    for (;;) {
      const node = this.#anyNode();
      try {
        await this.#timeout(node.table.correct());
        return node.table.current.among({ from, to: from })[0]!.group;
      } catch (error) {
        operating(error);
        await this.cluster.elapse(50);
      }
    }
  }

  async #pace(): Promise<void> {
    await this.cluster.elapse(this.#prng.below(20));
    if (this.#prng.chance(0.02)) throw new AshlarError("DRIVER_GONE", "The driver is gone.", "");
  }

  #timeout<T>(call: Promise<T>): Promise<T> {
    const { scheduler } = this.cluster;
    return new Promise((resolve, reject) => {
      const late = new AshlarError("TIMEOUT", "no answer", "");
      const timer = scheduler.after(CALL_MILLIS_MAX, "client", () => reject(late));
      call.finally(() => timer.cancel()).then(resolve, reject);
    });
  }

  #anyNode(): RangedNode {
    const open = this.cluster.nodes.filter(({ isOpen, failure }) => isOpen && failure === undefined);
    return this.#prng.pick(open.length > 0 ? open : this.cluster.nodes);
  }

  async #work(number: number, session: number): Promise<void> {
    let process = this.#clients.nextProcess();
    try {
      while (this.#isWorking) {
        if (!this.cluster.nodes.some(({ isOpen }) => isOpen)) await this.cluster.elapse(100);
        else if (number < 4) {
          if (!(await this.#clients.lists(process))) process = this.#clients.nextProcess();
        } else if (number === 4) await this.#clients.bank().catch(operating);
        else if (number === 5) await this.#clients.toggle().catch(operating);
        else if (number === 6) await this.#clients.request(session, 4);
        else if (number === 7) await this.#useLease().catch(operating);
        else await this.#follower.follow().catch(operating);
        await this.cluster.elapse(this.#prng.below(60));
      }
    } catch (error) {
      this.#failure ??= error;
    }
  }

  /** Rows in several ranges under one lease, which then is revoked, or left to itself. */
  async #useLease(): Promise<void> {
    const prng = this.#prng;
    const { store } = this.#anyNode();
    const { id } = await this.#timeout(store.grant(LEASE_TTL_MILLIS));
    const names: string[] = [];
    this.#leases.set(id, names);
    for (let commits = 1 + prng.below(3); commits > 0; commits--) {
      const added = ["account9", "lease", "list9", "toggle9"].filter(() => prng.chance(0.5));
      const rows = (added.length > 0 ? added : ["lease"]).map((name) => `${name}/${++this.#leaseRows}`);
      names.push(...rows);
      await this.#timeout(this.#anyNode().store.commit({ puts: rows.map((name) => put(name)), lease: id }));
      if (prng.chance(0.3)) await this.#timeout(this.#anyNode().store.keepAlive(id));
    }
    if (!prng.chance(0.5)) return;
    await this.#timeout(this.#anyNode().store.revoke(id));
    for (const name of names) {
      const { row } = await this.#timeout(this.#anyNode().store.get(at(name)));
      assert.equal(row, undefined, `${name} went with its lease`);
    }
    this.#reached.leasesEnded++;
  }

  async #verify(): Promise<void> {
    const { cluster } = this;
    this.#mayDie = false;
    await this.#clients.sendAgain();
    await this.#leasesAreOver();
    const left = (): boolean =>
      cluster.nodes.every(({ groups }) => [...groups.values()].every((store) => store.prepared === 0));
    await cluster.until(left, "every lock and every decision is gone");
    await this.#clients.verify(this.#clientOf(cluster.nodes[0]!));
    this.#reached.told += this.#follower.told;
    this.#reached.watchedOn += this.#follower.watchedOn;
    for (const what of ["committed", "conflicts", "unknown", "audits", "answeredAgain"] as const) {
      this.#reached[what] += this.#clients[what];
    }
  }

  async #leasesAreOver(): Promise<void> {
    const { store } = this.cluster.nodes[0]!;
    // One whose rows never came is over by its time alone, which begins anew under a new leader.
    await this.cluster.elapse(6 * LEASE_TTL_MILLIS);
    for (const [lease, names] of this.#leases) {
      for (let tries = 0; ; tries++) {
        const rows = await store.getMany(names.map((name) => at(name)));
        if (rows.every((row) => row === undefined)) break;
        assert.ok(tries < 100, `the rows of lease ${lease} went with it: ${names.filter((_, number) => rows[number])}`);
        await this.cluster.elapse(200);
      }
      await assert.rejects(store.keepAlive(lease), (error) => hasCode(error, "LEASE_UNKNOWN"));
    }
  }
}

const NEVER = new Promise<never>(() => {});
