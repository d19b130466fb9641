// Ranges are split, merged and moved on machines that fail, join and are drained, while clients read and write. Whoever
// drives a transfer loses its process in each of its phases. Whatever happens, registers are linearizable, the revisions
// of a key only grow, no key is without a group for long, and in the end one group serves each key, nothing is on its
// way, and no disk holds a group that is over. Mistakes of those who drive it are found out.

import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import {
  type CommitResult,
  encodeKeyBound,
  type Found,
  type ReadOptions,
  ROOT_GROUP,
  type RowAddress,
  type Store,
} from "../../store/index.ts";
import { ROW_TABLE } from "../../store/testing/real-store.ts";
import { RegisterHistory } from "../../store/testing/register-clients.ts";
import { simulationSeeds } from "../../testing/seeds.ts";
import { assertAllReached, assertShown, onEachSeed } from "../../testing/simulations.ts";
import type { NodeState } from "../node-row.ts";
import { type Layout, readLayout } from "./layout.ts";
import { abortTransfer, mergeRange, moveRange, splitRange } from "./range-changes.ts";
import { NO_RANGE_BUGS, RANGE_BUGS, type RangeBug } from "./seeded-bugs.ts";
import { RangeCluster, type RangeNode } from "./testing/range-cluster.ts";

const FILE = "src/cluster/ranges/ranges.sim.ts";
const SEEDS = simulationSeeds(4);
const SEEDS_THAT_REACH_ALL = 8;
/** A mistake shows on one of so many seeds. */
const BUG_SEEDS = 12;

const NAMES = ["a", "b", "c", "d", "e", "f", "g", "h"];
const FOUNDERS = 3;
const SPARES = 2;
/** Rows that are written once. */
const FILLERS = NAMES.flatMap((name) => Array.from({ length: 6 }, (_, number) => `${name}${number}`));
const REQUESTS = 10;
const CLIENTS = 5;
const THINK_MILLIS_MAX = 100;
const CALL_MILLIS_MAX = 8_000;
/** Without an answer about a key, through crashes and elections. */
const SILENCE_MILLIS_MAX = 60_000;
const END_MILLIS_MAX = 150_000;

describe("ranges on machines that fail", () => {
  test(`are served and kept, on ${SEEDS.length} seeds from ${SEEDS[0]}`, async (t) => {
    const reached = newReach();
    await onEachSeed(FILE, SEEDS, (seed) => simulate(seed, undefined, reached));
    t.diagnostic(JSON.stringify(reached));
    if (SEEDS.length >= SEEDS_THAT_REACH_ALL) assertAllReached(reached);
  });

  test("do the same twice on the same seed", async () => {
    const seed = SEEDS[0]!;
    assert.equal(await simulate(seed), await simulate(seed));
  });

  for (const bug of Object.keys(RANGE_BUGS) as RangeBug[]) {
    test(`show this mistake: ${RANGE_BUGS[bug]}`, async (t) => {
      await assertShown(t, BUG_SEEDS, (seed) => simulate(seed, bug));
    });
  }
});

function newReach() {
  return {
    ...{ acknowledged: 0, unknown: 0 },
    ...{ splits: 0, merges: 0, moves: 0, aborts: 0, ended: 0, givenUp: 0, forgotten: 0 },
    ...{ crashesBringing: 0, crashesUnsaid: 0, crashesReleasing: 0, crashesGivingUp: 0, crashes: 0, drains: 0 },
  };
}

async function simulate(seed: number, bug?: RangeBug, reached = newReach()): Promise<string> {
  const simulation = new Simulation(seed, bug, reached);
  const { scheduler } = simulation.cluster;
  await scheduler.settle(simulation.run(), 7_200_000);
  return scheduler.traceHash;
}

class Simulation {
  readonly cluster: RangeCluster;
  readonly #prng: Prng;
  readonly #reached: ReturnType<typeof newReach>;
  readonly #registers: RegisterHistory;
  readonly #revisions = new Map<string, number>();
  readonly #answeredMillis = new Map<string, number>();
  #isWorking = true;
  #failure: unknown;

