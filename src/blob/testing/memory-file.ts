import type { DiskFile } from "../../env/index.ts";

/** A file of bytes that a test holds, without time, faults or costs: for tests that try every bit. */
export class MemoryFile implements DiskFile {
  readonly name = "file";
  bytes: Uint8Array;
  syncs = 0;

  constructor(bytes: Uint8Array = new Uint8Array(0)) {
    this.bytes = bytes;
  }

  async read(position: number, length: number, memory?: Uint8Array): Promise<Uint8Array> {
    const bytes = this.bytes.slice(position, position + length);
    if (memory === undefined) return bytes;
    memory.set(bytes);
    return memory.subarray(0, bytes.length);
  }

  async write(position: number, chunks: readonly Uint8Array[]): Promise<void> {
    let at = position;
    for (const chunk of chunks) {
      if (at + chunk.length > this.bytes.length) await this.setLength(at + chunk.length);
      this.bytes.set(chunk, at);
      at += chunk.length;
    }
  }

  async sync(): Promise<void> {
    this.syncs++;
  }

  async length(): Promise<number> {
    return this.bytes.length;
  }

  async setLength(length: number): Promise<void> {
    const resized = new Uint8Array(length);
    resized.set(this.bytes.subarray(0, length));
    this.bytes = resized;
  }

  async close(): Promise<void> {}
}
