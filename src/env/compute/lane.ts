import { assert } from "../../std/assert.ts";
import type { Hasher, HashName } from "../env.ts";
import { type ComputeError, computeFailure } from "./errors.ts";
import type { ThreadReport } from "./hash-thread.ts";
import { type RingMemory, RingWriter } from "./ring.ts";
import { DIGEST_BYTES, maskOf, namesOf } from "./running-hashes.ts";

/** A hashing thread as its owner sees it. */
export interface ThreadLink {
  /** Makes the thread look at its ring. */
  wake(): void;
  /** Whether somebody waits for the thread, so that the process must not end. */
  keepAlive(needed: boolean): void;
}

/**
 * The writing side of one thread's ring, shared by the streams that are bound to the thread. What finds no room waits
 * in the order of the calls. A stream has at most one update waiting, so the number of streams bounds the queue; it
 * holds the callers' bytes themselves, which they leave alone until their promise resolves.
 */
export class Lane {
  readonly #writer: RingWriter;
  readonly #link: ThreadLink;
  readonly #endOfTurn: (run: () => void) => void;
  readonly #streams = new Map<number, LaneStream>();
  readonly #queue: QueuedWrite[] = [];
  #streamsOpened = 0;
  #wakePlanned = false;
  #bytesUnannounced = 0;
  #waiters = 0;
  #failure: ComputeError | undefined;

  constructor(memory: RingMemory, link: ThreadLink, endOfTurn: (run: () => void) => void) {
    this.#writer = new RingWriter(memory);
    this.#link = link;
    this.#endOfTurn = endOfTurn;
  }

  get streams(): number {
    return this.#streams.size;
  }

  get bytesQueued(): number {
    return this.#writer.bytesQueued;
  }

  /** Writes that have no room in the ring. */
  get writesWaiting(): number {
    return this.#queue.length;
  }

