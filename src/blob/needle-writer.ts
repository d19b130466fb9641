import type { Clock, Timers } from "../env/index.ts";
import { blobFailure, isLoss } from "./errors.ts";
import type { BlobCounters } from "./events.ts";
import { alignUp, SECTOR_BYTES, UNIT_BYTES } from "./format.ts";
import { type Health, isDiskFull } from "./health.ts";
import type { InFlight } from "./in-flight.ts";
import type { NeedleRecord } from "./needle-record.ts";
import type { NeedleName } from "./needle-rows.ts";
import type { OpenVolume } from "./open-volume.ts";
import type { BlobOptions } from "./options.ts";
import type { BlobBugs } from "./seeded-bugs.ts";
import type { VolumeSupply } from "./volume-supply.ts";

export interface WriterContext {
  readonly clock: Clock;
  readonly timers: Timers;
  readonly health: Health;
  readonly supply: VolumeSupply;
  readonly inFlight: InFlight;
  readonly counters: BlobCounters;
  readonly options: BlobOptions;
  readonly bugs: BlobBugs;
}

interface WaitingNeedle {
  readonly record: NeedleRecord;
  /** Volumes that were lost under it. */
  attempts: number;
  readonly resolve: (name: NeedleName) => void;
  readonly reject: (error: unknown) => void;
}

const BATCH_NEEDLES_MAX = 1000;
const ATTEMPTS_MAX = 3;
const ZEROS = new Uint8Array(SECTOR_BYTES);

/**
 * Group commit of small needles: what waits goes out in one write and is acknowledged after one sync; meanwhile the
 * next batch gathers. One batch is on its way at a time, so the volume is durable up to where the next one begins.
 */
export class NeedleWriter {
  readonly #context: WriterContext;
  #waiting: WaitingNeedle[] = [];
  #running: Promise<void> | undefined;
  /** Where a batch that a full disk refused may have left bytes: the next one covers them with zeros. */
  #spoilt: { readonly volume: OpenVolume; readonly end: number } | undefined;

  constructor(context: WriterContext) {
    this.#context = context;
  }

  /**
   * Resolves when the needle is durable; it is in flight from then on. The caller bounds the memory that waits here.
   */
  append(record: NeedleRecord): Promise<NeedleName> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ record, attempts: 0, resolve, reject });
      this.#running ??= this.#run();
    });
  }

  async idle(): Promise<void> {
    await this.#running;
  }

  async #run(): Promise<void> {
    await new Promise<void>((resolve) => this.#context.timers.endOfTurn(resolve));
    while (this.#waiting.length > 0) {
      let batch: WaitingNeedle[] = [];
      try {
        const bytesMin = sectors(this.#waiting[0]!.record.bytes.length);
        const volume = await this.#context.supply.current(bytesMin);
        if (volume.room < bytesMin) continue;
        batch = this.#takeBatch(volume);
        await this.#write(volume, batch);
      } catch (error) {
        const isRetried = batch.length > 0 && isLoss(error);
        if (isRetried) batch = this.#keepForLater(batch);
        const isOver = this.#context.health.failed || (batch.length === 0 && !isRetried);
        const failed = isOver ? this.#waiting.splice(0) : [];
        for (const { reject } of [...batch, ...failed]) reject(error);
      }
    }
    this.#running = undefined;
  }

  /** At least one needle: the volume has room for the first. */
  #takeBatch(volume: OpenVolume): WaitingNeedle[] {
    const bytesMax = Math.min(this.#context.options.batchBytesMax, volume.room);
    let bytes = 0;
    let count = 0;
    while (count < this.#waiting.length && count < BATCH_NEEDLES_MAX) {
      const more = this.#waiting[count]!.record.bytes.length;
      if (count > 0 && sectors(bytes + more) > bytesMax) break;
      bytes += more;
      count++;
    }
    return this.#waiting.splice(0, count);
  }

  /** Its memory holds the batch still: it goes to the next volume. Returns those that have been lost too often. */
  #keepForLater(batch: readonly WaitingNeedle[]): WaitingNeedle[] {
    for (const needle of batch) needle.attempts++;
    this.#waiting.unshift(...batch.filter(({ attempts }) => attempts < ATTEMPTS_MAX));
    return batch.filter(({ attempts }) => attempts >= ATTEMPTS_MAX);
  }

  async #write(volume: OpenVolume, batch: readonly WaitingNeedle[]): Promise<void> {
    const { health, counters, bugs } = this.#context;
    health.checkWritable();
    const bytes = batch.reduce((sum, { record }) => sum + record.bytes.length, 0);
    const position = volume.take(sectors(bytes));
    const names = this.#place(volume, batch, position, bytes);
    const chunks = batch.map(({ record }) => record.bytes);
    const spoiltEnd = this.#spoilt?.volume === volume ? this.#spoilt.end : 0;
    for (let at = position + bytes; at < Math.max(position + sectors(bytes), spoiltEnd); ) {
      const pad = ZEROS.subarray(0, SECTOR_BYTES - (at % SECTOR_BYTES));
      chunks.push(pad);
      at += pad.length;
    }
    try {
      await volume.write(position, chunks, volume.tail);
    } catch (error) {
      throw this.#refused(volume, position, names, error);
    }
    this.#spoilt = undefined;
    if (bugs.has("acknowledge-before-sync")) for (const [at, { resolve }] of batch.entries()) resolve(names[at]!);
    try {
      await volume.sync();
      if (volume.lost) throw blobFailure("VOLUME_LOST", { data: { volume: volume.id } });
    } catch (error) {
      for (const name of names) this.#context.inFlight.remove(name);
      // What stands there is nobody's: a filler goes over it before the volume is sealed.
      if (isLoss(error)) volume.breakSlot(position, sectors(bytes));
      this.#context.supply.retire(volume);
      throw error;
    }
    volume.settle(position);
    volume.synced(volume.tail);
    counters.needleSyncs++;
    counters.needlesSynced += batch.length;
    for (const [at, { resolve }] of batch.entries()) resolve(names[at]!);
  }

  /** Headers and trailers; the last slot reaches up to the end of its sector. */
  #place(volume: OpenVolume, batch: readonly WaitingNeedle[], position: number, bytes: number): NeedleName[] {
    const { clock, inFlight } = this.#context;
    const { epoch, durable } = volume;
    const { identity } = volume.volume;
    const timeMillis = Math.max(0, Math.floor(clock.now()));
    const names: NeedleName[] = [];
    let at = position;
    for (const [index, { record }] of batch.entries()) {
      const padding = index === batch.length - 1 ? sectors(bytes) - bytes : 0;
      const needle = at / UNIT_BYTES;
      record.place({ needle, slotBytes: record.bytes.length + padding, epoch, timeMillis, durable, identity });
      const name = { volume: volume.id, needle };
      names.push(name);
      inFlight.add(name);
      at += record.bytes.length;
    }
    return names;
  }

  #refused(volume: OpenVolume, position: number, names: readonly NeedleName[], error: unknown): Error {
    const { inFlight, health } = this.#context;
    if (!isDiskFull(error)) return health.fail(error);
    for (const name of names) inFlight.remove(name);
    const end = Math.max(volume.tail, this.#spoilt?.volume === volume ? this.#spoilt.end : 0);
    this.#spoilt = { volume, end };
    volume.giveBack(position);
    return blobFailure("SPACE_RESERVED", { cause: error });
  }
}

function sectors(bytes: number): number {
  return alignUp(bytes, SECTOR_BYTES);
}
