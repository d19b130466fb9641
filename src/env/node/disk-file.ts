import { close, fdatasync, fstat, ftruncate, read, write, writev } from "node:fs";
import { assert } from "../../std/assert.ts";
import { AshlarError } from "../../std/errors.ts";
import type { DiskFile } from "../env.ts";
import { envFailure } from "../errors.ts";
import { checkExtent } from "../names.ts";
import { call } from "./call.ts";
import { diskFailure } from "./disk-errors.ts";
import { uninitialised } from "./uninitialised.ts";

/** IOV_MAX of Linux and macOS. */
const WRITE_CHUNKS_MAX = 1024;

/**
 * An open file by its descriptor. Descriptors are reused by the kernel at once, so `close` waits for the operations
 * that run: one that came later would read or write another file.
 */
export class NodeDiskFile implements DiskFile {
  readonly name: string;
  readonly #descriptor: number;
  readonly #isWritable: boolean;
  #running = 0;
  #closed = false;
  #idle: (() => void) | undefined;

  constructor(name: string, descriptor: number, isWritable: boolean) {
    this.name = name;
    this.#descriptor = descriptor;
    this.#isWritable = isWritable;
  }

  read(position: number, length: number, memory?: Uint8Array): Promise<Uint8Array> {
    checkExtent(position, length);
    assert(memory === undefined || memory.length >= length, "what is read fits in its memory");
    return this.#run("read", () => this.#readAll(position, length, memory ?? uninitialised(length)));
  }

  write(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    checkExtent(position, 0);
    this.#checkWritable();
    return this.#run("write", () => this.#writeAll(position, chunks));
  }

  sync(): Promise<void> {
    return this.#run("sync", () => call((done) => fdatasync(this.#descriptor, done)));
  }

  length(): Promise<number> {
    return this.#run("stat", async () => {
      return (await call<{ size: number }>((done) => fstat(this.#descriptor, done))).size;
    });
  }

  setLength(length: number): Promise<void> {
    checkExtent(0, length);
    this.#checkWritable();
    return this.#run("resize", () => call((done) => ftruncate(this.#descriptor, length, done)));
  }

  async close(): Promise<void> {
    if (this.#closed) return;
    this.#closed = true;
    if (this.#running > 0) await new Promise<void>((resolve) => (this.#idle = resolve));
    try {
      await call((done) => close(this.#descriptor, done));
    } catch (error) {
      throw diskFailure(error, "close", this.name);
    }
  }

  async #run<T>(operation: string, run: () => Promise<T>): Promise<T> {
    assert(!this.#closed, "a closed file is not used");
    this.#running++;
    try {
      return await run();
    } catch (error) {
      throw error instanceof AshlarError ? error : diskFailure(error, operation, this.name);
    } finally {
      this.#running--;
      if (this.#running === 0) this.#idle?.();
    }
  }

  #checkWritable(): void {
    assert(this.#isWritable, "a file that was opened for reading is not written");
  }

  async #readAll(position: number, length: number, buffer: Uint8Array): Promise<Uint8Array> {
    let filled = 0;
    while (filled < length) {
      const count = await call<number>((done) =>
        read(this.#descriptor, buffer, filled, length - filled, position + filled, done),
      );
      if (count === 0) break;
      filled += count;
    }
    return filled === buffer.length ? buffer : buffer.subarray(0, filled);
  }

  async #writeAll(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    let at = position;
    for (let first = 0; first < chunks.length; first += WRITE_CHUNKS_MAX) {
      const all = chunks.length <= WRITE_CHUNKS_MAX;
      let rest = nonEmpty(all ? chunks : chunks.slice(first, first + WRITE_CHUNKS_MAX));
      while (rest.length > 0) {
        const written = await this.#writeSome(at, rest);
        at += written;
        rest = behind(rest, written);
      }
    }
  }

  /** Writes at least one byte: a call that writes none without an error would loop for ever. */
  async #writeSome(position: number, chunks: readonly Uint8Array[]): Promise<number> {
    const written = await call<number>((done) => {
      if (chunks.length === 1) write(this.#descriptor, chunks[0]!, 0, chunks[0]!.length, position, done);
      else writev(this.#descriptor, chunks, position, done);
    });
    if (written === 0) throw envFailure("DISK_FAILED", { what: `A write to "${this.name}" made no progress.` });
    return written;
  }
}

function nonEmpty(chunks: readonly Uint8Array[]): readonly Uint8Array[] {
  return chunks.every((chunk) => chunk.length > 0) ? chunks : chunks.filter((chunk) => chunk.length > 0);
}

/** What is left after the first `written` bytes of the chunks. */
function behind(chunks: readonly Uint8Array[], written: number): readonly Uint8Array[] {
  let index = 0;
  let rest = written;
  while (index < chunks.length && rest >= chunks[index]!.length) rest -= chunks[index++]!.length;
  if (rest === 0) return chunks.slice(index);
  return [chunks[index]!.subarray(rest), ...chunks.slice(index + 1)];
}
