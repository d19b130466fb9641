import type { DiskFile } from "../../env/index.ts";
import { blobFailure } from "../errors.ts";
import { GrowingFile, type GrowthLimits } from "../growing-file.ts";
import type { Target } from "./wire.ts";

export interface HostedEpoch {
  readonly epoch: number;
  /** A seeded bug. */
  readonly takesAny: boolean;
}

/**
 * A file of this node that a writer on another node fills. It is in the hands of one epoch: what an earlier one has under
 * way ends before the next begins, and nothing of it comes after.
 */
export class HostedVolume {
  readonly file: DiskFile;
  readonly #growing: GrowingFile;
  readonly #running = new Set<Promise<unknown>>();
  readonly #takesAny: boolean;
  #epoch: number;
  /** Ends when nothing of an earlier epoch is under way. */
  #drained: Promise<void> = Promise.resolve();
  #isClosed = false;

  constructor(file: DiskFile, fileBytes: number, limits: GrowthLimits, { epoch, takesAny }: HostedEpoch) {
    this.file = file;
    this.#growing = new GrowingFile(file, fileBytes, limits);
    this.#epoch = epoch;
    this.#takesAny = takesAny;
  }

  /** Rejects with VOLUME_REFUSED for an epoch that is over. */
  async enter({ volume, epoch }: Target): Promise<void> {
    if (epoch > this.#epoch) {
      this.#epoch = epoch;
      this.#drained = this.#idle();
    }
    await this.#drained;
    this.#check(volume, epoch);
  }

  write(target: Target, position: number, bytes: Uint8Array): Promise<void> {
    return this.#run(target, async () => {
      await this.#growing.reach(position + bytes.length);
      await this.file.write(position, [bytes]);
    });
  }

  /** Everything whose write has been answered is durable. */
  sync(target: Target): Promise<void> {
    return this.#run(target, () => this.file.sync());
  }

  trim(target: Target, length: number): Promise<void> {
    return this.#run(target, async () => {
      await this.#growing.cut(length);
      await this.file.sync();
    });
  }

  /** Takes nothing more, and closes the file behind what is under way. */
  async close(): Promise<void> {
    this.#isClosed = true;
    await this.#idle();
    await this.file.close();
  }

  async #idle(): Promise<void> {
    while (this.#running.size > 0) await Promise.allSettled(this.#running);
  }

  #check(volume: number, epoch: number): void {
    const isCurrent = epoch === this.#epoch || this.#takesAny;
    if (this.#isClosed || !isCurrent) throw blobFailure("VOLUME_REFUSED", { data: { volume, epoch } });
  }

  async #run(target: Target, run: () => Promise<void>): Promise<void> {
    this.#check(target.volume, target.epoch);
    const running = run();
    this.#running.add(running);
    try {
      await running;
    } finally {
      this.#running.delete(running);
    }
  }
}
