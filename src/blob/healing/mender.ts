import type { Clock, Disk } from "../../env/index.ts";
import { hasCode } from "../../std/errors.ts";
import type { BlobCounters, BlobEvent } from "../events.ts";
import type { FileCache } from "../file-cache.ts";
import { volumeFileName } from "../format.ts";
import { type Health, isDiskFull } from "../health.ts";
import type { Pacer } from "../pacer.ts";
import type { Registry, Volume } from "../registry.ts";
import type { RemoteFiles } from "../replicas/remote-files.ts";
import type { Scrub } from "../scrub.ts";
import { mendCopy } from "./mend.ts";

/** What could not be mended is tried again then: the node that has it whole may be back. */
const AGAIN_MILLIS = 60_000;

export interface MenderContext {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly registry: Registry;
  readonly remote: RemoteFiles;
  readonly files: FileCache;
  readonly scrub: Scrub;
  readonly health: Health;
  readonly counters: BlobCounters;
  readonly pacer: Pacer;
  readonly onEvent: (event: BlobEvent) => void;
}

/**
 * Makes this node's copies whole again where a read or the scrub has found damage, from the copies of other nodes; then
 * the volume is verified, so that its ledger tells what is left.
 */
export class Mender {
  readonly #context: MenderContext;
  readonly #notBefore = new Map<number, number>();

  constructor(context: MenderContext) {
    this.#context = context;
  }

  async turn(): Promise<void> {
    const { registry, clock, health } = this.#context;
    for (const volume of registry.all()) {
      if (health.stopping) return;
      const { id, ledger } = volume;
      if (ledger.damage.count === 0) {
        this.#notBefore.delete(id);
        continue;
      }
      if (!registry.holds(volume) || !isMendable(volume) || clock.monotonic() < (this.#notBefore.get(id) ?? 0))
        continue;
      this.#notBefore.set(id, clock.monotonic() + AGAIN_MILLIS);
      await this.#mend(volume);
    }
  }

  async #mend(volume: Volume): Promise<void> {
    const { registry, remote, scrub, counters, onEvent } = this.#context;
    const sources = remote.copiesOf(volume);
    if (sources.length === 0) return;
    volume.held = true;
    let repaired = 0;
    try {
      repaired = await this.#mendFile(volume, sources);
    } finally {
      registry.letGo(volume);
    }
    if (repaired > 0) {
      counters.mendedSlots += repaired;
      onEvent({ kind: "copy-mended", volume: volume.id, slots: repaired });
    }
    await scrub.verify(volume);
  }

  async #mendFile({ id, identity, row }: Volume, sources: ReturnType<RemoteFiles["copiesOf"]>): Promise<number> {
    const { disk, files, health, pacer } = this.#context;
    const { generation } = identity;
    const pace = async (bytes: number): Promise<void> => {
      health.checkWritable();
      await pacer.pace(bytes);
    };
    const file = await disk.open(volumeFileName(id, generation), "write").catch((error: unknown) => {
      if (hasCode(error, "FILE_MISSING")) return undefined;
      throw error;
    });
    if (file === undefined) return 0;
    try {
      const { repaired } = await mendCopy({ file, identity, durable: row.durable, sources, pace });
      if (repaired > 0) {
        await file.sync().catch((error: unknown) => {
          throw health.fail(error);
        });
        // Its table may have been among it.
        files.forget(identity);
      }
      return repaired;
    } catch (error) {
      if (isDiskFull(error)) return 0;
      throw error;
    } finally {
      await file.close();
    }
  }
}

/** A sealed volume that is in nobody else's hands, with other copies. */
export function isMendable({ row, held, frozen, unsound }: Volume): boolean {
  return row.state === "sealed" && row.members.length > 1 && !held && !frozen && !unsound;
}
