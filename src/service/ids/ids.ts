// The ids service: ids of generators, which make them from leased worker numbers, and numbers of tags, which count in the
// Store. It stands on the Store alone, so that it is the same on one node, in a cluster, and on an outside engine.

import { explainId, type IdReading, LAYOUTS, type NumberBlock } from "../../core/id/index.ts";
import type { Env } from "../../env/index.ts";
import { concatBytes, EMPTY, toHex, utf8 } from "../../std/bytes.ts";
import { type Row, STORE_LIMITS, type Store, TABLES } from "../../store/index.ts";
import { checkCount, type Page, type PageRequest } from "./change.ts";
import { idsFailure } from "./errors.ts";
import { follow } from "./follow.ts";
import { type DefineGenerator, type GeneratorInfo, Generators, generatorMissing } from "./generators.ts";
import { LeasedGenerator, type LeasedGeneratorParts, takeInto } from "./leased-generator.ts";
import { IDS_LIMITS } from "./limits.ts";
import { type IdsEvent, IdsMeter, type IdsTrouble } from "./meter.ts";
import type { OutsideTag } from "./outside-draws.ts";
import { OutsideTags } from "./outside-tags.ts";
import { OutsideWorkers } from "./outside-workers.ts";
import { decodeGenerator, type GeneratorRecord, generatorRow } from "./records.ts";
import { type IdsBugs, NO_IDS_BUGS } from "./seeded-bugs.ts";
import type { SegmentBuffer } from "./segment-buffer.ts";
import { Segments } from "./segments.ts";
import type { TagCounterStatus } from "./tag-counter.ts";
import { type CreateTag, type TagInfo, Tags, type UpdateTag } from "./tags.ts";
import { StoreWorkers, type WorkerSource } from "./worker-source.ts";

export interface IdsOptions {
  readonly store: Store;
  readonly env: Pick<Env, "clock" | "timers" | "random">;
  /** Who this is: it prefers the worker number that it had before. Two that have one name do not harm each other. */
  readonly node: string;
  /** Where worker numbers are leased; in the Store where left out. */
  readonly workers?: WorkerSource | undefined;
  /** The one number that this node takes, in every generator; any that is free where left out. */
  readonly workerNumber?: number | undefined;
  /** Tags that databases outside count, by name: those of the Store under these names are not handed out. */
  readonly outsideTags?: ReadonlyMap<string, OutsideTag> | undefined;
  readonly countersMax?: number;
  /** What an operator should hear of, each thing once in a while. */
  readonly onEvent?: ((event: IdsEvent) => void) | undefined;
  /** For simulations. */
  readonly bugs?: IdsBugs;
}

export interface GeneratorStatus {
  readonly generator: string;
  /** Undefined while it holds none. */
  readonly worker: number | undefined;
  readonly generation: number | undefined;
  readonly reservedUntilMillis: number | undefined;
  /** Ids since the node started. */
  readonly made: number;
  /** How far the time of the last ids is ahead of the clock. */
  readonly aheadMillis: number;
  readonly waiting: number;
}

export interface IdsStatus {
  readonly generators: readonly GeneratorStatus[];
  readonly tags: readonly TagCounterStatus[];
  readonly troubles: readonly IdsTrouble[];
}

/** Watches begin here; dispose to end them, and to give worker numbers back. */
export function openIds(options: IdsOptions): Ids {
  return new Ids(options);
}

export class Ids implements AsyncDisposable {
  /** What was counted, for metrics. */
  readonly meter: IdsMeter;
  readonly #store: Store;
  readonly #env: IdsOptions["env"];
  readonly #generators: Generators;
  readonly #tags: Tags;
  readonly #segments: Segments;
  readonly #outside: OutsideTags;
  readonly #parts: LeasedGeneratorParts;
  readonly #workerNumber: number | undefined;
  readonly #running = new Map<string, LeasedGenerator>();
  readonly #stop = new AbortController();
  readonly #following: Promise<void>;
  /** Generators that were removed and give their numbers back. */
  readonly #closing = new Set<Promise<void>>();

