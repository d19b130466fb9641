import type { Disk, Timer, Timers } from "../env/index.ts";
import { hasCode } from "../std/errors.ts";
import type { Logger } from "./logger.ts";

const NAME = "ballast";
export const BALLAST_BYTES = 33_554_432;
const CHUNK_BYTES = 1_048_576;
/** Given up below this: more than what removals leave alone. */
const LOW_BYTES = 12_582_912;
/** Laid in again only where that leaves the disk well above the mark. */
const AMPLE_BYTES = 4 * BALLAST_BYTES;
const LOOK_MILLIS = 1000;

/**
 * A file of zeros that holds some of the disk. Where another program fills the disk past the reserve, it is given up,
 * at run time or at the next start: a start, reads, deletes and what wins space back need a little room themselves. A
 * file system that compresses or finds zeros does not hold it; there only the reserve remains. It is never synced: after
 * a power cut it may be shorter.
 */
export class Ballast implements AsyncDisposable {
  readonly #disk: Disk;
  readonly #timers: Timers;
  readonly #logger: Logger;
  #isLaidIn = false;
  #timer: Timer | undefined;
  #looking: Promise<void> = Promise.resolve();
  #closed = false;

  /** Gives the ballast up first where the disk is full, so that what opens next has room. */
  static async open(disk: Disk, timers: Timers, logger: Logger): Promise<Ballast> {
    const ballast = new Ballast(disk, timers, logger);
    ballast.#isLaidIn = await isThere(disk);
    await ballast.#giveUpIfLow();
    ballast.#lookLater();
    return ballast;
  }

  private constructor(disk: Disk, timers: Timers, logger: Logger) {
    this.#disk = disk;
    this.#timers = timers;
    this.#logger = logger;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.#closed = true;
    this.#timer?.cancel();
    await this.#looking;
  }

  #lookLater(): void {
    if (this.#closed) return;
    this.#timer = this.#timers.after(LOOK_MILLIS, () => {
      // What fails now is tried again at the next look.
      this.#looking = this.#look()
        .catch(() => {})
        .finally(() => this.#lookLater());
    });
  }

  async #look(): Promise<void> {
    const bytesFree = await this.#giveUpIfLow();
    if (!this.#isLaidIn && bytesFree >= AMPLE_BYTES) await this.#layIn();
  }

  async #giveUpIfLow(): Promise<number> {
    const { bytesFree } = await this.#disk.space();
    if (bytesFree >= LOW_BYTES || !this.#isLaidIn) return bytesFree;
    await removeIfThere(this.#disk);
    this.#isLaidIn = false;
    this.#logger.warning("disk.ballast-given-up", { bytesFree, bytes: BALLAST_BYTES });
    return bytesFree;
  }

  async #layIn(): Promise<void> {
    await removeIfThere(this.#disk);
    const file = await this.#disk.open(NAME, "create");
    try {
      const zeros = new Uint8Array(CHUNK_BYTES);
      for (let at = 0; at < BALLAST_BYTES && !this.#closed; at += CHUNK_BYTES) await file.write(at, [zeros]);
    } finally {
      await file.close();
    }
    this.#isLaidIn = !this.#closed;
  }
}

async function isThere(disk: Disk): Promise<boolean> {
  try {
    await (await disk.open(NAME, "read")).close();
    return true;
  } catch (error) {
    if (hasCode(error, "FILE_MISSING")) return false;
    throw error;
  }
}

async function removeIfThere(disk: Disk): Promise<void> {
  try {
    await disk.remove(NAME);
  } catch (error) {
    if (!hasCode(error, "FILE_MISSING")) throw error;
  }
}
