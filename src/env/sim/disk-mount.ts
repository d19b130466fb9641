import { assert } from "../../std/assert.ts";
import type { Disk, DiskFile } from "../env.ts";
import { type EnvError, envFailure } from "../errors.ts";
import { checkExtent, checkFolder, checkName, folderOf } from "../names.ts";
import type { SimDevice } from "./disk-device.ts";
import type { FileImage } from "./file-image.ts";
import type { SimProcess } from "./process.ts";
import { hashOf } from "./trace-hash.ts";

/** Who holds the disk's lock. Outlives the mounts. */
export interface LockCell {
  holder: object | undefined;
}

/**
 * A disk as one run of one process sees it. What the run starts after its crash, or had started before, never
 * completes. Without a process an operation completes as soon as it is called.
 */
export class MountedDisk implements Disk {
  readonly #device: SimDevice;
  readonly #process: SimProcess | undefined;
  readonly #lock: LockCell;

  constructor(device: SimDevice, process: SimProcess | undefined, lock: LockCell) {
    this.#device = device;
    this.#process = process;
    this.#lock = lock;
  }

  async open(name: string, mode: "read" | "write" | "create"): Promise<DiskFile> {
    checkName(name);
    return this.perform(`open ${name}`, () => {
      const { names } = this.#device;
      const found = names.get(name);
      if (mode !== "create") {
        if (found === undefined) throw missing(name);
        return new MountedFile(name, found, this.#device, this, mode === "write");
      }
      if (found !== undefined) throw envFailure("FILE_EXISTS", { what: `The file "${name}" exists already.` });
      if (!names.hasFolder(folderOf(name))) throw missing(name);
      const image = this.#device.createImage();
      names.add(name, image);
      return new MountedFile(name, image, this.#device, this, true);
    });
  }

  async list(folder: string): Promise<string[]> {
    checkFolder(folder);
    return this.perform(`list ${folder}`, () => this.#device.names.list(folder));
  }

  async makeDirectory(folder: string): Promise<void> {
    checkName(folder);
    return this.perform(`make ${folder}`, () => this.#device.names.makeFolder(folder));
  }

  async rename(from: string, to: string): Promise<void> {
    checkName(from);
    checkName(to);
    return this.perform(`rename ${from} ${to}`, () => {
      const { names } = this.#device;
      if (names.get(from) === undefined) throw missing(from);
      if (!names.hasFolder(folderOf(to))) throw missing(to);
      if (from !== to) this.#device.release(names.get(to));
      names.rename(from, to);
    });
  }

  async remove(name: string): Promise<void> {
    checkName(name);
    return this.perform(`remove ${name}`, () => {
      const image = this.#device.names.get(name);
      if (image === undefined) throw missing(name);
      this.#device.names.remove(name);
      this.#device.release(image);
    });
  }

  async syncDirectory(folder: string): Promise<void> {
    checkFolder(folder);
    if (!this.isAlive) return never();
    const { names } = this.#device;
    if (!names.hasFolder(folder)) throw missing(folder);
    const covered = names.beginSync(folder);
    return this.perform(`sync folder ${folder}`, () => {
      const fault = this.#device.fault("sync", folder);
      if (fault !== undefined) throw fault;
      names.endSync(covered);
    });
  }

  async space(): Promise<{ readonly bytesFree: number; readonly bytesTotal: number }> {
    return { bytesFree: this.#device.bytesFree, bytesTotal: this.#device.options.bytesMax };
  }

  async lock(): Promise<AsyncDisposable> {
    const cell = this.#lock;
    if (cell.holder !== undefined) throw envFailure("DISK_LOCKED");
    const held = {};
    cell.holder = held;
    return {
      async [Symbol.asyncDispose]() {
        if (cell.holder === held) cell.holder = undefined;
      },
    };
  }

  get isAlive(): boolean {
    return this.#process?.isAlive ?? true;
  }

  /** Runs an operation when its time has come. */
  perform<T>(label: string, run: () => T, detail = 0): Promise<T> {
    const process = this.#process;
    if (process === undefined) return Promise.try(run);
    if (!process.isAlive) return never();
    return new Promise((resolve, reject) => {
      const finish = (): void => {
        try {
          resolve(run());
        } catch (error) {
          reject(error);
        }
      };
      process.after(this.#device.drawDelay(), label, finish, detail);
    });
  }
}

class MountedFile implements DiskFile {
  readonly name: string;
  readonly #image: FileImage;
  readonly #device: SimDevice;
  readonly #disk: MountedDisk;
  readonly #isWritable: boolean;
  /** Stands for the name in the trace. */
  readonly #mark: number;
  #isClosed = false;
  #running = 0;
  #idle: (() => void) | undefined;

  constructor(name: string, image: FileImage, device: SimDevice, disk: MountedDisk, isWritable: boolean) {
    this.name = name;
    this.#image = image;
    this.#device = device;
    this.#disk = disk;
    this.#isWritable = isWritable;
    this.#mark = hashOf(name);
  }

  read(position: number, length: number, memory?: Uint8Array): Promise<Uint8Array> {
    checkExtent(position, length);
    assert(memory === undefined || memory.length >= length, "what is read fits in its memory");
    return this.#perform("read", position ^ (length << 16), () => {
      this.#throwFault("read");
      this.#device.maybeRot(this.#image, position, length);
      const bytes = this.#image.read(position, length);
      if (memory === undefined) return bytes;
      memory.set(bytes);
      return memory.subarray(0, bytes.length);
    });
  }

  write(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    checkExtent(position, 0);
    this.#checkWritable();
    if (!this.#disk.isAlive) return never();
    const pending = { image: this.#image, position, chunks };
    const length = chunks.reduce((sum, chunk) => sum + chunk.length, 0);
    this.#device.begin(pending);
    return this.#perform("write", position ^ (length << 16), () => {
      this.#device.end(pending);
      const fault = this.#device.fault("write", this.name);
      // A write that fails leaves some of its bytes.
      const isWhole = this.#writeUpTo(
        position,
        chunks,
        fault === undefined ? length : this.#device.drawBelow(length + 1),
      );
      if (fault !== undefined) throw fault;
      if (!isWhole) throw diskFull(this.name);
    });
  }

  sync(): Promise<void> {
    if (!this.#disk.isAlive) return never();
    const covered = this.#image.beginSync();
    return this.#perform("sync", 0, () => {
      const fault = this.#device.fault("sync", this.name);
      this.#image.endSync(covered, fault === undefined);
      if (fault !== undefined) throw fault;
    });
  }

  length(): Promise<number> {
    return this.#perform("stat", 0, () => this.#image.length);
  }

  setLength(length: number): Promise<void> {
    checkExtent(0, length);
    this.#checkWritable();
    return this.#perform("resize", length, () => {
      this.#throwFault("write");
      this.#image.setLength(length);
    });
  }

