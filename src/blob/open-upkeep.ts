import type { Clock } from "../env/index.ts";
import { hasCode } from "../std/errors.ts";
import type { BlobEvent } from "./events.ts";
import { SUPERBLOCK_BYTES } from "./format.ts";
import { type Health, isDiskFull } from "./health.ts";
import type { OpenVolume } from "./open-volume.ts";
import type { BlobOptions } from "./options.ts";
import type { Registry } from "./registry.ts";
import type { Replication } from "./replicas/replication.ts";
import type { BlobBugs } from "./seeded-bugs.ts";
import type { VolumeSupply } from "./volume-supply.ts";

/** Recovery reads what was appended since the row was last written: at most about this much. */
const UNRECORDED_BYTES_MAX = 67_108_864;

export interface OpenUpkeepContext {
  readonly clock: Clock;
  readonly health: Health;
  readonly registry: Registry;
  readonly supplies: readonly VolumeSupply[];
  readonly options: BlobOptions;
  readonly replication: Replication | undefined;
  readonly bugs: BlobBugs;
  readonly onEvent: (event: BlobEvent) => void;
}

/**
 * What open volumes need beside appends: to be recorded now and then, watched for another writer, and sealed when they
 * are full.
 */
export class OpenUpkeep {
  readonly #context: OpenUpkeepContext;
  /** When sealing was first tried. */
  readonly #retiredMillis = new WeakMap<OpenVolume, number>();
  #turn: Promise<void> = Promise.resolve();

  constructor(context: OpenUpkeepContext) {
    this.#context = context;
  }

  /**
   * The nodes whose copies are the same as this one now. Undefined where they are too few, as long as others may come
   * back: what was acknowledged is safe either way, but the row lets go of those that it does not name.
   */
  async #completeCopies(open: OpenVolume): Promise<readonly string[] | undefined> {
    const { replication, clock, options } = this.#context;
    const { volume, replicas, file, tail } = open;
    if (replication === undefined || replicas === undefined) return volume.row.members;
    const members = await replicas.complete(file, volume.row.durable, tail);
    const nowMillis = clock.monotonic();
    const retiredMillis = this.#retiredMillis.get(open) ?? nowMillis;
    this.#retiredMillis.set(open, retiredMillis);
    const isPatient = nowMillis - retiredMillis < options.takeoverAfterMillis;
    if (members.length < Math.min(replication.copiesMin, volume.row.members.length) && isPatient) return undefined;
    return members;
  }

  /** One behind the other, whoever asks: a volume is sealed, and its file closed, once. */
  turn(): Promise<void> {
    const turn = this.#turn.then(() => this.#lookAtAll());
    this.#turn = turn.catch(() => {});
    return turn;
  }

  async #lookAtAll(): Promise<void> {
    for (const supply of this.#context.supplies) {
      for (const open of supply.all()) {
        if (this.#context.health.stopping) return;
        if (!(await this.#isOurs(supply, open))) continue;
        if (open.retired || this.#isMostlyGarbage(open) || this.#isThin(open)) supply.retire(open);
        if (open.retired) await this.#seal(supply, open);
        else if (open.durable - open.volume.row.durable >= UNRECORDED_BYTES_MAX) await this.record(open);
      }
    }
  }

  /** Notes in the row how far the volume is settled, so that the next start need not read it. */
  async record(open: OpenVolume): Promise<void> {
    const { durable, gapBytes } = open;
    const { volume, epoch } = open;
    if (durable > volume.row.durable) await this.#context.registry.change(volume, epoch, { durable, gapBytes });
  }

  /** Only sealed volumes are compacted, so a large one is sealed before it is full where that pays. */
  #isMostlyGarbage({ retired, durable, gapBytes, volume }: OpenVolume): boolean {
    const { volumeBytes, compactGarbagePercent } = this.#context.options;
    if (retired || durable < volumeBytes / 8) return false;
    return (volume.garbageBytes + gapBytes) * 100 >= (durable - SUPERBLOCK_BYTES) * Math.max(50, compactGarbagePercent);
  }

  /** A copy is away, or there could be more of them: the next volume is better off. */
  #isThin({ volume }: OpenVolume): boolean {
    const { replication, options, clock } = this.#context;
    if (replication === undefined) return false;
    const { members } = volume.row;
    return (
      members.length < replication.copiesPossible ||
      members.some((member) => replication.silentMillis(member, clock.monotonic()) > options.replicaLagMillisMax)
    );
  }

  async #isOurs(supply: VolumeSupply, open: OpenVolume): Promise<boolean> {
    if (!open.lost && (await this.#context.registry.isCurrent(open.volume, open.epoch))) return true;
    open.lost = true;
    supply.retire(open);
    if (open.isQuiet) await supply.release(open);
    return false;
  }

  async #seal(supply: VolumeSupply, open: OpenVolume): Promise<void> {
    try {
      await open.mend(Math.max(0, Math.floor(this.#context.clock.now())));
      if (!open.settled) return;
      await open.trim();
    } catch (error) {
      // A full disk has no room for a filler yet.
      if (isDiskFull(error)) return;
      throw this.#context.health.fail(error);
    }
    const { tail, gapBytes, volume } = open;
    const members = await this.#completeCopies(open);
    if (members === undefined) return;
    const durable = this.#context.bugs.has("seal-short") ? volume.row.durable : tail;
    try {
      await this.#context.registry.change(volume, open.epoch, { state: "sealed", durable, gapBytes, members });
    } catch (error) {
      if (!hasCode(error, "VOLUME_LOST")) throw error;
      open.lost = true;
    }
    await supply.release(open);
    this.#retiredMillis.delete(open);
    if (!open.lost) this.#context.onEvent({ kind: "volume-sealed", volume: open.id, bytes: tail });
  }
}
