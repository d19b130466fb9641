import type { Disk } from "../../env/index.ts";
import { EMPTY } from "../../std/bytes.ts";
import { ByteReader } from "../../std/reader.ts";
import type { BlobCounters, BlobEvent } from "../events.ts";
import type { FileCache } from "../file-cache.ts";
import { UNIT_BYTES, volumeFileName } from "../format.ts";
import type { Health } from "../health.ts";
import type { NeedleName } from "../needle-rows.ts";
import type { Registry, Volume } from "../registry.ts";
import type { Neighbours } from "../replicas/neighbours.ts";
import type { RemoteFiles } from "../replicas/remote-files.ts";
import { encodeName, VOLUME_METHODS } from "../replicas/wire.ts";
import { mendSlot } from "./mend.ts";
import { isMendable } from "./mender.ts";

/** Slots that are mended at the same time. Where a whole disk rots, reads go on without waiting for all of it. */
const RUNNING_MAX = 8;

export interface ReadRepairContext {
  readonly disk: Disk;
  readonly registry: Registry;
  readonly neighbours: Neighbours;
  readonly remote: RemoteFiles;
  readonly files: FileCache;
  readonly health: Health;
  readonly counters: BlobCounters;
  readonly onEvent: (event: BlobEvent) => void;
}

/**
 * What a read finds damaged in a copy of a sealed volume is made whole from another copy before the read goes on, on
 * whichever node the copy is. The rest of the volume is left to the mender.
 */
export class ReadRepair {
  readonly #context: ReadRepairContext;
  readonly #running = new Map<string, Promise<boolean>>();

  constructor(context: ReadRepairContext) {
    this.#context = context;
  }

  /** Other nodes may say what they have found here: it is looked at, not believed. */
  start(): void {
    const { neighbours, health } = this.#context;
    neighbours.handle(VOLUME_METHODS.repair, async ({ head }) => {
      health.check();
      const reader = new ByteReader(head);
      await this.mend({ volume: reader.varint(), needle: reader.varint() });
      return { head: EMPTY };
    });
  }

  async close(): Promise<void> {
    await Promise.all(this.#running.values());
  }

  /** True where the needle holds in this node's copy afterwards, durably. */
  async mend(name: NeedleName): Promise<boolean> {
    const key = `${name.volume}:${name.needle}`;
    let running = this.#running.get(key);
    if (running === undefined) {
      if (this.#running.size >= RUNNING_MAX) return false;
      // Whatever goes wrong, there are other copies to read from.
      running = this.#mend(name).catch(() => false);
      this.#running.set(key, running);
      void running.then(() => this.#running.delete(key));
    }
    return running;
  }

  /** Has another node look at its copy. */
  tell(node: number, name: NeedleName): void {
    this.#context.neighbours.askOnce(node, VOLUME_METHODS.repair, encodeName(name), {}).catch(() => {
      // The next read, or that node's own scrub, finds it again.
    });
  }

  async #mend({ volume: id, needle }: NeedleName): Promise<boolean> {
    const { registry, remote, health, disk } = this.#context;
    const volume = registry.get(id);
    if (volume === undefined || !registry.holds(volume) || !isMendable(volume)) return false;
    const sources = remote.copiesOf(volume);
    const place = await this.#find(volume, needle);
    if (sources.length === 0 || place === undefined) return false;
    const file = await disk.open(volumeFileName(id, volume.identity.generation), "write");
    try {
      const pace = async (): Promise<void> => health.checkWritable();
      const found = await mendSlot({ file, identity: volume.identity, sources, pace }, place.position, place.to);
      if (found === "mended") {
        await file.sync().catch((error: unknown) => {
          throw health.fail(error);
        });
        this.#context.counters.mendedSlots++;
        this.#context.onEvent({ kind: "copy-mended", volume: id, slots: 1 });
      }
      return found !== "damaged";
    } finally {
      await file.close();
    }
  }

  /** Where the needle stands, and where the slots end. Undefined where the table does not say. */
  async #find(
    { identity, row }: Volume,
    needle: number,
  ): Promise<{ readonly position: number; readonly to: number } | undefined> {
    using lease = await this.#context.files.lease(identity);
    if (lease.table === undefined) return { position: needle * UNIT_BYTES, to: row.durable };
    const position = await lease.table.find(lease.file, needle);
    return position === undefined ? undefined : { position, to: lease.table.slotsEnd };
  }
}
