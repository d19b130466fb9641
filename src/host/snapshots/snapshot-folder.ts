import { hasCode } from "../../std/errors.ts";
import type { ByteSource } from "../../std/source.ts";
import { type HostBugs, NO_HOST_BUGS } from "../seeded-bugs.ts";
import type { SnapshotDisk } from "../storage/raft-storage.ts";
import { proveSnapshotFile, type SnapshotHead, writeSnapshotFile } from "./snapshot-file.ts";

export interface StoredSnapshot extends SnapshotHead {
  readonly name: string;
  readonly bytes: number;
}

export interface SnapshotName {
  readonly index: number;
  readonly term: number;
}

const NAME = /^snapshot-(\d{16})-(\d{16})$/;

/** The snapshots of one group on this node's disk. A file under its final name is whole and durable. */
export class SnapshotFolder {
  readonly disk: SnapshotDisk;
  readonly #folder: string;
  readonly #bugs: HostBugs;

  constructor(disk: SnapshotDisk, folder: string, bugs: HostBugs = NO_HOST_BUGS) {
    this.disk = disk;
    this.#folder = folder;
    this.#bugs = bugs;
  }

  nameOf({ index, term }: SnapshotName): string {
    return `${this.#folder}/snapshot-${digits(index)}-${digits(term)}`;
  }

  /** Where the pieces of another node's snapshot are put together. */
  incomingNameOf({ index, term }: SnapshotName): string {
    return `${this.#folder}/incoming-${digits(index)}-${digits(term)}`;
  }

  /** Newest first. */
  async list(): Promise<readonly (SnapshotName & { readonly name: string })[]> {
    const found = [];
    for (const fileName of await this.disk.list(this.#folder)) {
      const match = NAME.exec(fileName);
      if (match === null) continue;
      found.push({ index: Number(match[1]), term: Number(match[2]), name: `${this.#folder}/${fileName}` });
    }
    return found.reverse();
  }

  /** Writes a snapshot and reads it back: what rotted on its way is never relied on. */
  async write(head: SnapshotHead, source: ByteSource): Promise<StoredSnapshot> {
    const name = this.nameOf(head);
    const temporary = `${name}.tmp`;
    await this.disk.makeDirectory(this.#folder);
    await this.#remove(temporary);
    try {
      const bytes = await writeSnapshotFile(this.disk, temporary, head, source);
      await proveSnapshotFile(this.disk, temporary);
      await this.#name(temporary, name);
      return { ...head, name, bytes };
    } catch (error) {
      await this.#remove(temporary).catch(() => {});
      throw error;
    }
  }

  /**
   * Takes in what was put together. Rejects with SNAPSHOT_DAMAGED, and removes it then. Before its sync the file gets a
   * name under which no pull goes on with it: where a sync fails, the page cache may hold what the disk does not, and
   * the next sync would succeed without writing it.
   */
  async adopt(which: SnapshotName): Promise<StoredSnapshot> {
    const incoming = this.incomingNameOf(which);
    const syncing = this.#syncingNameOf(which);
    const name = this.nameOf(which);
    try {
      const head = await proveSnapshotFile(this.disk, incoming);
      await this.disk.rename(incoming, syncing);
      const file = await this.disk.open(syncing, "write");
      let bytes: number;
      try {
        if (!this.#bugs.has("snapshot-without-sync")) await file.sync();
        bytes = await file.length();
      } finally {
        await file.close();
      }
      await this.#name(syncing, name);
      return { ...head, name, bytes };
    } catch (error) {
      if (hasCode(error, "SNAPSHOT_DAMAGED")) await this.#remove(incoming).catch(() => {});
      else await this.#remove(syncing).catch(() => {});
      throw error;
    }
  }

  /**
   * All but what is kept, and what is coming in, at the moment at which a file would go: while the folder is read and files
   * are removed, another one may arrive.
   */
  async removeOthers(
    keptNow: () => { readonly kept: readonly SnapshotName[]; readonly incoming?: SnapshotName },
  ): Promise<void> {
    for (const fileName of await this.disk.list(this.#folder)) {
      const name = `${this.#folder}/${fileName}`;
      const { kept, incoming } = keptNow();
      const isIncoming =
        incoming !== undefined &&
        [this.incomingNameOf(incoming), this.#syncingNameOf(incoming), this.nameOf(incoming)].includes(name);
      if (!isIncoming && !kept.some((one) => this.nameOf(one) === name)) await this.#remove(name);
    }
  }

  #syncingNameOf({ index, term }: SnapshotName): string {
    return `${this.#folder}/syncing-${digits(index)}-${digits(term)}`;
  }

  async #name(from: string, to: string): Promise<void> {
    await this.disk.rename(from, to);
    await this.disk.syncDirectory(this.#folder);
  }

  async #remove(name: string): Promise<void> {
    await this.disk.remove(name).catch((error) => {
      if (!hasCode(error, "FILE_MISSING")) throw error;
    });
  }
}

function digits(value: number): string {
  return String(value).padStart(16, "0");
}