  /** Waits for the operations that run. */
  async close(): Promise<void> {
    this.#isClosed = true;
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
  }

  #perform<T>(operation: string, place: number, run: () => T): Promise<T> {
    assert(!this.#isClosed, "a closed file is not used");
    this.#running++;
    const done = this.#disk.perform(operation, run, this.#mark ^ place);
    const ended = (): void => {
      this.#running--;
      if (this.#running === 0) this.#idle?.();
    };
    done.then(ended, ended);
    return done;
  }

  #checkWritable(): void {
    assert(this.#isWritable, "a file that was opened for reading is not written");
  }

  /** False where the disk became full on the way. */
  #writeUpTo(position: number, chunks: readonly Uint8Array[], bytesMax: number): boolean {
    let written = 0;
    for (const chunk of chunks) {
      const room = Math.max(0, bytesMax - written);
      const part = chunk.length <= room ? chunk : chunk.subarray(0, room);
      const count = this.#image.write(position + written, part);
      written += count;
      if (count < part.length) return false;
    }
    return true;
  }

  #throwFault(operation: "read" | "write"): void {
    const fault = this.#device.fault(operation, this.name);
    if (fault !== undefined) throw fault;
  }
}

/** For a process that is dead: nothing that it waits for comes. */
function never<T>(): Promise<T> {
  return new Promise(() => {});
}

function missing(name: string): EnvError {
  return envFailure("FILE_MISSING", { what: `There is no file "${name}".`, data: { name } });
}

function diskFull(name: string): EnvError {
  return envFailure("DISK_FULL", { what: `The disk is full: could not write "${name}".`, data: { name } });
}
