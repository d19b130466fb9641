import { assert } from "../std/assert.ts";
import type { ByteSource } from "../std/source.ts";
import type { BlobAppend, BlobRef } from "./blobs.ts";
import { Budget } from "./budget.ts";
import { BufferPool } from "./buffer-pool.ts";
import { blobFailure } from "./errors.ts";
import type { Extent } from "./extent.ts";
import type { ExtentWriter } from "./extent-writer.ts";
import { OWNER_BYTES_MAX, SECTOR_BYTES, slotBytesFor } from "./format.ts";
import { NeedleRecord } from "./needle-record.ts";
import type { NeedleWriter, WriterContext } from "./needle-writer.ts";
import { SourceCursor } from "./source-cursor.ts";
import type { SpaceKeeper } from "./space-keeper.ts";

const IDLE_BYTES_MAX = 33_554_432;

export interface AppenderContext extends Pick<WriterContext, "health" | "inFlight" | "counters" | "options"> {
  readonly space: SpaceKeeper;
  readonly needles: NeedleWriter;
  readonly extents: ExtentWriter;
}

/** A piece that is written; the promise resolves when it is durable. */
interface WrittenPiece {
  readonly ref: Promise<BlobRef>;
}

/**
 * Cuts bodies into needles and extents, and sees that memory, disk space and the count of needles in flight stay in
 * their limits.
 */
export class Appender {
  readonly #context: AppenderContext;
  readonly #budget: Budget;
  readonly #buffers = new BufferPool(IDLE_BYTES_MAX);
  #running = 0;
  #onIdle: (() => void) | undefined;

  constructor(context: AppenderContext) {
    this.#context = context;
    this.#budget = new Budget(context.options.appendBytesMax, context.options.appendsWaitingMax);
  }

  get memoryBytes(): number {
    return this.#budget.used;
  }

  get waiting(): number {
    return this.#budget.waiting;
  }

  async append(owner: Uint8Array, source: ByteSource, length: number): Promise<BlobAppend> {
    assert(owner.length > 0 && owner.length <= OWNER_BYTES_MAX, "an owner is a key of the Store");
    assert(Number.isSafeInteger(length) && length >= 0, "a length is an unsigned safe integer");
    const { options, counters } = this.#context;
    const cursor = new SourceCursor(source);
    const memoryBytes =
      length <= options.needleBytesMax ? slotBytesFor(owner.length, length) : options.streamBufferBytes;
    const refs: BlobRef[] = [];
    this.#running++;
    try {
      await this.#admit(length, memoryBytes);
      try {
        await this.#appendPieces(owner, cursor, length, refs);
      } finally {
        this.#budget.give(memoryBytes);
      }
    } catch (error) {
      this.#release(refs);
      cursor.cancel(error);
      throw error;
    } finally {
      this.#running--;
      if (this.#running === 0) this.#onIdle?.();
    }
    counters.appends++;
    counters.appendBytes += length;
    return { refs, [Symbol.dispose]: () => this.#release(refs) };
  }

  /** Appends that wait for memory are refused, and so are new ones. */
  close(): void {
    this.#budget.close();
  }

  /** Resolves when no append runs any more. */
  async idle(): Promise<void> {
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#onIdle = resolve));
  }

  async #admit(length: number, memoryBytes: number): Promise<void> {
    const { health, inFlight, options, counters, space } = this.#context;
    health.check();
    try {
      if (inFlight.size + Math.ceil(length / options.extentBytes) > options.needlesInFlightMax) {
        throw blobFailure("BLOBS_OVERLOADED");
      }
      await this.#budget.take(memoryBytes);
    } catch (error) {
      counters.refusedForLoad++;
      throw error;
    }
    try {
      await space.check(length);
    } catch (error) {
      this.#budget.give(memoryBytes);
      throw error;
    }
  }

  /** One piece behind the other; while one becomes durable the next is read and written. */
  async #appendPieces(owner: Uint8Array, cursor: SourceCursor, length: number, refs: BlobRef[]): Promise<void> {
    const { needleBytesMax, extentBytes } = this.#context.options;
    if (length === 0) await expectEnd(cursor);
    const pending: WrittenPiece[] = [];
    try {
      for (let at = 0; at < length; ) {
        const bytes = length <= needleBytesMax ? length : Math.min(length - at, extentBytes);
        at += bytes;
        const write = bytes <= needleBytesMax ? this.#writeNeedle : this.#writeExtent;
        const written = await write.call(this, owner, cursor, bytes, at === length);
        written.ref.catch(() => {});
        pending.push(written);
        if (pending.length > 1) await settleFirst(pending, refs);
      }
      while (pending.length > 0) await settleFirst(pending, refs);
    } catch (error) {
      for (const { ref } of pending) {
        ref.then(
          (late) => this.#release([late]),
          () => {},
        );
      }
      throw error;
    }
  }

