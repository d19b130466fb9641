import { assert } from "../../std/assert.ts";
import { Copier } from "../../std/copier.ts";
import type { Prng } from "../../std/prng.ts";
import type { Index, IndexChanges, Indexes, IndexRange, IndexRow, IndexSnapshot } from "../env.ts";
import { envFailure } from "../errors.ts";
import { checkIndexKey, checkIndexValue } from "../index-limits.ts";
import { checkName } from "../names.ts";
import { SIM_INDEX_DEFAULTS, type SimIndexOptions } from "./index-options.ts";
import type { SimProcess } from "./process.ts";
import { countRows, EMPTY_TREE, scanTree, Tree, type TreeState } from "./tree.ts";

/** Beyond this many unflushed writes every second state is forgotten: a crash then has fewer to choose from. */
const HISTORY_MAX = 1_024;
const SNAPSHOTS_MAX = 100;
/** Rows stay for long, and those beside them in a slab may go. */
const ROW_SLAB_BYTES = 8_192;
const ROW_SHARED_BYTES_MAX = 1_024;

interface Version {
  readonly number: number;
  readonly state: TreeState;
}

/** An index as it lies on its machine. */
interface Stored {
  readonly tree: Tree;
  /** What a crash may leave, oldest first: the flushed state and those since then. */
  history: Version[];
  versions: number;
  isDamaged: boolean;
  isOpen: boolean;
}

/** Each index as it is read at a moment. */
export type IndexesCopy = ReadonlyMap<string, TreeState>;

/** The indexes of one machine. Like SimDisk, without a random generator they are never crashed and keep no history. */
export class SimIndexes {
  readonly #options: SimIndexOptions;
  readonly #prng: Prng | undefined;
  #stored = new Map<string, Stored>();

  constructor(options: Partial<SimIndexOptions> = {}, prng?: Prng) {
    this.#options = { ...SIM_INDEX_DEFAULTS, ...options };
    this.#prng = prng;
  }

