import type { Clock, Disk } from "../env/index.ts";
import { hasCode } from "../std/errors.ts";
import type { Store } from "../store/index.ts";
import { blobFailure } from "./errors.ts";
import type { BlobCounters, BlobEvent, DamageEvent } from "./events.ts";
import type { Examiner } from "./examiner.ts";
import type { FileCache, FileLease } from "./file-cache.ts";
import { FOLDER, identityOf, SUPERBLOCK_BYTES, type VolumeIdentity, volumeFileName } from "./format.ts";
import { GenerationWriter } from "./generation-writer.ts";
import { type Health, isDiskFull } from "./health.ts";
import { liveNeedles, readLive } from "./live-needles.ts";
import { settledRange } from "./locator.ts";
import type { BlobOptions } from "./options.ts";
import type { Pacer } from "./pacer.ts";
import type { Registry, Volume } from "./registry.ts";
import type { Replication } from "./replicas/replication.ts";
import { removeIfThere } from "./retirement.ts";
import type { BlobBugs } from "./seeded-bugs.ts";
import type { SpaceKeeper } from "./space-keeper.ts";

/**
 * A volume that could not be compacted is tried again after so many looks; a damaged one would only be read in vain.
 */
const RETRY_TURNS = 6;
const RETRY_TURNS_DAMAGED = 360;

export interface CompactorContext {
  readonly disk: Disk;
  readonly clock: Clock;
  readonly store: Store;
  readonly health: Health;
  readonly registry: Registry;
  readonly files: FileCache;
  readonly examiner: Examiner;
  readonly space: SpaceKeeper;
  readonly pacer: Pacer;
  readonly counters: BlobCounters;
  readonly options: BlobOptions;
  readonly onEvent: (event: BlobEvent) => void;
  readonly onDamage: (damage: Omit<DamageEvent, "kind">) => void;
  /** Undefined for a node that is alone. */
  readonly replication: Replication | undefined;
  /** Marks of needles that are gone may go some time after this. */
  readonly onDropped: () => void;
  readonly bugs: BlobBugs;
}

/**
 * Copies the live needles of a sealed volume to its next generation, which becomes the current one by one commit of the
 * volume's row. Before that commit the new file is verified and synced: a stop at any point leaves the generation that
 * the row names whole. Only needles with a garbage mark are left out. Damage ends the attempt: what can not be copied
 * must not be dropped. A member that has been away for long is left out of the row by the same commit: its copy is of an
 * old generation then, goes when it comes back, and is made anew.
 */
export class Compactor {
  readonly #context: CompactorContext;
  readonly #notBeforeMillis = new Map<number, number>();
  readonly #requested = new Set<Volume>();
  /** Where the table begins, of generations that were looked at. */
  readonly #slotsEnds = new WeakMap<VolumeIdentity, number>();

  constructor(context: CompactorContext) {
    this.#context = context;
  }

  /** The volume goes next, whatever its garbage. */
  request(volume: Volume): void {
    this.#requested.add(volume);
  }

