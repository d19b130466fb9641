// What runs behind the commits: flushing the index, writing checkpoints, and letting go of the log that two checkpoints
// cover.
//
// What safety rests on: two checkpoints are kept, and the log is given up only to the applied index of the *older*, so
// that either of them together with the log gives all. Both have just been read back whole when that happens: what
// rotted since it was written does not count.

import type { Disk, Index, Timer, Timers } from "../../env/index.ts";
import { hasCode } from "../../std/errors.ts";
import {
  type CheckpointFile,
  checkpointName,
  listCheckpoints,
  readCheckpoint,
  readCheckpointHeader,
  writeCheckpoint,
} from "../checkpoint.ts";
import type { StoreMachine } from "../machine.ts";
import type { StoreCounters } from "./counters.ts";
import type { StoreGroup } from "./group.ts";
import type { ReplicatedOptions } from "./options.ts";
import type { RebuildMark } from "./rebuild-mark.ts";

export interface UpkeepSettings {
  readonly disk: Disk;
  readonly timers: Timers;
  readonly index: Index;
  readonly machine: StoreMachine;
  readonly group: Pick<StoreGroup, "compact">;
  readonly options: ReplicatedOptions;
  readonly counters: StoreCounters;
  readonly mark: RebuildMark;
}

interface Kept extends CheckpointFile {
  /** Command bytes before it; undefined where its header can not be read. */
  readonly commandBytes: number | undefined;
}

export class Upkeep {
  readonly #settings: UpkeepSettings;
  readonly #stop = new AbortController();
  /** Newest first. */
  #kept: readonly Kept[] = [];
  #newestBytes = 0;
  #flushedAt: number;
  #flushing: Promise<void> | undefined;
  #writing: Promise<void> | undefined;
  #retry: Timer | undefined;
  #halted = false;

  static async begin(settings: UpkeepSettings): Promise<Upkeep> {
    const upkeep = new Upkeep(settings);
    await upkeep.#load();
    // One checkpoint fewer than there should be, on a disk that has just shown damage: that is not left to the policy.
    if (settings.counters.checkpointsDamaged > 0) upkeep.checkpoint().catch(() => {});
    return upkeep;
  }

  private constructor(settings: UpkeepSettings) {
    this.#settings = settings;
    this.#flushedAt = settings.machine.state.commandBytes;
  }

  /** Called after each batch of commits: starts what has become due. */
  check(): void {
    const { commandBytes } = this.#settings.machine.state;
    if (commandBytes - this.#flushedAt >= this.#settings.options.flushBytes) this.#flush();
    if (!this.#halted && this.#retry === undefined && commandBytes - this.#coveredBytes() > this.#checkpointBytes()) {
      this.checkpoint().catch(() => {});
    }
  }

  /** Writes a checkpoint of the present state, or joins the one that is being written. */
  checkpoint(): Promise<void> {
    return this.#writing ?? this.#run(this.#checkpoint());
  }

  /**
   * A snapshot has taken the place of all rows, and is a checkpoint by now. The log begins behind it: older checkpoints
   * are of no use.
   */
  restored(): void {
    const { appliedIndex } = this.#settings.machine;
    this.#flush();
    const before = this.#writing ?? Promise.resolve();
    void this.#run(before.catch(() => {}).then(() => this.#forgetBefore(appliedIndex)));
  }

  async close(): Promise<void> {
    this.#stop.abort();
    this.#retry?.cancel();
    await this.#writing?.catch(() => {});
    await this.#flushing;
  }

  #run(work: Promise<void>): Promise<void> {
    const mine = work.finally(() => {
      if (this.#writing === mine) this.#writing = undefined;
    });
    this.#writing = mine;
    return mine;
  }

  /** What can not be removed is passed over at the next start, and goes behind the next checkpoint. */
  async #forgetBefore(appliedIndex: number): Promise<void> {
    try {
      await this.#load();
      const kept = this.#kept.filter((one) => one.appliedIndex >= appliedIndex);
      await this.#keep(kept, this.#kept);
    } catch {
      this.#settings.counters.checkpointFailures++;
    }
  }

