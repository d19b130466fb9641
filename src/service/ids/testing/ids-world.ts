// Nodes that hand out ids over one Store, under all that may happen to them: processes that are killed, stopped or stand
// still, clocks that are wrong and jump, a Store that can not be reached or whose replies are lost, two processes on copies
// of one data directory, a Store that is restored from an earlier state, people who change tags meanwhile.
//
// Every id and every number is a bit in a map of all that there can be. A world is nothing but its seed.

import { SimClock, SimProcess, SimRandom, SimScheduler, SimTimers } from "../../../env/sim/index.ts";
import { AshlarError, hasCode } from "../../../std/errors.ts";
import { Prng } from "../../../std/prng.ts";
import type { Row } from "../../../store/index.ts";
import { MemoryStore } from "../../../testing/memory-store.ts";
import { type Ids, openIds } from "../ids.ts";
import type { IdsBug } from "../seeded-bugs.ts";
import { SeenNumbers } from "./seen-numbers.ts";
import { WatchedRows } from "./watched-rows.ts";

export interface IdsWorldOptions {
  readonly seed: number;
  readonly spanMillis?: number;
  readonly bugs?: readonly IdsBug[];
}

export interface IdsWorldReport {
  readonly ids: number;
  readonly numbers: number;
  readonly takeovers: number;
  readonly refusals: ReadonlyMap<string, number>;
  readonly faults: ReadonlyMap<string, number>;
  readonly traceHash: string;
}

/** What was promised does not hold. */
export class Violation extends Error {}

const EPOCH_MILLIS = Date.UTC(2026, 0, 1);
/** So that no clock is before the layout's epoch. */
const BEGIN_MILLIS = EPOCH_MILLIS + 1000;
const WORKER_BITS = 3;
const SEQUENCE_BITS = 8;
const TIME_BITS = 15;
const WINDOW_MILLIS = 300;
/** How wrong a clock may be. */
const CLOCK_MILLIS = 120;
/** The last two run on a copy of the first one's data directory. */
const NODE_NAMES = ["a", "b", "c", "a", "a"];
const CLIENTS = 3;
const BATCH_MAX = 3000;
const BLOCK_TAGS = ["orders", "users"];
const ORDERED_TAG = "ledger";
const TAGS = [...BLOCK_TAGS, ORDERED_TAG];
const TAG_NUMBERS_MAX = 2 ** 25;
/** After which a node has heard that a tag is gone: cut off, then a pause before it watches again. */
const NEWS_MILLIS_MAX = 4000;
const GENERATOR = "g";

interface Node {
  readonly name: string;
  readonly clock: SimClock;
  clockErrorMillis: number;
  cutUntilMillis: number;
  process: SimProcess | undefined;
  ids: Ids | undefined;
  /** One more with every start. */
  life: number;
  /** The greatest that a call of this life has had. */
  greatest: Map<string, bigint>;
}

export async function runIdsWorld(options: IdsWorldOptions): Promise<IdsWorldReport> {
  return new IdsWorld(options).run();
}

class IdsWorld {
  readonly #options: IdsWorldOptions;
  readonly #prng: Prng;
  readonly #scheduler = new SimScheduler();
  #rows: WatchedRows = new WatchedRows(() => this.#scheduler.nowMillis);
  /** Of a while ago. */
  #backup: readonly Row[] = [];
  readonly #nodes: readonly Node[];
  readonly #ids = new SeenNumbers(2 ** (TIME_BITS + WORKER_BITS + SEQUENCE_BITS));
  readonly #numbers = new Map(TAGS.map((tag) => [tag, new SeenNumbers(TAG_NUMBERS_MAX)]));
  /** The greatest number of the ordered tag that anybody was answered with. */
  #orderedGreatest = -1n;
  readonly #refusals = new Map<string, number>();
  readonly #faults = new Map<string, number>();
  #isQuiet = false;
  #violation: unknown;

