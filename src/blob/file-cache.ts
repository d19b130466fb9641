import type { Disk, DiskFile } from "../env/index.ts";
import { assert } from "../std/assert.ts";
import { type VolumeIdentity, volumeFileName } from "./format.ts";
import { NeedleTable } from "./needle-table.ts";

/**
 * A file that stays open, and what it holds stays readable, until `close`: a new generation or the volume's removal
 * change nothing.
 */
export interface FileLease extends Disposable {
  readonly file: DiskFile;
  readonly identity: VolumeIdentity;
  /** The node on whose disk it is, or ANY_NODE; undefined for this one. */
  readonly node: number | undefined;
  /** Of generations that have one. */
  readonly table: NeedleTable | undefined;
}

interface Entry {
  readonly opened: Promise<Omit<FileLease, typeof Symbol.dispose>>;
  readers: number;
  forgotten: boolean;
}

/**
 * Volume files open for reading. Those that nobody reads are kept up to a limit and closed in the order of their last
 * use.
 */
export class FileCache {
  readonly #disk: Pick<Disk, "open">;
  readonly #idleMax: number;
  readonly node: number | undefined;
  readonly #entries = new Map<string, Entry>();
  /** In the order of their last use. */
  readonly #idle = new Set<string>();
  readonly #closing = new Set<Promise<void>>();

  constructor(disk: Pick<Disk, "open">, idleMax: number, node?: number) {
    this.#disk = disk;
    this.node = node;
    this.#idleMax = idleMax;
  }

  get size(): number {
    return this.#entries.size;
  }

  /** Rejects with FILE_MISSING, or what else the disk says. */
  async lease(identity: VolumeIdentity): Promise<FileLease> {
    const name = volumeFileName(identity.volume, identity.generation);
    let entry = this.#entries.get(name);
    if (entry === undefined)
      this.#entries.set(name, (entry = { opened: this.#open(name, identity), readers: 0, forgotten: false }));
    const held = entry;
    held.readers++;
    this.#idle.delete(name);
    try {
      const opened = await held.opened;
      let ended = false;
      const end = (): void => {
        if (!ended) this.#release(name, held);
        ended = true;
      };
      return { ...opened, [Symbol.dispose]: end };
    } catch (error) {
      if (this.#entries.get(name) === held) this.#entries.delete(name);
      throw error;
    }
  }

  /** Readers keep it; it is closed behind the last of them. */
  forget(identity: VolumeIdentity): void {
    const name = volumeFileName(identity.volume, identity.generation);
    const entry = this.#entries.get(name);
    if (entry === undefined) return;
    this.#entries.delete(name);
    this.#idle.delete(name);
    entry.forgotten = true;
    if (entry.readers === 0) this.#close(entry);
  }

  /** When no reader is left. */
  async close(): Promise<void> {
    for (const [name, entry] of this.#entries) {
      this.#entries.delete(name);
      entry.forgotten = true;
      if (entry.readers === 0) this.#close(entry);
    }
    await Promise.all(this.#closing);
  }

  async #open(name: string, identity: VolumeIdentity): Promise<Omit<FileLease, typeof Symbol.dispose>> {
    const file = await this.#disk.open(name, "read");
    try {
      const table = identity.generation === 1 ? undefined : await NeedleTable.open(file, identity);
      return { file, identity, table, node: this.node };
    } catch (error) {
      await file.close();
      throw error;
    }
  }

  #release(name: string, entry: Entry): void {
    entry.readers--;
    assert(entry.readers >= 0, "a lease ends once");
    if (entry.readers > 0) return;
    if (entry.forgotten) {
      this.#close(entry);
      return;
    }
    this.#idle.add(name);
    if (this.#idle.size <= this.#idleMax) return;
    const oldest = this.#idle.values().next().value!;
    this.#idle.delete(oldest);
    const evicted = this.#entries.get(oldest)!;
    this.#entries.delete(oldest);
    evicted.forgotten = true;
    this.#close(evicted);
  }

  #close(entry: Entry): void {
    const closed = entry.opened.then(({ file }) => file.close()).catch(() => {});
    this.#closing.add(closed);
    void closed.then(() => this.#closing.delete(closed));
  }
}
