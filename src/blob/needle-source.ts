import type { ByteSource } from "../std/source.ts";
import type { BlobRef } from "./blobs.ts";
import type { FileLease } from "./file-cache.ts";
import type { SliceMemory } from "./slice-memory.ts";

/** Up to here a needle is read with one pread: header, owner, data and trailer. */
export const WHOLE_BYTES_MAX = 262_144;

export interface NeedleRange {
  readonly refs: readonly BlobRef[];
  readonly start: number;
  readonly end: number;
  readonly sliceBytes: number;
}

/** A needle whose header and trailer were verified and belong to the ref; its data is verified block by block. */
export interface OpenNeedle {
  /** A copy of its volume, and which one: the next is another. */
  readonly lease: FileLease;
  readonly source: number;
  readonly position: number;
  readonly dataPosition: number;
  readonly blocks: readonly number[];
  /** The copy has been made whole for this read already. */
  readonly isMended: boolean;
  /** From the start of the slot, where the first pread brought it all. */
  readonly whole: Uint8Array | undefined;
}

export interface SliceReader {
  open(ref: BlobRef, memory: SliceMemory): Promise<OpenNeedle>;
  slice(ref: BlobRef, needle: OpenNeedle, range: SliceRange, memory: SliceMemory): Promise<Uint8Array>;
  /** The same needle in another copy, after this one has failed so. Rejects with the failure where there is none left. */
  elsewhere(ref: BlobRef, needle: OpenNeedle, failure: unknown, memory: SliceMemory): Promise<OpenNeedle>;
}

export interface SliceRange {
  readonly start: number;
  readonly end: number;
}

/**
 * The bytes of a range, slice by slice; one slice is read ahead of the consumer. The memory is used again: a slice is the
 * consumer's until it asks for the next one.
 */
export class NeedleSource implements ByteSource {
  readonly #reader: SliceReader;
  readonly #slices: Generator<Slice, void, void>;
  readonly #memory: SliceMemory;
  readonly #onEnd: (source: NeedleSource) => void;
  #needle: OpenNeedle | undefined;
  #ahead: Promise<Uint8Array | null> | undefined;
  /** The slice that is being read, delivered or ahead: it uses the needle's file. */
  #running: Promise<unknown> = Promise.resolve();
  #ending: Promise<void> | undefined;
  #failure: unknown;

  constructor(reader: SliceReader, range: NeedleRange, memory: SliceMemory, onEnd: (source: NeedleSource) => void) {
    this.#reader = reader;
    this.#memory = memory;
    this.#slices = slicesOf(range);
    this.#onEnd = onEnd;
  }

  async read(): Promise<Uint8Array | null> {
    if (this.#failure !== undefined) throw this.#failure;
    if (this.#ending !== undefined) return null;
    const reading = this.#ahead ?? this.#start();
    this.#ahead = undefined;
    try {
      const bytes = await reading;
      if (this.#failure !== undefined) throw this.#failure;
      if (bytes === null) await this.#complete();
      else if (this.#ending === undefined) this.#ahead = this.#start();
      return bytes;
    } catch (error) {
      await this.fail(error);
      throw error;
    }
  }

  cancel(): void {
    void this.#end();
  }

  /** Breaks off: the next read rejects. */
  async fail(reason: unknown): Promise<void> {
    this.#failure ??= reason;
    await this.#end();
  }

  async #complete(): Promise<void> {
    this.#memory.giveBack();
    await this.#end();
  }

  /** Waits for the slice that is being read, then lets go of the file. */
  #end(): Promise<void> {
    this.#ending ??= this.#running.then(() => {
      this.#letGo();
      this.#memory.forget();
      this.#onEnd(this);
    });
    return this.#ending;
  }

  #start(): Promise<Uint8Array | null> {
    const next = this.#next();
    this.#running = next.catch(() => {});
    return next;
  }

  async #next(): Promise<Uint8Array | null> {
    const step = this.#slices.next();
    if (step.done) return null;
    const { ref, start, end, last } = step.value;
    this.#memory.next();
    this.#needle ??= await this.#reader.open(ref, this.#memory);
    const bytes = await this.#slice(ref, { start, end });
    if (last) this.#letGo();
    return bytes;
  }

  async #slice(ref: BlobRef, range: SliceRange): Promise<Uint8Array> {
    for (;;) {
      const needle = this.#needle!;
      try {
        return await this.#reader.slice(ref, needle, range, this.#memory);
      } catch (error) {
        this.#letGo();
        this.#needle = await this.#reader.elsewhere(ref, needle, error, this.#memory);
      }
    }
  }

  #letGo(): void {
    this.#needle?.lease[Symbol.dispose]();
    this.#needle = undefined;
  }
}

interface Slice {
  readonly ref: BlobRef;
  readonly start: number;
  readonly end: number;
  /** The last one of its ref: the lease ends behind it. */
  readonly last: boolean;
}

/** What is read at once: whole needles where they are small, else aligned slices. */
function* slicesOf({ refs, start, end, sliceBytes }: NeedleRange): Generator<Slice, void, void> {
  let refStart = 0;
  for (const ref of refs) {
    const from = Math.max(0, start - refStart);
    const to = Math.min(ref.length, end - refStart);
    for (let at = from; at < to; ) {
      const boundary = ref.length <= WHOLE_BYTES_MAX ? to : Math.floor(at / sliceBytes + 1) * sliceBytes;
      const next = Math.min(to, boundary);
      yield { ref, start: at, end: next, last: next === to };
      at = next;
    }
    refStart += ref.length;
    if (refStart >= end) return;
  }
}
