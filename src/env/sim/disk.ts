import { assert } from "../../std/assert.ts";
import type { Prng } from "../../std/prng.ts";
import type { Disk } from "../env.ts";
import { checkName } from "../names.ts";
import { type FaultyOperation, SimDevice } from "./disk-device.ts";
import { type LockCell, MountedDisk } from "./disk-mount.ts";
import { SIM_DISK_DEFAULTS, type SimDiskOptions } from "./disk-options.ts";
import type { SimProcess } from "./process.ts";

/** Files and folders as they are read at a moment. */
export interface DiskCopy {
  readonly folders: readonly string[];
  readonly files: ReadonlyMap<string, Uint8Array>;
}

/**
 * A disk that outlives the processes that mount it. Memory grows with the data that was written. Without a random
 * generator it has no faults and is never crashed, so that it keeps no way back: `memory: true` runs on that.
 */
export class SimDisk {
  #device: SimDevice;
  readonly #prng: Prng | undefined;
  readonly #lock: LockCell = { holder: undefined };

  constructor(options: Partial<SimDiskOptions> = {}, prng?: Prng) {
    this.#device = new SimDevice({ ...SIM_DISK_DEFAULTS, ...options }, prng);
    this.#prng = prng;
  }

  /** The disk for one run of a process. Without a process every operation completes as soon as it is called. */
  mount(process?: SimProcess): Disk {
    return new MountedDisk(this.#device, process, this.#lock);
  }

  /** The machine loses power. The process that had mounted the disk is dead by then. */
  crash(): void {
    this.#lock.holder = undefined;
    this.#device.crash();
  }

  /**
   * The process that had mounted the disk has died, the machine goes on: what was written is there, and still unsure.
   */
  abandon(): void {
    this.#lock.holder = undefined;
    this.#device.abandon();
  }

  /** Another disk stands in its place, empty and with the same options. Nobody has it mounted. */
  wipe(): void {
    this.#lock.holder = undefined;
    this.#device = new SimDevice(this.#device.options, this.#prng);
  }

  copy(): DiskCopy {
    const { names } = this.#device;
    const files = new Map<string, Uint8Array>();
    for (const [name, image] of names.entries()) files.set(name, image.read(0, image.length));
    return { folders: names.folders(), files };
  }

  /** What was copied, durable, on a disk that is empty. Nobody has it mounted. */
  put({ folders, files }: DiskCopy): void {
    const { names } = this.#device;
    for (const folder of folders) names.makeFolder(folder);
    for (const [name, bytes] of files) {
      const image = this.#device.createImage();
      image.write(0, bytes);
      image.endSync(image.beginSync(), true);
      names.add(name, image);
    }
    for (const folder of folders) names.endSync(names.beginSync(folder));
  }

  get options(): SimDiskOptions {
    return this.#device.options;
  }

  /** The disk becomes slower, smaller, worse or better from now on. */
  change(options: Partial<SimDiskOptions>): void {
    this.#device.change(options);
  }

  get bytesUsed(): number {
    return this.#device.bytesUsed;
  }

  /** The next operation of this kind (on this file) fails. */
  failNext(operation: FaultyOperation, name?: string): void {
    this.#device.failNext(operation, name);
  }

  /** Takes back what `failNext` asked for and nothing has met yet. */
  forgetFailures(): void {
    this.#device.forgetFailures();
  }

  /** Bytes that a file has at this moment; undefined where there is none of the name. */
  lengthNow(name: string): number | undefined {
    checkName(name);
    return this.#device.names.get(name)?.length;
  }

  /** Flips one bit of a file, for good. */
  rot(name: string, position: number, bit = 0): void {
    checkName(name);
    const image = this.#device.names.get(name);
    assert(image !== undefined, "a file that rots exists");
    assert(position < image.length, "a byte that rots is inside its file");
    image.rot(position, bit);
  }

  /** As `rot`, at a place in proportion to all bytes of all files: from 0 to before 1. Nothing where there is no byte. */
  rotAt(place: number): void {
    const images = [...this.#device.names.files()];
    let position = Math.floor(place * images.reduce((sum, { length }) => sum + length, 0));
    for (const image of images) {
      if (position < image.length) {
        image.rot(position, position % 8);
        return;
      }
      position -= image.length;
    }
  }
}