  async #writeNeedle(owner: Uint8Array, cursor: SourceCursor, bytes: number, last: boolean): Promise<WrittenPiece> {
    const { space, needles } = this.#context;
    const diskBytes = slotBytesFor(owner.length, bytes) + SECTOR_BYTES;
    const memory = this.#buffers.take(slotBytesFor(owner.length, bytes));
    let appending = false;
    try {
      const record = new NeedleRecord(owner, bytes, memory);
      if ((await cursor.fill(record.data)) < bytes) throw blobFailure("SOURCE_LENGTH");
      if (last) await expectEnd(cursor);
      record.seal();
      await space.take(diskBytes);
      appending = true;
      const named = needles.append(record).finally(() => {
        space.settle(diskBytes);
        this.#buffers.give(memory);
      });
      return { ref: named.then((name) => ({ ...name, length: bytes, checksum: record.checksum })) };
    } finally {
      if (!appending) this.#buffers.give(memory);
    }
  }

  async #writeExtent(owner: Uint8Array, cursor: SourceCursor, bytes: number, last: boolean): Promise<WrittenPiece> {
    const { space, extents, options } = this.#context;
    const diskBytes = slotBytesFor(owner.length, bytes) + SECTOR_BYTES;
    await space.take(diskBytes);
    const extent = extents.begin(owner, bytes);
    const buffers = [
      this.#buffers.take(options.streamBufferBytes / 2),
      this.#buffers.take(options.streamBufferBytes / 2),
    ];
    const halves = buffers.map((buffer) => buffer.subarray(0, options.streamBufferBytes / 2));
    try {
      await fillExtent(extent, cursor, bytes, last, halves);
    } catch (error) {
      await extent.abandon();
      space.settle(diskBytes);
      throw error;
    } finally {
      for (const buffer of buffers) this.#buffers.give(buffer);
    }
    return { ref: finishExtent(extent, bytes).finally(() => space.settle(diskBytes)) };
  }

  #release(refs: readonly BlobRef[]): void {
    for (const ref of refs) this.#context.inFlight.remove(ref);
  }
}

async function settleFirst(pending: WrittenPiece[], refs: BlobRef[]): Promise<void> {
  refs.push(await pending[0]!.ref);
  pending.shift();
}

/** One half is filled while the other is written. Both are free when this ends, in whatever way. */
async function fillExtent(
  extent: Extent,
  cursor: SourceCursor,
  bytes: number,
  last: boolean,
  halves: readonly Uint8Array[],
): Promise<void> {
  let writing: Promise<void> = Promise.resolve();
  try {
    for (let at = 0, half = 0; at < bytes; half = 1 - half) {
      const target = halves[half]!.subarray(0, bytes - at);
      if ((await cursor.fill(target)) < target.length) throw blobFailure("SOURCE_LENGTH");
      at += target.length;
      if (at === bytes && last) await expectEnd(cursor);
      await writing;
      writing = extent.write(target);
      writing.catch(() => {});
    }
  } finally {
    await writing;
  }
}

async function finishExtent(extent: Extent, bytes: number): Promise<BlobRef> {
  try {
    const name = await extent.finish();
    return { ...name, length: bytes, checksum: extent.checksum };
  } catch (error) {
    await extent.abandon();
    throw error;
  }
}

async function expectEnd(cursor: SourceCursor): Promise<void> {
  if (!(await cursor.ended())) throw blobFailure("SOURCE_LENGTH");
}