  constructor(options: IdsWorldOptions) {
    this.#options = options;
    this.#prng = new Prng(options.seed);
    this.#nodes = NODE_NAMES.map((name) => ({
      ...{ name, clock: new SimClock(this.#scheduler, { epochMillis: BEGIN_MILLIS }) },
      ...{ clockErrorMillis: 0, cutUntilMillis: 0, process: undefined, ids: undefined, life: 0, greatest: new Map() },
    }));
  }

  async run(): Promise<IdsWorldReport> {
    await this.#scheduler.settle(this.#define());
    this.#backup = this.#rows.copy();
    for (const node of this.#nodes) this.#start(node);
    const end = this.#options.spanMillis ?? 15_000;
    for (let at = 500; at < end; at += 500) {
      await this.#advance(500);
      if (this.#prng.chance(0.03)) await this.#restore();
      if (this.#prng.chance(0.1)) this.#backup = this.#rows.copy();
    }
    await this.#becomeQuiet();
    const numbers = [...this.#numbers.values()].reduce((sum, { count }) => sum + count, 0);
    return {
      ...{ ids: this.#ids.count, numbers, takeovers: this.#rows.takeovers },
      ...{ refusals: this.#refusals, faults: this.#faults, traceHash: this.#scheduler.traceHash },
    };
  }

  async #define(): Promise<void> {
    const process = new SimProcess(this.#scheduler, "operator");
    const clock = new SimClock(this.#scheduler, { epochMillis: BEGIN_MILLIS });
    const env = { clock, timers: new SimTimers(process, clock), random: new SimRandom(this.#prng.fork()) };
    const ids = openIds({ store: new MemoryStore(this.#rows), env, node: "operator" });
    const bits = { timeBits: TIME_BITS, workerBits: WORKER_BITS, sequenceBits: SEQUENCE_BITS };
    const shape = { unitMillis: 1, order: "time-worker-sequence", byteOrder: "big", sequenceStartBelow: 1 } as const;
    const layout = { ...bits, ...shape, epochMillis: EPOCH_MILLIS };
    await ids.defineGenerator(GENERATOR, { layout, windowMillis: WINDOW_MILLIS });
    for (const tag of BLOCK_TAGS) await ids.createTag(tag, { step: 100 });
    await ids.createTag(ORDERED_TAG, { order: "global" });
    await ids[Symbol.asyncDispose]();
  }

  #start(node: Node): void {
    const process = new SimProcess(this.#scheduler, node.name);
    const { clock } = node;
    const timers = new SimTimers(process, clock);
    const isCut = (): boolean => node.cutUntilMillis > this.#scheduler.nowMillis;
    const faults = { timers, prng: this.#prng.fork(), delayMillis: [0.2, 4], unknownChance: 0.03, isCut } as const;
    const store = new MemoryStore(this.#rows, faults);
    const env = { clock, timers, random: new SimRandom(this.#prng.fork()) };
    node.process = process;
    node.ids = openIds({ store, env, node: node.name, bugs: new Set(this.#options.bugs) });
    node.life++;
    node.greatest = new Map();
    for (let client = 0; client < CLIENTS; client++) this.#client(node, this.#prng.fork());
    this.#faultLater(node);
  }

  #client(node: Node, prng: Prng): void {
    const { life, ids } = node;
    const timers = new SimTimers(node.process!, node.clock);
    const run = async (): Promise<void> => {
      while (node.life === life && node.ids === ids && this.#violation === undefined) {
        await new Promise<void>((resolve) => timers.after(prng.below(6), resolve));
        if (node.ids !== ids || this.#isQuiet) continue;
        await this.#tolerating(() => this.#act(node, ids!, prng));
      }
    };
    run().catch((error: unknown) => {
      this.#violation ??= error;
    });
  }

  async #act(node: Node, ids: Ids, prng: Prng): Promise<void> {
    const drawn = prng.below(1000);
    const tag = drawn < 850 ? prng.pick(BLOCK_TAGS) : ORDERED_TAG;
    if (drawn < 700) await this.#make(node, ids, 1 + prng.below(prng.chance(0.2) ? BATCH_MAX : 700));
    else if (drawn < 980 && this.#rows.tag(tag)!.isRemoved && prng.chance(0.1)) await this.#createTag(ids, tag, prng);
    else if (drawn < 980) await this.#count(node, ids, tag, 1 + prng.below(tag === ORDERED_TAG ? 20 : 400));
    else if (drawn < 992) await ids.updateTag(prng.pick(BLOCK_TAGS), { step: 1 + prng.below(2000) });
    else await this.#replaceTag(node, ids, prng.pick(TAGS), prng);
  }

  async #make(node: Node, ids: Ids, count: number): Promise<void> {
    const above = node.greatest.get(GENERATOR) ?? -1n;
    const { life } = node;
    const made = new BigUint64Array(count);
    await ids.fill(GENERATOR, made);
    const words = new Uint32Array(made.buffer);
    const { windowEnds, usedMillis } = this.#rows;
    let last = Number(above);
    for (let at = 0; at < words.length; at += 2) {
      const id = words[at]!;
      if (!this.#ids.add(id)) this.#violated(`the id ${id} was made twice`);
      if (id <= last) this.#violated(`the id ${id} came after ${last} on one node`);
      last = id;
      const timeMillis = EPOCH_MILLIS + (id >>> (WORKER_BITS + SEQUENCE_BITS));
      const worker = (id >>> SEQUENCE_BITS) & (2 ** WORKER_BITS - 1);
      if (timeMillis >= windowEnds[worker]!) this.#violated(`the time of the id ${id} is not reserved`);
      usedMillis[worker] = Math.max(usedMillis[worker] ?? 0, timeMillis);
    }
    if (this.#rows.endsTooEarly > 0) this.#violated("a worker number was given back with ids behind its end");
    this.#note(node, life, GENERATOR, BigInt(last));
  }

  async #count(node: Node, ids: Ids, tag: string, count: number): Promise<void> {
    const above = node.greatest.get(tag) ?? -1n;
    const orderedAbove = this.#orderedGreatest;
    const { life } = node;
    const beganMillis = this.#scheduler.nowMillis;
    const pieces = await ids.segment(tag, count);
    let last = tag === ORDERED_TAG ? max(above, orderedAbove) : above;
    for (const { first, size } of pieces) {
      if (first <= last) this.#violated(`${tag} gave ${first} after ${last}`);
      const { removedMillis = Number.POSITIVE_INFINITY } = this.#rows.incarnationOf(tag, first) ?? {};
      if (removedMillis + NEWS_MILLIS_MAX < beganMillis) this.#violated(`${tag} gave ${first}, which was removed`);
      for (let at = 0; at < size; at++)
        if (!this.#numbers.get(tag)!.add(Number(first) + at)) this.#violated(`${tag} gave ${first} + ${at} twice`);
      last = first + BigInt(size) - 1n;
    }
    if (pieces.reduce((sum, { size }) => sum + size, 0) !== count) this.#violated(`${tag} gave another count`);
    if (tag === ORDERED_TAG) this.#orderedGreatest = max(this.#orderedGreatest, last);
    if (this.#rows.blocksTooSmall > 0) this.#violated("a block is smaller than the step in its row");
    this.#note(node, life, tag, last);
  }

  async #replaceTag(node: Node, ids: Ids, tag: string, prng: Prng): Promise<void> {
    const beganMillis = this.#scheduler.nowMillis;
    await ids.removeTag(tag);
    // Others may remove and create it meanwhile: what was removed first since then is surely gone here.
    const goneMillis = this.#rows.firstRemoval(tag, beganMillis);
    try {
      const [{ first } = { first: 0n }] = await ids.segment(tag, 1);
      const { removedMillis = Number.POSITIVE_INFINITY } = this.#rows.incarnationOf(tag, first)!;
      if (removedMillis <= goneMillis) this.#violated(`${tag} gave ${first} where it was removed`);
    } catch (error) {
      if (!hasCode(error, "TAG_MISSING")) throw error;
    }
    const timers = new SimTimers(node.process!, node.clock);
    await new Promise<void>((resolve) => timers.after(prng.below(300), resolve));
    await this.#createTag(ids, tag, prng);
  }

  async #createTag(ids: Ids, tag: string, prng: Prng): Promise<void> {
    await ids.createTag(tag, tag === ORDERED_TAG ? { order: "global" } : { step: 1 + prng.below(500) });
  }

  #note(node: Node, life: number, name: string, greatest: bigint): void {
    if (node.life === life) node.greatest.set(name, max(greatest, node.greatest.get(name) ?? -1n));
  }

  #faultLater(node: Node): void {
    const { life } = node;
    this.#scheduler.after(50 + this.#prng.below(1500), "fault", () => {
      if (node.life !== life || this.#isQuiet || node.ids === undefined) return;
      const fault = this.#prng.pick(["kill", "stop", "pause", "clock", "clock", "cut"]);
      this.#faults.set(fault, (this.#faults.get(fault) ?? 0) + 1);
      if (fault === "kill") this.#end(node);
      else if (fault === "stop") this.#stop(node);
      else if (fault === "pause") node.process!.pause(this.#prng.below(700));
      else if (fault === "clock") this.#setClock(node, this.#prng.below(2 * CLOCK_MILLIS) - CLOCK_MILLIS);
      else node.cutUntilMillis = this.#scheduler.nowMillis + this.#prng.below(1000);
      if (node.life === life && fault !== "stop") this.#faultLater(node);
    });
  }

  #setClock(node: Node, errorMillis: number): void {
    node.clock.jump(errorMillis - node.clockErrorMillis);
    node.clockErrorMillis = errorMillis;
  }

  #end(node: Node): void {
    node.process!.kill();
    node.ids = undefined;
    node.life++;
    this.#startLater(node);
  }

  /** In an orderly way: numbers are given back. */
  #stop(node: Node): void {
    const { ids, process } = node;
    node.ids = undefined;
    ids![Symbol.asyncDispose]().then(
      () => {
        process!.kill();
        node.life++;
        this.#startLater(node);
      },
      (error: unknown) => {
        this.#violation ??= error;
      },
    );
  }

  #startLater(node: Node): void {
    const { life } = node;
    this.#scheduler.after(this.#prng.below(this.#prng.chance(0.5) ? 10 : 500), "start", () => {
      if (node.life !== life || node.ids !== undefined) return;
      if (this.#prng.chance(0.3)) this.#setClock(node, this.#prng.below(2 * CLOCK_MILLIS) - CLOCK_MILLIS);
      this.#start(node);
    });
  }

  /**
   * The whole Store is put back to an earlier state, which takes longer than clocks differ; tags are moved on by who does
   * it, since a backup can not know what was handed out.
   */
  async #restore(): Promise<void> {
    this.#faults.set("restore", (this.#faults.get("restore") ?? 0) + 1);
    for (const node of this.#nodes) {
      node.process?.kill();
      node.ids = undefined;
      node.life++;
    }
    const ends = new Map(TAGS.map((tag) => [tag, this.#rows.tag(tag)!]));
    await this.#advance(500);
    this.#rows = WatchedRows.restored(this.#backup, this.#rows);
    const clock = new SimClock(this.#scheduler, { epochMillis: BEGIN_MILLIS });
    const timers = new SimTimers(new SimProcess(this.#scheduler, "operator"), clock);
    const env = { clock, timers, random: new SimRandom(this.#prng.fork()) };
    const ids = openIds({ store: new MemoryStore(this.#rows), env, node: "operator" });
    const move = async (): Promise<void> => {
      for (const [tag, { nextNumber }] of ends) {
        const { isRemoved } = this.#rows.tag(tag)!;
        if (isRemoved) await ids.createTag(tag, { first: nextNumber, order: tag === ORDERED_TAG ? "global" : "node" });
        else await ids.updateTag(tag, { first: nextNumber });
      }
      await ids[Symbol.asyncDispose]();
    };
    await this.#scheduler.settle(move());
    for (const node of this.#nodes) this.#start(node);
  }

  /** All faults end: then every node makes ids before long. */
  async #becomeQuiet(): Promise<void> {
    this.#isQuiet = true;
    await this.#advance(2500);
    for (const node of this.#nodes) this.#setClock(node, 0);
    for (const node of this.#nodes) {
      const made = this.#make(node, node.ids!, 10);
      await this.#scheduler.settle(made, 5000).catch((error: unknown) => {
        this.#violated(`node ${node.name} makes no ids any more: ${String(error)}`);
      });
    }
    await this.#scheduler.settle(Promise.all(this.#nodes.map((node) => node.ids![Symbol.asyncDispose]())));
  }

  async #tolerating(act: () => Promise<void>): Promise<void> {
    try {
      await act();
    } catch (error) {
      if (!(error instanceof AshlarError)) throw error;
      this.#refusals.set(error.code, (this.#refusals.get(error.code) ?? 0) + 1);
    }
  }

  async #advance(millis: number): Promise<void> {
    const isViolated = (): boolean => this.#violation !== undefined;
    await this.#scheduler.run(this.#scheduler.nowMillis + millis, isViolated);
    if (isViolated()) throw this.#violation;
  }

  #violated(what: string): never {
    this.#violation ??= new Violation(`seed ${this.#options.seed}, ${this.#scheduler.nowMillis} ms: ${what}`);
    throw this.#violation;
  }
}

function max(left: bigint, right: bigint): bigint {
  return left > right ? left : right;
}
