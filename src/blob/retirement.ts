import type { Clock, Disk } from "../env/index.ts";
import { hasCode } from "../std/errors.ts";
import type { BlobCounters, BlobEvent } from "./events.ts";
import { FOLDER, volumeFileName } from "./format.ts";
import type { Health } from "./health.ts";
import type { Registry, Volume } from "./registry.ts";

export interface RetirementContext {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly health: Health;
  readonly counters: BlobCounters;
  readonly onEvent: (event: BlobEvent) => void;
  /** Whether a member will never come back to remove its own file. */
  readonly isGone: (member: string) => boolean;
}

interface RetiredFile {
  readonly name: string;
  readonly bytes: number;
  readonly dueMillis: number;
  /** The whole volume goes: its rows are deleted behind the file. */
  readonly volume: Volume | undefined;
}

/**
 * Removes files that nothing refers to any more, after the readers' grace. (Readers that have one open keep it for as
 * long as they read.) What a stop leaves here is removed at the next start: the rows tell.
 */
export class Retirement {
  readonly #context: RetirementContext;
  #files: RetiredFile[] = [];

  constructor(context: RetirementContext) {
    this.#context = context;
  }

  /** A generation that the volume's row has left behind. */
  retireGeneration(volume: number, generation: number, bytes: number, graceMillis: number): void {
    this.#add(volumeFileName(volume, generation), bytes, graceMillis, undefined);
  }

  /** A volume whose row says that it is removed. */
  retireVolume(volume: Volume, graceMillis: number): void {
    this.#add(volumeFileName(volume.id, volume.row.generation), volume.row.durable, graceMillis, volume);
  }

  async turn(): Promise<void> {
    const nowMillis = this.#context.clock.monotonic();
    const due = this.#files.filter(({ dueMillis }) => dueMillis <= nowMillis);
    let failure: unknown;
    for (const file of due) {
      try {
        await this.#remove(file);
        this.#files = this.#files.filter((other) => other !== file);
      } catch (error) {
        // One file's trouble is not the others'.
        failure ??= error;
      }
    }
    if (failure !== undefined) throw failure;
  }

  async #remove(file: RetiredFile): Promise<void> {
    const { disk, registry, health, counters, onEvent } = this.#context;
    health.checkWritable();
    await removeIfThere(disk, file.name);
    try {
      await disk.syncDirectory(FOLDER);
    } catch (error) {
      // A name that may come back must not lose its row.
      throw health.fail(error);
    }
    if (file.volume !== undefined) {
      await registry.leave(file.volume, this.#context.isGone);
      counters.volumesRemoved++;
      onEvent({ kind: "volume-removed", volume: file.volume.id, bytes: file.bytes });
    }
    counters.reclaimedBytes += file.bytes;
  }

  #add(name: string, bytes: number, graceMillis: number, volume: Volume | undefined): void {
    this.#files.push({ name, bytes, dueMillis: this.#context.clock.monotonic() + graceMillis, volume });
  }
}

export async function removeIfThere(disk: Disk, name: string): Promise<void> {
  try {
    await disk.remove(name);
  } catch (error) {
    if (!hasCode(error, "FILE_MISSING")) throw error;
  }
}