  /** Compacts the volume with the largest share of garbage, if that is above the limit. */
  async turn(): Promise<void> {
    const { registry, options, clock } = this.#context;
    const nowMillis = clock.monotonic();
    let worst: Volume | undefined;
    let worstShare = -1;
    for (const volume of registry.all()) {
      if (!canCompact(volume) || !registry.owns(volume)) continue;
      if ((this.#notBeforeMillis.get(volume.id) ?? 0) > nowMillis) continue;
      const share = await this.#garbageShare(volume);
      if (!this.#requested.has(volume) && share * 100 < options.compactGarbagePercent) continue;
      // What is all garbage goes without being copied.
      if (share < 1 && this.#heirsOf(volume) === undefined) continue;
      if (share <= worstShare) continue;
      worst = volume;
      worstShare = share;
    }
    if (worst === undefined || !canCompact(worst)) return;
    this.#notBeforeMillis.set(worst.id, nowMillis + RETRY_TURNS * options.compactIntervalMillis);
    try {
      await this.compact(worst);
    } catch (error) {
      if (hasCode(error, "VOLUME_NOT_COMPACTED")) {
        this.#notBeforeMillis.set(worst.id, nowMillis + RETRY_TURNS_DAMAGED * options.compactIntervalMillis);
      }
      throw error;
    }
    this.#notBeforeMillis.delete(worst.id);
    this.#requested.delete(worst);
  }

  /**
   * Whatever its garbage: this renews a damaged table too. Rejects with VOLUME_NOT_COMPACTED where something can not be
   * read.
   */
  async compact(volume: Volume): Promise<void> {
    const { registry } = this.#context;
    if (!canCompact(volume)) throw blobFailure("VOLUME_NOT_COMPACTED", { data: { volume: volume.id } });
    if (!registry.owns(volume)) {
      const { id, row } = volume;
      throw blobFailure("VOLUME_NOT_COMPACTED", {
        what: `Node ${row.writer} looks after the volume.`,
        advice: "Ask that node.",
        data: { volume: id, writer: row.writer },
      });
    }
    volume.held = true;
    try {
      await this.#context.examiner.idle();
      await this.#copy(volume);
    } finally {
      // A volume that is being removed, or of which it is not known which generation is the current one, stays held.
      if (volume.row.state !== "removed") registry.letGo(volume);
    }
  }

  /**
   * Of the slots: the table behind them is never garbage, and in a small file it is larger than they are. Beyond 1 where
   * marks are counted twice.
   */
  async #garbageShare(volume: Volume): Promise<number> {
    const garbageBytes = volume.garbageBytes + volume.row.gapBytes;
    if (garbageBytes === 0) return 0;
    return garbageBytes / Math.max(1, (await this.#slotsEnd(volume)) - SUPERBLOCK_BYTES);
  }

  async #slotsEnd({ identity, row }: Volume): Promise<number> {
    const known = identity.generation === 1 ? row.durable : this.#slotsEnds.get(identity);
    if (known !== undefined) return known;
    try {
      using lease = await this.#context.files.lease(identity);
      const { slotsEnd } = lease.table!;
      this.#slotsEnds.set(identity, slotsEnd);
      return slotsEnd;
    } catch (error) {
      if (hasCode(error, "DISK_FAILED") || hasCode(error, "FILE_MISSING")) return row.durable;
      throw error;
    }
  }

  async #copy(volume: Volume): Promise<void> {
    const { disk, files, health } = this.#context;
    const nextName = volumeFileName(volume.id, volume.row.generation + 1);
    let settled = false;
    try {
      using lease = await files.lease(volume.identity);
      await this.#writeNext(volume, lease);
      settled = true;
    } catch (error) {
      throw isDiskFull(error) ? blobFailure("SPACE_RESERVED", { cause: error }) : error;
    } finally {
      // Where this fails too, the next attempt or the next start removes it.
      if (!settled && !volume.frozen && !health.stopping) await removeIfThere(disk, nextName).catch(() => {});
    }
  }

  async #writeNext(volume: Volume, lease: FileLease): Promise<void> {
    const { space } = this.#context;
    const { epoch } = volume.row;
    const pace = (bytes: number): Promise<void> => this.#pace(bytes);
    const context = { ...this.#context, pace };
    const bytesMax = copiedBytesMax(volume);
    let writer: GenerationWriter | undefined;
    let spaceTaken = 0;
    try {
      for await (const slot of liveNeedles(context, lease, settledRange(volume, lease, undefined))) {
        // A volume without anything live is removed without writing: that goes on when there is no space at all.
        if (writer === undefined) {
          this.#mustHaveHeirs(volume);
          await space.take(bytesMax, "compaction");
          spaceTaken = bytesMax;
          writer = await this.#createWriter(volume);
        }
        await pace(slot.header.dataBytes);
        await writer.add(slot, (from, length) => readLive(context, lease, slot, from, length));
      }
      if (writer === undefined) await this.#remove(volume, epoch);
      else await this.#switch(volume, epoch, writer, pace);
    } finally {
      space.settle(spaceTaken);
      await writer?.close();
    }
  }

  #createWriter({ id, row }: Volume): Promise<GenerationWriter> {
    const { disk, clock } = this.#context;
    const identity = identityOf(id, row.generation + 1, row.tag);
    const createdMillis = Math.max(0, Math.floor(clock.now()));
    return GenerationWriter.create(disk, { identity, kind: row.kind, createdMillis });
  }

  async #switch(
    volume: Volume,
    epoch: number,
    writer: GenerationWriter,
    pace: (bytes: number) => Promise<void>,
  ): Promise<void> {
    const { registry, clock, counters, replication, bugs, onEvent, onDropped } = this.#context;
    const heirs = this.#mustHaveHeirs(volume);
    const before = volume.identity;
    const bytesBefore = volume.row.durable;
    const durable = await writer.finish();
    if (!bugs.has("switch-before-sync")) await this.#sync(writer);
    if (!(await writer.verify(pace))) {
      throw blobFailure("VOLUME_NOT_COMPACTED", {
        what: "A copied volume does not read back as it was written.",
        data: { volume: volume.id, generation: before.generation + 1 },
      });
    }
    const switchedMillis = Math.max(0, Math.floor(clock.now()));
    const generation = before.generation + 1;
    const target = { volume: volume.id, generation, epoch };
    await replication?.install(heirs, target, { file: writer.file, length: durable, pace });
    const members = volume.row.members.filter((name) => heirs.includes(name));
    await registry.change(volume, epoch, { generation, durable, gapBytes: 0, switchedMillis, members });
    volume.garbageBytes = 0;
    counters.compactions++;
    counters.compactedBytes += durable;
    onEvent({
      kind: "volume-compacted",
      volume: volume.id,
      generation: volume.row.generation,
      bytesBefore,
      bytesAfter: durable,
    });
    onDropped();
  }

  /** The members that are to have the next generation; undefined while it has to wait for one of them. */
  #heirsOf(volume: Volume): readonly string[] | undefined {
    const { replication, clock } = this.#context;
    return replication === undefined ? volume.row.members : replication.heirsOf(volume, clock.monotonic());
  }