  async #load(): Promise<void> {
    const { disk, options } = this.#settings;
    const kept: Kept[] = [];
    for (const file of await listCheckpoints(disk, options.folder)) {
      const header = await readCheckpointHeader(disk, file.name).catch(() => undefined);
      kept.push({ ...file, commandBytes: header?.commandBytes });
    }
    this.#kept = kept;
    this.#newestBytes = await this.#lengthOf(kept[0]);
  }

  async #lengthOf(file: CheckpointFile | undefined): Promise<number> {
    if (file === undefined) return 0;
    const opened = await this.#settings.disk.open(file.name, "read");
    try {
      return await opened.length();
    } finally {
      await opened.close();
    }
  }

  #coveredBytes(): number {
    return this.#kept[0]?.commandBytes ?? 0;
  }

  #checkpointBytes(): number {
    return Math.max(this.#settings.options.checkpointBytesMin, this.#newestBytes);
  }

  #flush(): void {
    if (this.#flushing) return;
    this.#flushedAt = this.#settings.machine.state.commandBytes;
    this.#flushing = this.#settings.index.flush().then(
      () => (this.#flushing = undefined),
      // The index is rebuilt from checkpoint and log whatever becomes of it: nothing is lost, only the next start is
      // slower.
      () => (this.#flushing = undefined),
    );
  }

  async #checkpoint(): Promise<void> {
    const { counters, options, timers } = this.#settings;
    try {
      await this.#writeOne();
    } catch (error) {
      if (this.#stop.signal.aborted) throw error;
      counters.checkpointFailures++;
      if (hasCode(error, "ROW_DAMAGED") || hasCode(error, "INDEX_DAMAGED")) {
        // Only a rebuild of the index helps, and that is the next start's.
        this.#halted = true;
        this.#settings.mark.set();
      } else {
        this.#retry ??= timers.after(options.checkpointRetryMillis, () => (this.#retry = undefined));
      }
      throw error;
    }
  }

  async #writeOne(): Promise<void> {
    const { disk, machine, options, counters, group } = this.#settings;
    const { state } = machine;
    // Entries without commands, such as a new term's first, make no other state.
    if (state.commandBytes === (this.#kept[0] === undefined ? 0 : this.#kept[0].commandBytes)) return;
    const name = checkpointName(options.folder, state.appliedIndex);
    const snapshot = machine.snapshot();
    let written: { readonly rows: number; readonly bytes: number };
    try {
      written = await writeCheckpoint({ disk, name, snapshot, header: state, signal: this.#stop.signal });
    } finally {
      snapshot.close();
    }
    const newest = { name, appliedIndex: state.appliedIndex, commandBytes: state.commandBytes };
    try {
      await this.#prove(newest);
    } catch (error) {
      // Nothing relies on it, and the next one has another name.
      await disk.remove(name).catch(() => {});
      throw error;
    }
    counters.checkpoints++;
    counters.checkpointRows = written.rows;
    counters.checkpointBytes = written.bytes;
    this.#newestBytes = written.bytes;
    const older = await this.#firstWhole(this.#kept);
    await this.#keep(older ? [newest, older] : [newest], this.#kept);
    if (older) await group.compact(older.appliedIndex);
  }

  async #firstWhole(files: readonly Kept[]): Promise<Kept | undefined> {
    for (const file of files) {
      try {
        await this.#prove(file);
        return file;
      } catch (error) {
        if (!hasCode(error, "CHECKPOINT_DAMAGED")) throw error;
        this.#settings.counters.checkpointsDamaged++;
      }
    }
    return undefined;
  }

  /** Reads the whole file: only what is whole now may be relied on. */
  async #prove({ name }: CheckpointFile): Promise<void> {
    await readCheckpoint(this.#settings.disk, name, () => this.#stop.signal.throwIfAborted());
  }

  async #keep(kept: readonly Kept[], before: readonly Kept[]): Promise<void> {
    this.#kept = kept;
    const { disk, options } = this.#settings;
    for (const file of before) if (!kept.includes(file)) await disk.remove(file.name);
    await disk.syncDirectory(options.folder);
  }
}