  /** The indexes for one run of a process. */
  mount(process?: SimProcess): Indexes {
    return {
      open: async (name) => this.#open(name, process),
      remove: async (name) => {
        checkName(name);
        assert(this.#stored.get(name)?.isOpen !== true, "an open index is not removed");
        this.#stored.delete(name);
      },
    };
  }

  /** The machine loses power. */
  crash(): void {
    const prng = this.#prng;
    assert(prng !== undefined, "indexes without a random generator are not crashed");
    const { damagedChance, emptiedChance } = this.#options;
    const left = new Map<string, Stored>();
    for (const [name, stored] of this.#stored) {
      const drawn = prng.unit();
      const state = stored.isOpen && drawn < emptiedChance ? EMPTY_TREE : prng.pick(stored.history).state;
      const isDamaged = stored.isDamaged || (stored.isOpen && drawn >= 1 - damagedChance);
      left.set(name, { ...newStored(state), isDamaged });
    }
    this.#stored = left;
  }

  /** The process that had mounted them has died, the machine goes on. */
  abandon(): void {
    const left = new Map<string, Stored>();
    for (const [name, stored] of this.#stored) {
      left.set(name, { ...stored, tree: new Tree(stored.tree.state()), isOpen: false });
    }
    this.#stored = left;
  }

  /** The disk that they were on is gone. Nobody has them mounted. */
  wipe(): void {
    this.#stored.clear();
  }

  copy(): IndexesCopy {
    return new Map([...this.#stored].map(([name, { tree }]) => [name, tree.state()]));
  }

  /** What was copied, durable, where there is none. */
  put(copy: IndexesCopy): void {
    for (const [name, state] of copy) this.#stored.set(name, newStored(state));
  }

  /** The next open finds it damaged. */
  damage(name: string): void {
    const stored = this.#stored.get(name);
    assert(stored !== undefined, "an index that is damaged exists");
    stored.isDamaged = true;
  }

  #open(name: string, process: SimProcess | undefined): Index {
    checkName(name);
    const stored = this.#stored.get(name) ?? newStored(EMPTY_TREE);
    assert(!stored.isOpen, "an index is open only once");
    if (stored.isDamaged)
      throw envFailure("INDEX_DAMAGED", { what: `The index "${name}" is damaged.`, data: { name } });
    this.#stored.set(name, stored);
    stored.isOpen = true;
    return new OpenIndex(name, stored, {
      isTracked: this.#prng !== undefined,
      flushMillis: () => (this.#prng?.unit() ?? 0) * this.#options.flushMillisMax,
      process,
    });
  }
}

function newStored(state: TreeState): Stored {
  return { tree: new Tree(state), history: [{ number: 0, state }], versions: 0, isDamaged: false, isOpen: false };
}

interface Surroundings {
  readonly isTracked: boolean;
  readonly process: SimProcess | undefined;
  flushMillis(): number;
}

class OpenIndex implements Index {
  readonly #name: string;
  readonly #stored: Stored;
  readonly #taken = new Copier(ROW_SLAB_BYTES, ROW_SHARED_BYTES_MAX);
  readonly #given = new Copier();
  readonly #around: Surroundings;
  readonly #snapshots = new Set<OpenSnapshot>();
  #closing: Promise<void> | undefined;

  constructor(name: string, stored: Stored, around: Surroundings) {
    this.#name = name;
    this.#stored = stored;
    this.#around = around;
  }

  get(key: Uint8Array): Uint8Array | undefined {
    this.#checkOpen();
    checkIndexKey(key);
    const value = this.#stored.tree.get(key);
    return value === undefined ? undefined : this.#given.copyOf(value);
  }

  scan(range: IndexRange): IndexRow[] {
    this.#checkOpen();
    return copyRows(this.#stored.tree.scan(range), this.#given);
  }

  write(changes: IndexChanges): void {
    this.#checkOpen();
    for (const key of changes.deletes) checkIndexKey(key);
    for (const { key, value } of changes.puts) {
      checkIndexKey(key);
      checkIndexValue(value);
    }
    // A process that has crashed but whose code still runs changes nothing.
    if (this.#around.process?.isAlive === false) return;
    const { tree } = this.#stored;
    for (const key of changes.deletes) tree.delete(key);
    const taken = this.#taken;
    for (const { key, value } of changes.puts) tree.put(taken.copyOf(key), taken.copyOf(value));
    if (this.#around.isTracked) this.#rememberState();
  }

  snapshot(): IndexSnapshot {
    this.#checkOpen();
    assert(this.#snapshots.size < SNAPSHOTS_MAX, "an index has a limited number of open snapshots");
    const snapshot = new OpenSnapshot(this.#stored.tree.state(), this.#given, () => this.#snapshots.delete(snapshot));
    this.#snapshots.add(snapshot);
    return snapshot;
  }

  async flush(): Promise<void> {
    this.#checkOpen();
    await this.#flush();
  }

  close(): Promise<void> {
    this.#closing ??= this.#close();
    return this.#closing;
  }

  async #close(): Promise<void> {
    for (const snapshot of [...this.#snapshots]) snapshot.close();
    await this.#flush();
    this.#stored.isOpen = false;
  }

  /** The state at the call is durable when the flush ends; what is written meanwhile is not. */
  #flush(): Promise<void> {
    const stored = this.#stored;
    const flushed: Version = { number: stored.versions, state: stored.tree.state() };
    const finish = (): void => {
      if (stored.history[0]!.number > flushed.number) return;
      stored.history = [flushed, ...stored.history.filter(({ number }) => number > flushed.number)];
    };
    const { process } = this.#around;
    if (process === undefined) {
      finish();
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      process.after(this.#around.flushMillis(), `flush index ${this.#name}`, () => {
        finish();
        resolve();
      });
    });
  }

  #rememberState(): void {
    const stored = this.#stored;
    stored.history.push({ number: ++stored.versions, state: stored.tree.state() });
    if (stored.history.length <= HISTORY_MAX) return;
    const last = stored.history.length - 1;
    stored.history = stored.history.filter((_, at) => at === last || at % 2 === 0);
  }

  #checkOpen(): void {
    assert(this.#closing === undefined, "a closed index is not used");
  }
}

class OpenSnapshot implements IndexSnapshot {
  #state: TreeState | undefined;
  readonly #given: Copier;
  readonly #closed: () => void;

  constructor(state: TreeState, given: Copier, closed: () => void) {
    this.#state = state;
    this.#given = given;
    this.#closed = closed;
  }

  get rowCount(): number {
    assert(this.#state !== undefined, "a closed snapshot is not used");
    return countRows(this.#state);
  }

  scan(range: IndexRange): IndexRow[] {
    assert(this.#state !== undefined, "a closed snapshot is not used");
    return copyRows(scanTree(this.#state, range), this.#given);
  }

  close(): void {
    this.#state = undefined;
    this.#closed();
  }
}

function copyRows(rows: readonly IndexRow[], copier: Copier): IndexRow[] {
  return rows.map(({ key, value }) => ({
    key: copier.copyOf(key),
    value: copier.copyOf(value),
  }));
}
