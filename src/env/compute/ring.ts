import { assert } from "../../std/assert.ts";

// One direction between two threads: records through shared memory, written by one thread and read by one other.
//
//   control   | head     | tail     | asleep   | waiting  |   each word alone in its cache line
//   data      | ... | record | record | record | ...      |   a power of two, used as a ring
//   record    | stream u32 | kind 2, skip 3, length 27 bits | skip, bytes ... | padding to 8 |
//
// `head` (bytes written) belongs to the writer and `tail` (bytes freed) to the reader; both only grow, modulo 2^32,
// and a place is their value modulo the size. `skip` moves the bytes to the same place within 8 as in their source: a
// copy into shared memory goes by words then, else by single bytes, which is eight times slower. Who goes to sleep
// says so first and looks again; who makes progress looks whether the other said so: with sequentially consistent
// atomics one of the two always sees the other, so no wake-up is lost.

export interface RingMemory {
  readonly control: SharedArrayBuffer;
  readonly data: SharedArrayBuffer;
}

export const RING_BYTES_MIN = 4096;
export const RING_BYTES_MAX: number = 2 ** 26;

/** `start` is where both counters begin: tests let them overflow. */
export function makeRing(bytes: number, start = 0): RingMemory {
  assert(bytes >= RING_BYTES_MIN && bytes <= RING_BYTES_MAX, "a ring has from 4 KiB to 64 MiB");
  assert((bytes & (bytes - 1)) === 0, "a ring's size is a power of two");
  const control = new SharedArrayBuffer(4 * CACHE_LINE_BYTES);
  const words = new Int32Array(control);
  words[HEAD] = words[TAIL] = start;
  words[ASLEEP] = 1;
  return { control, data: new SharedArrayBuffer(bytes) };
}

export type RecordKind = "open" | "data" | "digest" | "drop";

export interface RingRecord {
  readonly stream: number;
  readonly kind: RecordKind;
  /** The mask of names of an "open"; else 0. */
  readonly names: number;
  /** Of a "data" record. A view of the ring: good until `release`. */
  readonly bytes: Uint8Array;
}

export class RingWriter {
  readonly #control: Int32Array;
  readonly #words: Int32Array;
  readonly #data: Uint8Array;
  readonly #pieceBytesMin: number;
  #head: number;

  constructor(memory: RingMemory) {
    this.#control = new Int32Array(memory.control);
    this.#words = new Int32Array(memory.data);
    this.#data = new Uint8Array(memory.data);
    this.#pieceBytesMin = Math.min(65_536, this.#data.length / 8);
    this.#head = Atomics.load(this.#control, HEAD);
  }

  get bytesQueued(): number {
    return (this.#head - Atomics.load(this.#control, TAIL)) >>> 0;
  }

  /** A record without bytes; false where there is no room. */
  writeMark(stream: number, kind: "open" | "digest" | "drop", names = 0): boolean {
    if (this.#data.length - this.bytesQueued < HEADER_BYTES) return false;
    this.#put(stream, kind, 0, names, HEADER_BYTES);
    return true;
  }

  /**
   * Takes in what has room from `from` on and returns how much that was: less than the rest only where the ring is
   * full.
   */
  writeBytes(stream: number, bytes: Uint8Array, from: number): number {
    let at = from;
    while (at < bytes.length) {
      const place = this.#head & (this.#data.length - 1);
      const skip = (bytes.byteOffset + at) & 7;
      const overhead = HEADER_BYTES + skip;
      const room = (this.#data.length - this.bytesQueued) & ~7;
      const rest = bytes.length - at;
      // A full ring is not filled up crumb by crumb as the reader frees it.
      if (room < overhead + Math.min(rest, this.#pieceBytesMin)) break;
      if (place === this.#data.length - HEADER_BYTES) {
        this.#put(stream, "data", 0, 0, HEADER_BYTES); // The ring ends behind this header.
        continue;
      }
      const length = Math.min(rest, room - overhead, this.#data.length - place - overhead);
      this.#data.set(bytes.subarray(at, at + length), place + overhead);
      this.#put(stream, "data", skip, length, roundUp(overhead + length));
      at += length;
    }
    return at - from;
  }

  /** Whether the reader slept: then it must be woken. Called after a write, once for many of them. */
  readerSlept(): boolean {
    return Atomics.exchange(this.#control, ASLEEP, 0) === 1;
  }

  /** Says that the writer waits for room. The caller tries once more afterwards, before it relies on being told. */
  announceWait(): void {
    Atomics.store(this.#control, WAITING, 1);
  }

  #put(stream: number, kind: RecordKind, skip: number, operand: number, bytes: number): void {
    const word = (this.#head & (this.#data.length - 1)) >>> 2;
    this.#words[word] = stream;
    this.#words[word + 1] = (KINDS.indexOf(kind) << 30) | (skip << 27) | operand;
    this.#head = (this.#head + bytes) | 0;
    Atomics.store(this.#control, HEAD, this.#head);
  }
}

export class RingReader {
  readonly #control: Int32Array;
  readonly #words: Int32Array;
  readonly #data: Uint8Array;
  #tail: number;
  #next: number;

  constructor(memory: RingMemory) {
    this.#control = new Int32Array(memory.control);
    this.#words = new Int32Array(memory.data);
    this.#data = new Uint8Array(memory.data);
    this.#tail = Atomics.load(this.#control, TAIL);
    this.#next = this.#tail;
  }

  /** The next record, or undefined where nothing more is written. Ends with `release`. */
  read(): RingRecord | undefined {
    assert(this.#next === this.#tail, "the record before was not released");
    if (this.#tail === Atomics.load(this.#control, HEAD)) return undefined;
    const place = this.#tail & (this.#data.length - 1);
    const stream = this.#words[place >>> 2]! >>> 0;
    const word = this.#words[(place >>> 2) + 1]!;
    const kind = KINDS[word >>> 30]!;
    const operand = word & 0x07ff_ffff;
    const start = place + HEADER_BYTES + ((word >>> 27) & 7);
    const length = kind === "data" ? operand : 0;
    this.#next = (this.#tail + roundUp(start + length - place)) | 0;
    const names = kind === "open" ? operand : 0;
    return { stream, kind, names, bytes: this.#data.subarray(start, start + length) };
  }

  /** Gives the record's place back to the writer. */
  release(): void {
    this.#tail = this.#next;
    Atomics.store(this.#control, TAIL, this.#tail);
  }

  /** Whether the writer waits for room; asking takes the announcement away. */
  writerWaits(): boolean {
    return Atomics.load(this.#control, WAITING) === 1 && Atomics.exchange(this.#control, WAITING, 0) === 1;
  }

  /** False where something was written in the meantime: then the reader stays awake. */
  sleep(): boolean {
    Atomics.store(this.#control, ASLEEP, 1);
    if (this.#tail === Atomics.load(this.#control, HEAD)) return true;
    Atomics.store(this.#control, ASLEEP, 0);
    return false;
  }
}

const CACHE_LINE_BYTES = 64;
const [HEAD, TAIL, ASLEEP, WAITING] = [0, 16, 32, 48];
const HEADER_BYTES = 8;
const KINDS: readonly RecordKind[] = ["open", "data", "digest", "drop"];

function roundUp(bytes: number): number {
  return (bytes + 7) & ~7;
}
