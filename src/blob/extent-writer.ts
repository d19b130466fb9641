import { blobFailure, isLoss } from "./errors.ts";
import { Extent, type ExtentContext } from "./extent.ts";
import type { OpenVolume } from "./open-volume.ts";

/**
 * Extents of streams, in a volume of their own. Each reserves its slot with its first bytes and is written piece by
 * piece beside others; the last piece brings the trailer. One sync acknowledges all that are complete; meanwhile more
 * become so.
 */
export class ExtentWriter {
  readonly #context: ExtentContext;
  readonly #syncs = new Map<OpenVolume, SyncGroup>();

  constructor(context: ExtentContext) {
    this.#context = context;
  }

  begin(owner: Uint8Array, dataBytes: number): Extent {
    return new Extent(this.#context, (open, position) => this.sync(open, position), owner, dataBytes);
  }

  /** Resolves when all that was written of the slot is durable. */
  sync(open: OpenVolume, position: number): Promise<void> {
    let group = this.#syncs.get(open);
    if (group === undefined) this.#syncs.set(open, (group = { waiting: [], running: undefined }));
    const { waiting } = group;
    return new Promise((resolve, reject) => {
      waiting.push({ position, resolve, reject });
      group.running ??= this.#run(open, group);
    });
  }

  async idle(): Promise<void> {
    await Promise.all([...this.#syncs.values()].map((group) => group.running));
  }

  async #run(open: OpenVolume, group: SyncGroup): Promise<void> {
    const { counters, timers, bugs, supply } = this.#context;
    await new Promise<void>((resolve) => timers.endOfTurn(resolve));
    while (group.waiting.length > 0) {
      const batch = group.waiting.splice(0);
      const tailBefore = open.tail;
      if (bugs.has("acknowledge-before-sync")) for (const { resolve } of batch) resolve();
      try {
        await open.sync();
        if (open.lost) throw blobFailure("VOLUME_LOST", { data: { volume: open.id } });
        for (const { position } of batch) open.settle(position);
        open.synced(tailBefore);
        counters.extentSyncs++;
        counters.extentsSynced += batch.length;
        for (const { resolve } of batch) resolve();
      } catch (error) {
        if (isLoss(error)) supply.retire(open);
        for (const { reject } of batch) reject(error);
      }
    }
    this.#syncs.delete(open);
  }
}

interface SyncGroup {
  readonly waiting: {
    readonly position: number;
    readonly resolve: () => void;
    readonly reject: (error: unknown) => void;
  }[];
  running: Promise<void> | undefined;
}