  constructor(options: IdsOptions) {
    const { store, env, node, workers, workerNumber, outsideTags, countersMax, onEvent, bugs = NO_IDS_BUGS } = options;
    const { clock, timers, random } = env;
    this.meter = new IdsMeter(clock, onEvent ?? (() => {}));
    this.#store = store;
    this.#env = env;
    this.#generators = new Generators(store);
    this.#tags = new Tags(store, clock, bugs);
    this.#segments = new Segments({ store, clock, timers, random, meter: this.meter, bugs }, countersMax);
    this.#outside = new OutsideTags(outsideTags ?? new Map(), store, clock);
    const holder = { holder: toHex(random.bytes(16)), node };
    const source = workers === undefined ? new StoreWorkers(store) : new OutsideWorkers(workers);
    this.#parts = { workers: source, clock, timers, random, holder, meter: this.meter, bugs };
    this.#workerNumber = workerNumber;
    this.#following = follow(store, TABLES.idGenerator, {
      ...{ timers, signal: this.#stop.signal },
      changed: (row, name) => this.#check(name, row),
      missed: () => this.#checkAll(),
    });
  }

  /**
   * So many ids of a generator, ascending; each is greater than all that this node has made with it before. Rejects with
   * GENERATOR_MISSING, COUNT_INVALID, WORKERS_EXHAUSTED, IDS_OVERLOADED, IDS_CLOSED, with the errors of generators where
   * time does not allow it (UNIT_FULL, CLOCK_BEHIND, TIME_EXHAUSTED, CLOCK_BEFORE_EPOCH), and with the Store's errors.
   */
  async next(generator: string, count = 1): Promise<bigint[]> {
    const ids: bigint[] = [];
    await this.#gather(generator, count, takeInto(ids));
    return ids;
  }

  /** As `next`, of a layout of up to 64 bits: fills all of it. Where it rejects, what it holds is no use. */
  async fill(generator: string, ids: BigUint64Array): Promise<void> {
    let at = 0;
    await this.#gather(generator, ids.length, (made, nowMillis, ready) => {
      made.fill(nowMillis, ids.subarray(at, at + ready));
      at += ready;
    });
  }

  /** As `next`, in decimal digits. */
  async nextTexts(generator: string, count = 1): Promise<string[]> {
    let texts: string[] = [];
    await this.#gather(generator, count, (made, nowMillis, ready) => {
      const more = made.texts(nowMillis, ready);
      texts = texts.length === 0 ? more : texts.concat(more);
    });
    return texts;
  }

  /** As `next`, in decimal digits, each with a line feed behind it. */
  async nextLines(generator: string, count = 1): Promise<Uint8Array> {
    const parts: Uint8Array[] = [];
    await this.#gather(generator, count, (made, nowMillis, ready) => {
      parts.push(made.joinedTexts(nowMillis, ready, "\n"), LINE_FEED);
    });
    return parts.length === 0 ? EMPTY : concatBytes(parts);
  }

  /**
   * So many numbers of a tag, in pieces that ascend. Rejects with TAG_MISSING, TAG_USED_UP, COUNT_INVALID, IDS_OVERLOADED,
   * IDS_CLOSED, and with the Store's errors where the numbers that this node holds do not suffice; of a tag outside, with
   * SEQUENCE_MISSING, SEQUENCE_REFUSED, SEQUENCE_DENIED, SEQUENCE_UNAVAILABLE.
   */
  async segment(tag: string, count = 1): Promise<readonly NumberBlock[]> {
    try {
      checkCount(count);
      this.#checkOpen();
      const pieces = await (this.#outside.counter(tag)?.take(count) ?? this.#segments.take(tag, count));
      this.meter.tagServed(tag, count);
      return pieces;
    } catch (error) {
      this.meter.refused({ tag }, error);
      throw error;
    }
  }

  async createTag(tag: string, create?: CreateTag): Promise<TagInfo> {
    this.#outside.checkInside(tag);
    return this.#tags.create(tag, create);
  }

  async updateTag(tag: string, update: UpdateTag): Promise<TagInfo> {
    this.#outside.checkInside(tag);
    return this.#tags.update(tag, update);
  }

  /** This node hands nothing more out of it; others once they have heard of it. */
  async removeTag(tag: string): Promise<void> {
    this.#outside.checkInside(tag);
    try {
      await this.#tags.remove(tag);
      this.meter.forget({ tag });
    } finally {
      this.#segments.forget(tag);
    }
  }

  async tag(tag: string): Promise<TagInfo> {
    return (await this.#outside.info(tag)) ?? this.#tags.get(tag);
  }

  async tags(page: PageRequest): Promise<Page<TagInfo>> {
    return this.#outside.merged(await this.#tags.list(page), page);
  }

  defineGenerator(generator: string, define: DefineGenerator): Promise<GeneratorInfo> {
    return this.#generators.define(generator, define);
  }

  async removeGenerator(generator: string): Promise<void> {
    await this.#generators.remove(generator);
    this.#forget(generator);
  }

  generator(generator: string): Promise<GeneratorInfo> {
    return this.#generators.get(generator);
  }

  generators(page: PageRequest): Promise<Page<GeneratorInfo>> {
    return this.#generators.list(page);
  }

  /** What an id may be, likeliest first, in the known layouts and those that were defined here. Throws MALFORMED, OUT_OF_RANGE. */
  async explain(id: string): Promise<IdReading[]> {
    const { entries } = await this.#generators.list({ limit: IDS_LIMITS.pageRowsMax });
    const defined = entries.filter(({ isBuiltIn }) => !isBuiltIn).map(({ layout }) => layout);
    const layouts = [...Object.values(LAYOUTS), ...defined];
    return explainId(id, { nowMillis: this.#env.clock.now(), layouts });
  }

  /** Of what this node has in use. */
  status(): IdsStatus {
    const generators = [...this.#running.values()].map(({ name, lease, made, aheadMillis, waiting }) => ({
      ...{ generator: name, worker: lease?.worker, generation: lease?.generation },
      ...{ reservedUntilMillis: lease?.reservedUntilMillis, made, aheadMillis, waiting },
    }));
    const outside = this.#outside.counters().map(({ status }) => status);
    const tags = [...this.#segments.status(), ...outside];
    return { generators, tags, troubles: this.meter.troubles() };
  }

  /** The blocks that this node holds of tags. */
  buffers(): SegmentBuffer[] {
    return [...this.#segments.buffers(), ...this.#outside.counters().map(({ buffer }) => buffer)];
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#stop.abort();
    const running = [...this.#running.values()];
    this.#running.clear();
    await Promise.all([...running.map((each) => each.close()), ...this.#closing]);
    this.#outside.end(idsFailure("IDS_CLOSED"));
    await this.#segments.close();
    await this.#following;
  }

  async #gather(name: string, count: number, take: Parameters<LeasedGenerator["gather"]>[1]): Promise<void> {
    try {
      checkCount(count);
      const generator = this.#running.get(name) ?? (await this.#run(name));
      await generator.gather(count, take);
      this.meter.generatorServed(name, count);
    } catch (error) {
      this.meter.refused({ generator: name }, error);
      throw error;
    }
  }

  async #run(name: string): Promise<LeasedGenerator> {
    this.#checkOpen();
    const record = withNumber(name, await this.#generators.read(name), this.#workerNumber);
    this.#checkOpen();
    // Another caller may have been faster.
    const generator = this.#running.get(name) ?? new LeasedGenerator(name, record, this.#parts);
    this.#running.set(name, generator);
    return generator;
  }

  async #checkAll(): Promise<void> {
    const names = [...this.#running.keys()].filter((name) => !Object.hasOwn(LAYOUTS, name));
    for (let at = 0; at < names.length; at += STORE_LIMITS.getManyMax) {
      const those = names.slice(at, at + STORE_LIMITS.getManyMax);
      const rows = await this.#store.getMany(those.map(generatorRow), { signal: this.#stop.signal });
      for (const [place, name] of those.entries()) this.#check(name, rows[place]!);
    }
  }

  #check(name: string, row: Row): void {
    if (decodeGenerator(row, name).isRemoved) this.#forget(name);
  }

  #forget(name: string): void {
    this.meter.forget({ generator: name });
    const generator = this.#running.get(name);
    if (generator === undefined) return;
    this.#running.delete(name);
    const closing = generator.close(generatorMissing(name)).finally(() => this.#closing.delete(closing));
    this.#closing.add(closing);
  }

  #checkOpen(): void {
    if (this.#stop.signal.aborted) throw idsFailure("IDS_CLOSED");
  }
}

/** The generator as a node with a number of its own has it. Throws WORKERS_EXHAUSTED where that is not one of its numbers. */
function withNumber(name: string, record: GeneratorRecord, number: number | undefined): GeneratorRecord {
  if (number === undefined) return record;
  const { workerFirst, workers } = record;
  if (number >= workerFirst && number < workerFirst + workers) return { ...record, workerFirst: number, workers: 1 };
  throw idsFailure("WORKERS_EXHAUSTED", {
    what: `This node has the worker number ${number}, which the generator ${name} does not have.`,
    advice: `Ask another node, or give this one a number from ${workerFirst} to ${workerFirst + workers - 1}.`,
    data: { generator: name, worker: number, workerFirst, workers },
  });
}

const LINE_FEED = utf8("\n");
