import { type SimDiskOptions, SimMachine } from "../../env/sim/index.ts";
import { compareBytes, text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { collect, sourceOf } from "../../std/source.ts";
import { type Check, type Put, type Row, type Store, TABLES } from "../../store/index.ts";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import { MemoryRows, MemoryStore } from "../../testing/memory-store.ts";
import type { BlobRef, NeedleName, References } from "../index.ts";
import { type BlobBug, type BlobEvent, type BlobOptions, type LocalBlobs, openBlobs } from "../index.ts";

export interface WorldOptions {
  readonly seed?: number;
  readonly options?: Partial<BlobOptions>;
  readonly disk?: Partial<SimDiskOptions>;
  readonly bugs?: readonly BlobBug[];
  /** That a commit's reply is lost. */
  readonly unknownChance?: number;
  /** How long the Store takes for an answer. */
  readonly storeMillis?: readonly [number, number];
  /** What blobs see of the Store. */
  readonly wrapStore?: (store: Store) => Store;
}

const NOISE_BYTES_MAX = 2_097_152;

/** Small volumes, so that tests come to their ends, and no pauses where nothing waits for time. */
export const SMALL: Partial<BlobOptions> = {
  volumeBytes: 524_288,
  volumeStepBytes: 65_536,
  needleBytesMax: 16_384,
  extentBytes: 98_304,
  streamBufferBytes: 32_768,
  appendBytesMax: 1_048_576,
  readSliceBytes: 65_536,
  spaceReserveBytes: 0,
  spaceReservePercent: 0,
  readersGraceMillis: 1000,
  collectAgeMillis: 5000,
  collectIntervalMillis: 500,
  referenceMillisMax: 3000,
  compactIntervalMillis: 500,
  scrubEveryMillis: 20_000,
};

/** One node: a simulated machine, a Store that never fails, and rows that name needles as a service's would. */
export class World {
  readonly machine: SimMachine;
  readonly rows: MemoryRows = new MemoryRows();
  readonly events: BlobEvent[] = [];
  readonly fatal: Error[] = [];
  store: Store;
  blobs!: LocalBlobs;
  readonly #prng: Prng;
  readonly #noise: Uint8Array;
  #bodies = 0;
  readonly #world: WorldOptions;

  private constructor(world: WorldOptions) {
    this.#world = world;
    this.#prng = new Prng((world.seed ?? 1) ^ 0x5bd1e995);
    this.#noise = deterministicBytes(world.seed ?? 1, 65_536 + NOISE_BYTES_MAX);
    this.machine = new SimMachine({ seed: world.seed ?? 1, disk: world.disk ?? {} });
    this.store = this.#connect();
  }

  static async open(world: WorldOptions = {}): Promise<World> {
    const opened = new World(world);
    await opened.settle(opened.openBlobs());
    return opened;
  }

  /** Runs the simulation until the promise settles. */
  settle<T>(promise: Promise<T>): Promise<T> {
    return this.machine.scheduler.settle(promise);
  }

  async run(millis: number): Promise<void> {
    await this.machine.scheduler.run(this.machine.scheduler.nowMillis + millis);
  }

  async openBlobs(): Promise<void> {
    this.blobs = await openBlobs({
      env: this.machine.env,
      store: this.#world.wrapStore?.(this.store) ?? this.store,
      references: this.references,
      options: { ...SMALL, ...this.#world.options },
      onEvent: (event) => this.events.push(event),
      onFatal: (error) => this.fatal.push(error),
      bugs: new Set(this.#world.bugs),
    });
  }

  /** Power fails, if it has not already; a new process starts. */
  async crash(): Promise<void> {
    if (this.machine.isRunning) this.machine.crash();
    await this.#restart();
  }

  /** The process is killed; a new one starts. */
  async kill(): Promise<void> {
    if (this.machine.isRunning) this.machine.kill();
    await this.#restart();
  }

  async close(): Promise<void> {
    await this.settle(Promise.resolve(this.blobs[Symbol.asyncDispose]()));
  }

  readonly references: References = {
    named: async (key, needles) => {
      const page = await this.store.scan(TABLES.object, { from: { key } }, { limit: 1000 });
      const rows = page.rows.filter((row) => compareBytes(row.key, key) === 0);
      return needles.map((needle) => rows.some((row) => namesNeedle(row, needle)));
    },
  };

  async put(owner: string, bytes: Uint8Array, suffix = ""): Promise<readonly BlobRef[]> {
    using appended = await this.blobs.append(utf8(owner), sourceOf(bytes), bytes.length);
    await this.commitRow(owner, suffix, appended.refs);
    return appended.refs;
  }

  /**
   * Replaces the row, as a service does: checks of the new refs, and share rows where they are another owner's (who read
   * them a while ago does not know whether theirs are there still); drop rows for the old ones. False on a conflict.
   */
  async commitRow(
    owner: string,
    suffix: string,
    refs: readonly NamedRef[] | undefined,
    checks: readonly Check[] = [],
  ): Promise<boolean> {
    const address = { table: TABLES.object, key: utf8(owner), suffix: utf8(suffix) };
    const { row } = await this.store.get(address);
    const dropped = row === undefined ? [] : refsOf(row);
    const shares = (refs ?? []).flatMap((ref): readonly Put[] => {
      return ref.owner === undefined ? [] : this.blobs.shareRows(utf8(ref.owner), address.key, [ref])!;
    });
    const put = refs === undefined ? [] : [{ ...address, value: utf8(JSON.stringify(refs)) }];
    const result = await this.store.commit({
      checks: [
        row === undefined ? { ...address, absent: true } : { ...address, revision: row.revision },
        ...(refs ?? []).flatMap((ref) => this.blobs.referenceChecks(utf8(ref.owner ?? owner), [ref])),
        ...checks,
      ],
      puts: [...put, ...shares, ...this.blobs.dropRows(address.key, dropped)],
      deletes: refs === undefined ? [address] : [],
    });
    return result.committed;
  }

  /**
   * Has a row of another owner name the needles of this one: a copy. False on a conflict, and where there is nothing to
   * copy. `pause` comes between the look at the source and the commit.
   */
  async share(source: RowName, target: RowName, pause: () => Promise<void> = async () => {}): Promise<boolean> {
    const address = { table: TABLES.object, key: utf8(source.owner), suffix: utf8(source.suffix) };
    const { row } = await this.store.get(address);
    if (row === undefined) return false;
    await pause();
    const refs = refsOf(row).map(({ owner = source.owner, ...ref }): NamedRef => {
      return owner === target.owner ? ref : { ...ref, owner };
    });
    return this.commitRow(target.owner, target.suffix, refs, [{ ...address, revision: row.revision }]);
  }

  async refs(owner: string, suffix = ""): Promise<readonly NamedRef[] | undefined> {
    const { row } = await this.store.get({ table: TABLES.object, key: utf8(owner), suffix: utf8(suffix) });
    return row && refsOf(row);
  }

  async get(owner: string, suffix = ""): Promise<Uint8Array | undefined> {
    const refs = await this.refs(owner, suffix);
    return refs && (await this.read(refs));
  }

  async read(refs: readonly BlobRef[], start = 0, end: number = lengthOf(refs)): Promise<Uint8Array> {
    return (await collect(this.blobs.read(refs, start, end), end - start))!;
  }

  /** Bytes that no other call returns, not even in part. */
  bytes(length: number): Uint8Array {
    const from = this.#prng.below(65_536);
    const bytes = this.#noise.slice(from, from + length);
    const view = new DataView(bytes.buffer);
    this.#bodies++;
    for (let at = 0; at + 4 <= length; at += 1024) view.setUint32(at, this.#bodies);
    return bytes;
  }

  /** The process that starts now ends after so long, wherever it is then. */
  async startInVain(millis: number, end: "crash" | "kill"): Promise<void> {
    if (this.machine.isRunning) this.machine[end]();
    this.machine.restart();
    this.store = this.#connect();
    this.openBlobs().catch(() => {});
    await this.run(millis);
  }

  async #restart(): Promise<void> {
    this.machine.restart();
    this.store = this.#connect();
    try {
      await this.settle(this.openBlobs());
    } catch (error) {
      if (!hasCode(error, "DISK_FAILED")) throw error;
      await this.kill();
    }
  }

  #connect(): Store {
    const prng = this.#prng.fork();
    const { timers } = this.machine.env;
    const { unknownChance = 0, storeMillis = [0.1, 2] } = this.#world;
    return new MemoryStore(this.rows, { timers, prng, delayMillis: storeMillis, unknownChance });
  }
}

export interface RowName {
  readonly owner: string;
  readonly suffix: string;
}

/** A ref in a row, with its owner where that is another key than the row's. */
export interface NamedRef extends BlobRef {
  readonly owner?: string;
}

export function refsOf(row: Pick<Row, "value">): readonly NamedRef[] {
  return JSON.parse(text(row.value)) as NamedRef[];
}

export function lengthOf(refs: readonly BlobRef[]): number {
  return refs.reduce((sum, ref) => sum + ref.length, 0);
}

function namesNeedle(row: Row, name: NeedleName): boolean {
  return refsOf(row).some((ref) => ref.volume === name.volume && ref.needle === name.needle);
}
