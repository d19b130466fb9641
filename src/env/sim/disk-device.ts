import { assert } from "../../std/assert.ts";
import type { Prng } from "../../std/prng.ts";
import { type EnvError, envFailure } from "../errors.ts";
import type { SimDiskOptions } from "./disk-options.ts";
import { BLOCK_BYTES, type BlockBudget, type CrashRules, FileImage, SECTOR_BYTES } from "./file-image.ts";
import { NameTable } from "./name-table.ts";

export type FaultyOperation = "read" | "write" | "sync";

/** Bytes on their way into a file. */
export interface PendingWrite {
  readonly image: FileImage;
  readonly position: number;
  readonly chunks: readonly Uint8Array[];
}

/** The medium itself: files, names, faults, and what a loss of power does to them. Knows neither time nor processes. */
export class SimDevice {
  readonly names: NameTable<FileImage>;
  #options: SimDiskOptions;
  readonly #prng: Prng | undefined;
  readonly #pendingWrites = new Set<PendingWrite>();
  readonly #triggers: { readonly operation: FaultyOperation; readonly name: string | undefined }[] = [];
  /** Files without a name that a process may still have open: they take no space. */
  readonly #nameless = new WeakSet<FileImage>();
  #blocksUsed = 0;

  constructor(options: SimDiskOptions, prng: Prng | undefined) {
    this.#options = options;
    this.#prng = prng;
    this.names = new NameTable(prng !== undefined);
  }

  get options(): SimDiskOptions {
    return this.#options;
  }

  /** The disk becomes slower, smaller, worse or better from now on. */
  change(options: Partial<SimDiskOptions>): void {
    this.#options = { ...this.#options, ...options };
  }

  get bytesUsed(): number {
    return this.#blocksUsed * BLOCK_BYTES;
  }

  get bytesFree(): number {
    return Math.max(0, this.options.bytesMax - this.#blocksUsed * BLOCK_BYTES);
  }

  createImage(): FileImage {
    const budget: BlockBudget = {
      take: () => {
        if (this.#nameless.has(image)) return true;
        if ((this.#blocksUsed + 1) * BLOCK_BYTES > this.options.bytesMax) return false;
        this.#blocksUsed++;
        return true;
      },
      give: (blocks) => {
        if (!this.#nameless.has(image)) this.#blocksUsed -= blocks;
      },
    };
    const image = new FileImage(budget, this.#prng !== undefined);
    return image;
  }

  /** The name of the file is gone. */
  release(image: FileImage | undefined): void {
    if (image === undefined) return;
    this.#blocksUsed -= image.blocks;
    this.#nameless.add(image);
  }

  begin(pending: PendingWrite): void {
    this.#pendingWrites.add(pending);
  }

  end(pending: PendingWrite): void {
    this.#pendingWrites.delete(pending);
  }

  /** The process is gone, the kernel goes on: each write on its way was already handed to it or not. */
  abandon(): void {
    for (const { image, position, chunks } of this.#pendingWrites) {
      if (this.#prng?.chance(0.5) === false) continue;
      for (const part of sectorsOf(position, chunks)) image.write(part.position, part.bytes);
    }
    this.#pendingWrites.clear();
  }

  /** Power is gone. */
  crash(): void {
    const prng = this.#prng;
    assert(prng !== undefined, "a disk without a random generator is not crashed");
    // Each write on its way has reached some of its sectors.
    for (const { image, position, chunks } of this.#pendingWrites) {
      for (const part of sectorsOf(position, chunks)) if (prng.chance(0.5)) image.write(part.position, part.bytes);
    }
    this.#pendingWrites.clear();
    const rules = this.#crashRules(prng);
    for (const image of this.names.files()) image.crash(rules);
    this.names.crash(() => rules.keepsLength());
    this.#recount();
  }

  /** The next operation of this kind (on this file) fails. */
  failNext(operation: FaultyOperation, name: string | undefined): void {
    this.#triggers.push({ operation, name });
  }

  /** What was to fail next, and has not been met, does not. */
  forgetFailures(): void {
    this.#triggers.splice(0);
  }

  /** The failure of this operation, if it is to fail. */
  fault(operation: FaultyOperation, name: string): EnvError | undefined {
    const trigger = this.#triggers.findIndex((one) => one.operation === operation && (one.name ?? name) === name);
    if (trigger >= 0) this.#triggers.splice(trigger, 1);
    else if (!this.#happens(this.#errorChance(operation))) return undefined;
    return envFailure("DISK_FAILED", {
      what: `Could not ${operation} "${name}" (simulated).`,
      data: { name, operation },
    });
  }

  /** How long the next operation takes. */
  drawDelay(): number {
    const prng = this.#prng;
    if (prng === undefined) return 0;
    const [least, most] = this.options.delayMillis;
    const usual = least + prng.unit() * (most - least);
    return this.#happens(this.options.slowChance) ? usual + this.options.slowMillis * prng.unit() : usual;
  }

  /** How many of the bytes of a failing write arrive. */
  drawBelow(limit: number): number {
    return this.#prng?.below(limit) ?? 0;
  }

  maybeRot(image: FileImage, position: number, length: number): void {
    const end = Math.min(image.length, position + length);
    if (end <= position || !this.#happens(this.options.rotChance)) return;
    image.rot(position + this.drawBelow(end - position), this.drawBelow(8));
  }

  #errorChance(operation: FaultyOperation): number {
    const { readErrorChance, writeErrorChance, syncErrorChance } = this.options;
    return { read: readErrorChance, write: writeErrorChance, sync: syncErrorChance }[operation];
  }

  /** Draws only where there is a chance, so that a fault which is switched off does not shift the other draws. */
  #happens(chance: number): boolean {
    return chance > 0 && this.#prng?.chance(chance) === true;
  }

  /** A crash that keeps all or nothing of what was unsure shows other bugs than a mixed one. */
  #crashRules(prng: Prng): CrashRules {
    const { lostChance, garbledChance, nameLostChance, powersafeOverwrite } = this.options;
    const mood = prng.pick(["keep", "lose", "mix", "mix"]);
    return {
      prng,
      powersafeOverwrite,
      keepsLength: () => (mood === "mix" ? !prng.chance(nameLostChance) : mood === "keep"),
      fate: () => {
        if (mood !== "mix") return mood === "keep" ? "kept" : "lost";
        const drawn = prng.unit();
        if (drawn < lostChance) return "lost";
        return drawn < lostChance + garbledChance ? "garbled" : "kept";
      },
    };
  }

  /** After a crash only files with a name are left. */
  #recount(): void {
    this.#blocksUsed = 0;
    for (const image of this.names.files()) {
      this.#nameless.delete(image);
      this.#blocksUsed += image.blocks;
    }
  }
}

function* sectorsOf(
  start: number,
  chunks: readonly Uint8Array[],
): Generator<{ readonly position: number; readonly bytes: Uint8Array }, void, void> {
  let position = start;
  for (const chunk of chunks) {
    for (let at = 0; at < chunk.length; ) {
      const count = Math.min(SECTOR_BYTES - (position % SECTOR_BYTES), chunk.length - at);
      yield { position, bytes: chunk.subarray(at, at + count) };
      at += count;
      position += count;
    }
  }
}
