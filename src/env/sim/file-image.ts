import { assert } from "../../std/assert.ts";
import { nonZeroAt } from "../../std/bytes.ts";
import { Copier } from "../../std/copier.ts";
import type { Prng } from "../../std/prng.ts";

export const SECTOR_BYTES = 512;
export const BLOCK_BYTES = 4_096;

/** Stands for each block that holds only zeros, as long as it does: segments of logs are zeroed long before they are used. */
const ZERO_BLOCK = new Uint8Array(BLOCK_BYTES);

/** Of sectors as they were: they are let go with the next sync. */
const images = new Copier();

/** What a crash does to a sector that was written since the last sync. */
export type SectorFate = "kept" | "lost" | "garbled";

export interface CrashRules {
  fate(): SectorFate;
  /** Whether a change of the length since the last sync is kept. */
  keepsLength(): boolean;
  /**
   * Garbles only the bytes that were written, not synced neighbours in their sector (a disk that protects what it does
   * not write).
   */
  readonly powersafeOverwrite: boolean;
  readonly prng: Prng;
}

/** Pays for blocks as they are filled; false if there is no room. */
export interface BlockBudget {
  take(): boolean;
  give(blocks: number): void;
}

/** What a sector was before the writes of one layer, and which of its bytes they changed. */
interface Undo {
  /** Undefined where the sector was all zeros. */
  readonly image: Uint8Array | undefined;
  readonly changed: Span[];
}

/** From a byte of the sector up to another. */
type Span = readonly [from: number, to: number];

/** The writes between two syncs. */
interface Layer {
  readonly sectors: Map<number, Undo>;
  readonly lengthBefore: number;
}

/**
 * A file as the page cache has it, with the way back to what the disk is sure to have. Blocks of zeros take no memory.
 *
 *   disk <- undo of unsure writes (a failed sync) <- undo of layer 1 <- undo of layer 2 ... <- what is read
 *
 * A sync freezes the last layer and, when it succeeds, forgets all up to it. Without tracking there is only the page
 * cache.
 */
export class FileImage {
  readonly #blocks = new Map<number, Uint8Array>();
  readonly #budget: BlockBudget;
  readonly #isTracked: boolean;
  #length = 0;
  #layers: Layer[] = [];
  #layersDropped = 0;
  #unsure: Layer | undefined;

  constructor(budget: BlockBudget, isTracked: boolean) {
    this.#budget = budget;
    this.#isTracked = isTracked;
    this.#startLayer();
  }

  get length(): number {
    return this.#length;
  }

  get blocks(): number {
    return this.#blocks.size;
  }