  open(names: readonly HashName[]): Hasher {
    assert(this.#failure === undefined, "a lane takes no stream after its thread ended");
    const stream = new LaneStream(this, this.#streamsOpened++ >>> 0, maskOf(names));
    this.#streams.set(stream.id, stream);
    this.#write({ stream, kind: "open" });
    return stream;
  }

  update(stream: LaneStream, bytes: Uint8Array): void | Promise<void> {
    if (this.#failure !== undefined) return rejected(this.#failure);
    if (this.#write({ stream, kind: "data", bytes, at: 0 })) return;
    stream.room = this.#waiter<void>();
    return stream.room.promise;
  }

  digest(stream: LaneStream): Promise<Digests> {
    if (this.#failure !== undefined) return rejected(this.#failure);
    stream.result = this.#waiter<Digests>();
    this.#write({ stream, kind: "digest" });
    return stream.result.promise;
  }

  /** Forgets a stream that will not be finished, and what it has in the queue. */
  drop(stream: LaneStream): void {
    if (!this.#streams.delete(stream.id)) return;
    this.#endRoom(stream)?.reject(computeFailure("HASHER_DISPOSED"));
    const queued = this.#queue.filter((write) => write.stream === stream);
    for (const write of queued) this.#queue.splice(this.#queue.indexOf(write), 1);
    // A stream that the thread has not heard of needs no farewell: so streams that come and go do not lengthen the
    // queue.
    if (!queued.some((write) => write.kind === "open")) this.#write({ stream, kind: "drop" });
  }

  /** What the thread has to say. */
  received(report: ThreadReport): void {
    if (this.#failure !== undefined) return;
    for (const { stream: id, digests } of report.digests) {
      const stream = this.#streams.get(id);
      assert(stream !== undefined, "a digest is for an open stream");
      this.#streams.delete(id);
      this.#endWait(stream.result)?.resolve(split(digests, stream.names));
    }
    if (report.room) this.#writeQueue();
  }

  /** The thread has ended, or is about to: nothing that is waited for will come. */
  fail(error: ComputeError): void {
    if (this.#failure !== undefined) return;
    this.#failure = error;
    this.#queue.length = 0;
    for (const stream of this.#streams.values()) {
      this.#endRoom(stream)?.reject(error);
      this.#endWait(stream.result)?.reject(error);
    }
    this.#streams.clear();
  }

  /** False where it did not go into the ring as a whole, so that it, or the rest of it, is queued. */
  #write(write: QueuedWrite): boolean {
    this.#queue.push(write);
    if (this.#queue.length === 1) this.#writeQueue();
    return this.#queue.at(-1) !== write;
  }

  #writeQueue(): void {
    if (this.#writeWhatHasRoom()) return;
    // The thread looks for this announcement after it has freed something. What it freed before, the second attempt
    // uses.
    this.#writer.announceWait();
    this.#writeWhatHasRoom();
  }

  #writeWhatHasRoom(): boolean {
    for (;;) {
      const write = this.#queue[0];
      if (write === undefined) return true;
      if (!this.#put(write)) return false;
      this.#queue.shift();
      if (write.kind === "data") this.#endRoom(write.stream)?.resolve();
    }
  }

  #put(write: QueuedWrite): boolean {
    const { stream, kind } = write;
    if (kind !== "data") {
      const written = this.#writer.writeMark(stream.id, kind, stream.names);
      this.#planWake(0);
      return written;
    }
    const taken = this.#writer.writeBytes(stream.id, write.bytes, write.at);
    write.at += taken;
    this.#planWake(taken);
    return write.at === write.bytes.length;
  }

  /**
   * A thread that is awake sees new records by itself. One that sleeps is woken once a turn, or when much waits for
   * it.
   */
  #planWake(bytes: number): void {
    this.#bytesUnannounced += bytes;
    if (this.#bytesUnannounced >= WAKE_BYTES) this.#wake();
    if (this.#wakePlanned) return;
    this.#wakePlanned = true;
    this.#endOfTurn(() => {
      this.#wakePlanned = false;
      this.#wake();
    });
  }

  #wake(): void {
    this.#bytesUnannounced = 0;
    if (this.#failure === undefined && this.#writer.readerSlept()) this.#link.wake();
  }

  #waiter<Value>(): PromiseWithResolvers<Value> {
    if (this.#waiters++ === 0) this.#link.keepAlive(true);
    const waiter = Promise.withResolvers<Value>();
    waiter.promise.catch(ignore);
    return waiter;
  }

  /** Also for an update that never had to wait: then there is nothing to end. */
  #endRoom(stream: LaneStream): PromiseWithResolvers<void> | undefined {
    const { room } = stream;
    stream.room = undefined;
    return this.#endWait(room);
  }

  #endWait<Waiter>(waiter: Waiter | undefined): Waiter | undefined {
    if (waiter !== undefined && --this.#waiters === 0) this.#link.keepAlive(false);
    return waiter;
  }
}

type Digests = ReadonlyMap<HashName, Uint8Array>;

type QueuedWrite =
  | { readonly stream: LaneStream; readonly kind: "open" | "digest" | "drop" }
  | { readonly stream: LaneStream; readonly kind: "data"; readonly bytes: Uint8Array; at: number };

class LaneStream implements Hasher {
  readonly #lane: Lane;
  readonly id: number;
  /** As a mask. */
  readonly names: number;
  #ended = false;
  /** While an update waits for room. */
  room: PromiseWithResolvers<void> | undefined;
  /** Once the digest was asked for. */
  result: PromiseWithResolvers<Digests> | undefined;

  constructor(lane: Lane, id: number, names: number) {
    this.#lane = lane;
    this.id = id;
    this.names = names;
  }

  update(bytes: Uint8Array): void | Promise<void> {
    assert(!this.#ended, "an update comes before the digest");
    assert(this.room === undefined, "an update follows the end of the one before");
    return this.#lane.update(this, bytes);
  }

  digest(): Promise<Digests> {
    assert(!this.#ended, "a digest is taken once");
    assert(this.room === undefined, "a digest follows the end of the last update");
    this.#ended = true;
    return this.#lane.digest(this);
  }

  /** After the call of `digest` there is nothing to give up: the digest comes all the same. */
  [Symbol.dispose](): void {
    if (this.#ended) return;
    this.#ended = true;
    this.#lane.drop(this);
  }
}

const WAKE_BYTES = 256 * 1024;

function split(digests: Uint8Array, names: number): Digests {
  const byName = new Map<HashName, Uint8Array>();
  let at = 0;
  for (const name of namesOf(names)) {
    byName.set(name, digests.slice(at, at + DIGEST_BYTES[name]));
    at += DIGEST_BYTES[name];
  }
  assert(at === digests.length, "the thread sends all digests of a stream");
  return byName;
}

function rejected(error: ComputeError): Promise<never> {
  const promise = Promise.reject(error);
  promise.catch(ignore);
  return promise;
}

/** Who gives a stream up waits for nothing any more: that must not end the process as an unhandled rejection. */
function ignore(): void {}