  #mustHaveHeirs(volume: Volume): readonly string[] {
    const heirs = this.#heirsOf(volume);
    if (heirs !== undefined) return heirs;
    throw blobFailure("REPLICAS_TOO_FEW", {
      what: "A node that has a copy of the volume does not answer.",
      advice: "Try again when it is back; if it stays away, the volume is compacted without it.",
      data: { volume: volume.id, members: volume.row.members },
    });
  }

  /** Nothing in it is live: the id is never used again. */
  async #remove(volume: Volume, epoch: number): Promise<void> {
    const { registry, onDropped } = this.#context;
    await registry.change(volume, epoch, { state: "removed" });
    volume.garbageBytes = 0;
    onDropped();
  }

  async #sync(writer: GenerationWriter): Promise<void> {
    try {
      await writer.sync();
      await this.#context.disk.syncDirectory(FOLDER);
    } catch (error) {
      throw this.#context.health.fail(error);
    }
  }

  /** Also where a stop ends the copy: everything that runs in it paces. */
  async #pace(bytes: number): Promise<void> {
    if (this.#context.health.stopping) throw blobFailure("BLOBS_CLOSED");
    await this.#context.pacer.pace(bytes);
  }
}

function canCompact({ row, held, frozen, unsound }: Volume): boolean {
  return row.state === "sealed" && !held && !frozen && !unsound;
}

/** Slots that are not known as garbage, the table, and what sectors are rounded up to. */
function copiedBytesMax({ row, garbageBytes }: Volume): number {
  return Math.max(0, row.durable - garbageBytes - row.gapBytes) + 4 * SUPERBLOCK_BYTES;
}