  constructor(seed: number, bug: RangeBug | undefined, reached: ReturnType<typeof newReach>) {
    const prng = new Prng(seed);
    this.#prng = prng;
    this.#reached = reached;
    this.cluster = new RangeCluster({
      ...{ seed: prng.u32(), founders: FOUNDERS, spares: SPARES, delayMillisMax: prng.pick([0.2, 5, 20]) },
      ranges: { transferBytesPerSecond: prng.pick([50, 400, 10_000]) },
      store: { checkpointBytesMin: prng.pick([4000, 1_000_000]), flushBytes: 2000 },
      bugs: bug === undefined ? NO_RANGE_BUGS : new Set([bug]),
      onEvent: (node, event) => this.#heard(node, event.kind),
    });
    this.#registers = new RegisterHistory(prng.fork(), () => this.cluster.scheduler.nowMillis);
  }

  async run(): Promise<void> {
    const { cluster } = this;
    await cluster.begin();
    for (const name of NAMES) this.#answered(name);
    await cluster.persist((root) => root.commit({ puts: FILLERS.map((key) => ({ ...at(key), value: utf8(key) })) }));
    const failed = (error: unknown): void => void (this.#failure ??= error);
    const clients = Array.from({ length: CLIENTS }, () => this.#client().catch(failed));
    const faults = this.#disturb().catch(failed);
    for (let request = 0; request < REQUESTS && this.#failure === undefined; request++) {
      await this.#ask().catch(failed);
    }
    this.#isWorking = false;
    await Promise.all([...clients, faults]);
    if (this.#failure !== undefined) throw this.#failure;
    await this.#end();
    for (const node of cluster.nodes) if (node.failure) throw node.failure;
    await cluster.close();
  }

  #heard(node: RangeNode, kind: string): void {
    const reached = this.#reached;
    if (kind === "ended") reached.ended++;
    if (kind === "given-up") reached.givenUp++;
    if (kind === "forgotten") reached.forgotten++;
    const after = (chance: number, millisMax: number, run: () => Promise<void>): void => {
      if (!this.#isWorking || !this.#prng.chance(chance)) return;
      this.cluster.scheduler.after(this.#prng.below(millisMax), "fault", () => {
        if (node.isOpen && this.#mayFail) run().catch((error: unknown) => void (this.#failure ??= error));
      });
    };
    if (kind === "brought") after(0.4, 5, () => this.#crashUnsaid(node));
    if (kind === "arrived") {
      after(0.4, 30, () => {
        reached.crashesReleasing++;
        return this.#crash(node);
      });
    }
  }

  /** The target serves, and nobody knows; then it may be too late for another mind. */
  async #crashUnsaid(node: RangeNode): Promise<void> {
    this.#reached.crashesUnsaid++;
    const back = this.#crash(node);
    if (this.#prng.chance(0.7)) await this.#giveUp();
    await back;
  }

  /** New ones take the place of those who do not know what became of a call. */
  async #client(): Promise<void> {
    const store = this.#routed();
    const timeout = <T>(call: Promise<T>): Promise<T> => this.cluster.within(call, CALL_MILLIS_MAX);
    while (this.#isWorking) {
      await this.#registers.client(store, NAMES, () => this.#isWorking, timeout);
      await this.cluster.elapse(50);
      this.#checkSilence();
    }
  }

  /** The Store of whatever node is there. */
  #routed(): Store {
    const ask = async <T>(address: RowAddress, call: (store: Store) => Promise<T>): Promise<T> => {
      await this.cluster.elapse(this.#prng.below(THINK_MILLIS_MAX));
      const answer = await call(this.#anyNode().store);
      this.#answered(text(address.key));
      return answer;
    };
    const get = (address: RowAddress, options?: ReadOptions): Promise<Found> =>
      ask(address, (store) => store.get(address, options));
    const commit: Store["commit"] = async (given) => {
      const address = given.puts![0]!;
      const result: CommitResult = await ask(address, (store) => store.commit(given));
      if (result.committed) this.#noteRevision(address, result.revision);
      return result;
    };
    return { get, commit } as unknown as Store;
  }

  #noteRevision(address: RowAddress, revision: number): void {
    const key = String(address.key);
    const before = this.#revisions.get(key) ?? 0;
    assert.notEqual(revision, before, "each commit of a key has a revision of its own");
    this.#revisions.set(key, Math.max(before, revision));
  }

  #answered(name: string): void {
    this.#answeredMillis.set(name, this.cluster.scheduler.nowMillis);
  }

  #checkSilence(): void {
    for (const [name, millis] of this.#answeredMillis) {
      const silence = this.cluster.scheduler.nowMillis - millis;
      assert.ok(silence < SILENCE_MILLIS_MAX, `${name} is served, if not now then soon: ${silence} ms`);
    }
  }

  /** One change of ranges, and what becomes of it. */
  async #ask(): Promise<void> {
    const { cluster } = this;
    const prng = this.#prng;
    const reached = this.#reached;
    const name = utf8(prng.pick(NAMES));
    const node = this.#anyNode();
    const kind = prng.pick(["split", "split", "merge", "move"] as const);
    try {
      if (kind === "split") await this.#within(splitRange(node.root, name));
      if (kind === "merge")
        await this.#within(mergeRange(node.root, name, { into: prng.pick(["left", "right"] as const) }));
      if (kind === "move") await this.#within(moveRange(node.root, name, this.#somewhere(node)));
      reached[`${kind}s`]++;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
    }
    if (prng.chance(0.2)) await this.#abort();
    const moments = prng.below(3) === 0 ? 1 : 60;
    for (let moment = 0; moment < moments; moment++) {
      await cluster.elapse(500);
      const transfers = await this.#within(readLayout(this.#anyNode().root)).then(
        (layout) => layout.transfers,
        () => [undefined],
      );
      if (transfers.length === 0) break;
    }
  }

  async #abort(): Promise<void> {
    await this.cluster.elapse(this.#prng.below(2000));
    if (!(await this.#giveUp())) return;
    const driver = this.cluster.open.find(({ leadsRoot }) => leadsRoot);
    if (driver === undefined || !this.#mayFail || !this.#prng.chance(0.5)) return;
    this.#reached.crashesGivingUp++;
    await this.#crash(driver);
  }

  async #giveUp(): Promise<boolean> {
    try {
      const { root } = this.#anyNode();
      const [transfer] = (await this.#within(readLayout(root))).transfers;
      if (transfer === undefined) return false;
      await this.#within(abortTransfer(root, transfer.id, "another mind"));
      this.#reached.aborts++;
      return true;
    } catch (error) {
      if (error instanceof assert.AssertionError) throw error;
      return false;
    }
  }

  #somewhere({ table }: RangeNode): number[] {
    const active = table.all().filter(({ state }) => state === "active");
    const size = active.length < 5 ? 3 : 5;
    return active.map(({ id }) => id).slice(-size);
  }

  #anyNode(): RangeNode {
    assert.ok(this.cluster.open.length > 0, "a majority of the nodes is open");
    return this.#prng.pick(this.cluster.open);
  }

  get #mayFail(): boolean {
    const down = this.cluster.nodes.filter((node) => !node.isOpen && node.isBegun).length;
    return down === 0 && this.#isWorking;
  }

  /** Nodes fail or are cut off one after the other, and come back; others join and are drained. */
  async #disturb(): Promise<void> {
    const { cluster } = this;
    const prng = this.#prng;
    while (this.#isWorking) {
      await cluster.elapse(500 + prng.below(3000));
      const node = prng.pick(cluster.open);
      const driver = cluster.open.find(({ ranges }) => ranges.mover.progress !== undefined);
      const choice = prng.unit();
      if (choice < 0.5) await this.#joinOrDrain();
      else if (!this.#mayFail) continue;
      else if (choice < 0.6) {
        cluster.network.isolate(node.id);
        await cluster.elapse(prng.below(3000));
        cluster.network.heal();
      } else if (driver !== undefined && choice < 0.85) {
        this.#reached.crashesBringing++;
        await this.#crash(driver);
      } else await this.#crash(node);
    }
  }

  async #joinOrDrain(): Promise<void> {
    const { cluster } = this;
    const next = cluster.nodes.find(({ isBegun }) => !isBegun);
    if (next !== undefined) return cluster.join(next.id);
    // Two at once: groups that were on them have to go as a whole.
    const { table } = this.#anyNode();
    const drained = table.all().filter(({ state }) => state === "draining");
    const stays = cluster.nodes.map(({ id }) => id).filter((id) => !drained.some((one) => one.id === id));
    const first = this.#prng.pick(stays);
    const leaving = this.#prng.chance(0.2) ? [] : [first, this.#prng.pick(stays.filter((id) => id !== first))];
    if (leaving.length > 0) this.#reached.drains++;
    const states = new Map(drained.map(({ id }) => [id, "active" as NodeState]));
    for (const id of leaving) states.set(id, "draining");
    await cluster.setStates([...states]);
  }

  async #crash(node: RangeNode): Promise<void> {
    node.stop(this.#prng.pick(["power", "process"]));
    this.#reached.crashes++;
    await this.cluster.elapse(this.#prng.below(2000));
    await node.open();
  }

  #within<T>(call: Promise<T>): Promise<T> {
    return this.cluster.within(call, CALL_MILLIS_MAX);
  }

  async #end(): Promise<void> {
    const { cluster } = this;
    cluster.network.heal();
    for (const node of cluster.nodes) {
      if (node.isBegun) await cluster.until(() => node.isOpen, "all nodes come back");
    }
    const { acknowledged, unknown } = this.#registers;
    this.#reached.acknowledged += acknowledged;
    this.#reached.unknown += unknown;
    this.#registers.verify();
    await cluster.until(() => this.#isSettled().catch(() => false), "all is as the rows say", END_MILLIS_MAX);
    const layout = await cluster.persist(readLayout);
    for (const name of NAMES) await this.#verifyKey(layout, name);
  }

  /** Nothing is on its way, groups are where they should be, and on no other disk. */
  async #isSettled(): Promise<boolean> {
    const { cluster } = this;
    const { transfers, groups, map } = await this.#within(readLayout(this.#anyNode().root));
    if (transfers.length > 0) return false;
    for (const { id, state, nodes, members } of groups) {
      if (state !== "open" || String(members) !== String(nodes)) return false;
      if (!map.ranges.some(({ group }) => group === id)) return false;
    }
    for (const node of cluster.open) {
      const wanted = groups.filter(({ nodes }) => nodes.includes(node.id)).map(({ id }) => id);
      const kept = node.ranges.keeper.all.map(({ id }) => id).sort((one, other) => one - other);
      if (String(kept) !== String(wanted)) return false;
      for (const name of await node.disk.list("groups")) {
        if (!wanted.includes(Number(name)) && (await node.disk.list(`groups/${name}/store`)).length > 0) return false;
      }
    }
    return true;
  }

  async #verifyKey({ map, groups }: Layout, name: string): Promise<void> {
    const serving: number[] = [];
    for (const group of [ROOT_GROUP, ...groups.map(({ id }) => id)]) {
      const found = await this.#readAt(group, name);
      if (found === "mismatch") continue;
      serving.push(group);
      const least = this.#revisions.get(String(utf8(name))) ?? 0;
      assert.ok((found.row?.revision ?? 0) >= least, `the revisions of ${name} only grow`);
    }
    const bound = encodeKeyBound(utf8(name));
    const [range] = map.among({ from: bound, to: bound });
    assert.deepEqual(serving, [range!.group], `one group serves ${name}`);
    for (const filler of FILLERS.filter((one) => one.startsWith(name))) {
      const found = await this.#readAt(range!.group, filler);
      assert.equal(found !== "mismatch" && found.row && text(found.row.value), filler, "what was written is there");
    }
  }

  /** At whatever node: its member of the group may be closed meanwhile. */
  async #readAt(group: number, name: string): Promise<Found | "mismatch"> {
    for (;;) {
      try {
        return await this.#within(this.#anyNode().router.group(group).get(at(name)));
      } catch (error) {
        if (hasCode(error, "RANGE_MISMATCH")) return "mismatch";
        if (!hasCode(error, "STOPPED")) assert.ifError(error);
        await this.cluster.elapse(100);
      }
    }
  }
}

function at(name: string): RowAddress {
  return { table: ROW_TABLE, key: utf8(name) };
}
