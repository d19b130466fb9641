import type { Clock, Disk } from "../../env/index.ts";
import { hasCode } from "../../std/errors.ts";
import type { BlobEvent } from "../events.ts";
import type { FileCache } from "../file-cache.ts";
import { FOLDER, identityOf, parseVolumeFileName, volumeFileName } from "../format.ts";
import type { Health } from "../health.ts";
import type { BlobOptions } from "../options.ts";
import type { Registry, Volume } from "../registry.ts";

/** A file that was made ahead of a row that names this node is kept so long, where that row does not come. */
const AWAITED_MILLIS = 60_000;

export interface DeparturesContext {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly files: FileCache;
  readonly health: Health;
  readonly options: BlobOptions;
  readonly letGo: (volume: number) => Promise<void>;
  readonly onEvent: (event: BlobEvent) => void;
}

/**
 * Files of this node that no row counts among the copies, and old generations of a copy that came back. They go once a
 * linearizable read says so, and names enough others: as long as copies are too few, a stale one may still be of use to
 * somebody. The other way round, a row that counts a file which is not here is found out too.
 */
export class Departures {
  readonly #context: DeparturesContext;
  /** From when on each is looked at. */
  readonly #due = new Map<number, number>();
  /** Volumes whose file comes here before the row says so: their files stay. */
  readonly #held = new Set<number>();
  readonly #settling = new Map<number, Promise<boolean>>();

  constructor(context: DeparturesContext) {
    this.#context = context;
  }

  add(volume: number): void {
    this.#due.set(volume, this.#context.clock.monotonic());
  }

  /** A file was made ahead of the volume's row. */
  expectRow(volume: number): void {
    const { registry, clock } = this.#context;
    const isThere = registry.get(volume) !== undefined;
    this.#due.set(volume, clock.monotonic() + (isThere ? 0 : AWAITED_MILLIS));
  }

  /** A file is to be made of a volume whose row may name this node afterwards: until `release` nothing of it goes. */
  async hold(volume: number): Promise<void> {
    this.#held.add(volume);
    await this.#settling.get(volume)?.catch(() => {});
  }

  /** The row that names this node may be on its way. */
  release(volume: number): void {
    this.#held.delete(volume);
    this.#due.set(volume, this.#context.clock.monotonic() + AWAITED_MILLIS);
  }

  /** The row has come, and may do without this node: its answer was late. */
  rowCame(volume: number): void {
    if (this.#due.has(volume)) this.add(volume);
  }

  async turn(): Promise<void> {
    const { clock, health } = this.#context;
    const nowMillis = clock.monotonic();
    const due = [...this.#due].filter(([volume, dueMillis]) => dueMillis <= nowMillis && !this.#held.has(volume));
    for (const [volume, dueMillis] of due) {
      if (health.stopping) return;
      const settling = this.#settle(volume);
      this.#settling.set(volume, settling);
      const isDone = await settling.finally(() => this.#settling.delete(volume));
      // It may have been asked for again meanwhile.
      if (isDone && this.#due.get(volume) === dueMillis) this.#due.delete(volume);
    }
  }

  /** True where nothing is left to do. */
  async #settle(id: number): Promise<boolean> {
    const { registry, options, letGo } = this.#context;
    const volume = await registry.refresh(id);
    const isHeld = volume !== undefined && registry.holds(volume);
    if (isHeld && volume.row.state !== "sealed") return true;
    if (isHeld) {
      await this.#checkIsThere(volume);
      return this.#remove(volume.id, volume, ({ generation }) => generation < volume.row.generation);
    }
    const isKept = volume !== undefined && volume.row.members.length < mayLeaveAt(options);
    if (isKept || this.#held.has(id)) return false;
    await letGo(id);
    return this.#remove(id, volume, () => true);
  }

  /** A commit that was under way for very long may name a copy that has gone meanwhile. */
  async #checkIsThere(volume: Volume): Promise<void> {
    const { generation } = volume.row;
    const names = await this.#context.disk.list(FOLDER);
    // A generation that has come meanwhile is looked at in its turn.
    if (volume.row.generation !== generation) return;
    const name = volumeFileName(volume.id, generation).slice(FOLDER.length + 1);
    if (!names.includes(name)) volume.unsound = true;
  }

  async #remove(
    id: number,
    volume: Volume | undefined,
    isOver: (file: { readonly generation: number }) => boolean,
  ): Promise<boolean> {
    const { disk, files, health, onEvent } = this.#context;
    health.checkWritable();
    for (const name of await disk.list(FOLDER)) {
      const file = parseVolumeFileName(name);
      if (file?.volume !== id || !isOver(file)) continue;
      if (volume !== undefined) files.forget(identityOf(id, file.generation, volume.row.tag));
      await disk.remove(`${FOLDER}/${name}`).catch((error: unknown) => {
        if (!hasCode(error, "FILE_MISSING")) throw error;
      });
      onEvent({ kind: "copy-removed", volume: id, generation: file.generation });
    }
    await disk.syncDirectory(FOLDER);
    return true;
  }
}

/** A row that names so many nodes does without the file of another one. */
export function mayLeaveAt({ copies, writeCopiesMin }: BlobOptions): number {
  return Math.min(copies, writeCopiesMin);
}