  read(position: number, length: number): Uint8Array {
    const out = new Uint8Array(Math.max(0, Math.min(length, this.#length - position)));
    for (let at = 0; at < out.length; ) {
      const offset = (position + at) % BLOCK_BYTES;
      const bytes = Math.min(BLOCK_BYTES - offset, out.length - at);
      const block = this.#blocks.get(Math.floor((position + at) / BLOCK_BYTES));
      if (block !== undefined) out.set(block.subarray(offset, offset + bytes), at);
      at += bytes;
    }
    return out;
  }

  /** How many of the bytes were written: fewer than given where the budget ends. */
  write(position: number, bytes: Uint8Array): number {
    let at = 0;
    while (at < bytes.length) {
      const number = Math.floor((position + at) / BLOCK_BYTES);
      const offset = (position + at) % BLOCK_BYTES;
      const count = Math.min(BLOCK_BYTES - offset, bytes.length - at);
      if (!this.#blocks.has(number) && !this.#addBlock(number)) break;
      this.#remember(position + at, count);
      const part = count === bytes.length ? bytes : bytes.subarray(at, at + count);
      // Of zeros over zeros nothing is left to do.
      if (this.#blocks.get(number) !== ZERO_BLOCK || nonZeroAt(part) < count) this.#own(number).set(part, offset);
      at += count;
    }
    if (at > 0) this.#length = Math.max(this.#length, position + at);
    return at;
  }

  setLength(length: number): void {
    if (length < this.#length) this.#zero(length);
    this.#length = length;
  }

  /** Everything written so far, under a name for `endSync`. Writes that come later are not covered. */
  beginSync(): number {
    const covered = this.#layersDropped + this.#layers.length - 1;
    this.#startLayer();
    return covered;
  }

  endSync(covered: number, succeeded: boolean): void {
    const count = covered + 1 - this.#layersDropped;
    if (count <= 0) return;
    const done = this.#layers.splice(0, count);
    this.#layersDropped += count;
    if (succeeded) {
      if (this.#unsure !== undefined) this.#makeSure(done);
    } else {
      this.#unsure = joinLayers(this.#unsure === undefined ? done : [this.#unsure, ...done]);
    }
  }

  /**
   * The power fails: what was not synced is kept, lost or garbled, sector by sector, and that is then what the disk
   * has.
   */
  crash(rules: CrashRules): void {
    const undo = joinLayers(this.#unsure === undefined ? this.#layers : [this.#unsure, ...this.#layers]);
    this.#layers = [];
    this.#unsure = undefined;
    const length = this.#lengthAfterCrash(undo.lengthBefore, rules);
    for (const [sector, was] of undo.sectors) {
      // What only a lost cut had zeroed is there again.
      const isUncut = length > this.#length && (sector + 1) * SECTOR_BYTES > this.#length;
      const fate = isUncut ? "lost" : rules.fate();
      if (fate === "lost") this.#restore(sector, was);
      if (fate === "garbled") this.#garble(sector, was, rules);
    }
    this.#zero(length);
    this.#length = length;
    this.#startLayer();
  }

  /** Flips one bit of what is stored, synced or not. */
  rot(position: number, bit: number): void {
    const number = Math.floor(position / BLOCK_BYTES);
    if (!this.#blocks.has(number) && !this.#addBlock(number)) return;
    this.#own(number)[position % BLOCK_BYTES]! ^= 1 << bit;
  }

  #startLayer(): void {
    this.#layers.push({ sectors: new Map(), lengthBefore: this.#length });
  }

  /** False where there is no room for it. */
  #addBlock(number: number): boolean {
    if (!this.#budget.take()) return false;
    this.#blocks.set(number, ZERO_BLOCK);
    return true;
  }

  /** The block's own memory, to be written. */
  #own(number: number): Uint8Array {
    let block = this.#blocks.get(number)!;
    if (block === ZERO_BLOCK) this.#blocks.set(number, (block = new Uint8Array(BLOCK_BYTES)));
    return block;
  }

  #dropBlock(number: number): void {
    if (this.#blocks.delete(number)) this.#budget.give(1);
  }

  /** Keeps what the sectors of the range are now, unless this layer changed them before. */
  #remember(position: number, bytes: number): void {
    const layer = this.#layers.at(-1);
    if (!this.#isTracked || layer === undefined) return;
    const end = position + bytes;
    for (let sector = Math.floor(position / SECTOR_BYTES); sector * SECTOR_BYTES < end; sector++) {
      const from = Math.max(0, position - sector * SECTOR_BYTES);
      const to = Math.min(SECTOR_BYTES, end - sector * SECTOR_BYTES);
      const known = layer.sectors.get(sector);
      if (known === undefined) layer.sectors.set(sector, { image: this.#sectorImage(sector), changed: [[from, to]] });
      else addSpan(known.changed, from, to);
    }
  }

  #sectorImage(sector: number): Uint8Array | undefined {
    if (this.#blocks.get(Math.floor((sector * SECTOR_BYTES) / BLOCK_BYTES)) === ZERO_BLOCK) return undefined;
    const view = this.#sector(sector);
    return view === undefined || nonZeroAt(view) === SECTOR_BYTES ? undefined : images.copyOf(view);
  }

  #sector(sector: number): Uint8Array | undefined {
    const position = sector * SECTOR_BYTES;
    const offset = position % BLOCK_BYTES;
    return this.#blocks.get(Math.floor(position / BLOCK_BYTES))?.subarray(offset, offset + SECTOR_BYTES);
  }

  /** Makes everything from a position on zeros; whole blocks of it leave memory. */
  #zero(from: number): void {
    for (const number of [...this.#blocks.keys()]) {
      const start = number * BLOCK_BYTES;
      if (start + BLOCK_BYTES <= from) continue;
      const first = Math.max(from, start);
      this.#remember(first, start + BLOCK_BYTES - first);
      if (first === start) this.#dropBlock(number);
      else this.#own(number).fill(0, first - start);
    }
  }

  #makeSure(synced: readonly Layer[]): void {
    const unsure = this.#unsure!;
    for (const layer of synced) for (const sector of layer.sectors.keys()) unsure.sectors.delete(sector);
    this.#unsure =
      unsure.sectors.size === 0 ? undefined : { sectors: unsure.sectors, lengthBefore: this.#layers[0]!.lengthBefore };
  }

  #lengthAfterCrash(lengthBefore: number, rules: CrashRules): number {
    if (lengthBefore === this.#length || rules.keepsLength()) return this.#length;
    if (lengthBefore > this.#length || rules.prng.chance(0.5)) return lengthBefore;
    return lengthBefore + rules.prng.below(this.#length - lengthBefore);
  }

  #restore(sector: number, was: Undo): void {
    this.#set(sector, was.image ?? new Uint8Array(SECTOR_BYTES));
  }

  #garble(sector: number, was: Undo, rules: CrashRules): void {
    const spans: readonly Span[] = rules.powersafeOverwrite ? was.changed : [[0, SECTOR_BYTES]];
    const bytes = this.#sector(sector)?.slice() ?? new Uint8Array(SECTOR_BYTES);
    for (const [from, to] of spans) bytes.set(rules.prng.bytes(to - from), from);
    this.#set(sector, bytes);
  }

  /** Past the budget, if need be: a crash is not refused. */
  #set(sector: number, bytes: Uint8Array): void {
    const position = sector * SECTOR_BYTES;
    const number = Math.floor(position / BLOCK_BYTES);
    if (!this.#blocks.has(number)) {
      this.#blocks.set(number, ZERO_BLOCK);
      this.#budget.give(-1);
    }
    this.#own(number).set(bytes, position % BLOCK_BYTES);
  }
}

/** The layers as one: the oldest image of each sector, all its changed bytes. */
function joinLayers(layers: readonly Layer[]): Layer {
  assert(layers.length > 0, "a file has at least one layer");
  const sectors = new Map<number, Undo>();
  for (const layer of layers) {
    for (const [sector, undo] of layer.sectors) {
      const older = sectors.get(sector);
      if (older === undefined) sectors.set(sector, { image: undo.image, changed: [...undo.changed] });
      else for (const [from, to] of undo.changed) addSpan(older.changed, from, to);
    }
  }
  return { sectors, lengthBefore: layers[0]!.lengthBefore };
}

/** Appending is the usual case: the last span grows. */
function addSpan(spans: Span[], from: number, to: number): void {
  const last = spans.at(-1);
  if (last !== undefined && from <= last[1] && to >= last[0]) {
    spans[spans.length - 1] = [Math.min(from, last[0]), Math.max(to, last[1])];
  } else {
    spans.push([from, to]);
  }
}
