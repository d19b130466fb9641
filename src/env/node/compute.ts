import { availableParallelism } from "node:os";
import { extname } from "node:path";
import { Worker } from "node:worker_threads";
import { assert } from "../../std/assert.ts";
import {
  areCheap,
  type ComputeError,
  computeFailure,
  InlineHasher,
  Lane,
  makeRing,
  type Pace,
  type RingMemory,
  type ThreadReport,
} from "../compute/index.ts";
import type { Compute, Hasher, HashName } from "../env.ts";

export interface NodeComputeOptions {
  /** Hashing threads at most; they are started when streams need them. Default: the cores but one, from 1 to 4. */
  readonly threadsMax?: number;
  /** Memory between this thread and each of those, a power of two. Default: 8 MiB. */
  readonly ringBytes?: number;
  /** Streams that expect no more are hashed by the caller's thread. Default: 64 KiB. */
  readonly inlineBytesMax?: number;
  /** Streams on other threads at a time; those beyond are hashed by the caller's thread, in turns. Default: 4,096. */
  readonly streamsMax?: number;
  /** For tests: how a thread is started. */
  readonly startThread?: (memory: RingMemory) => Worker;
}

const RING_BYTES = 8 * 1024 * 1024;
/**
 * From about 32 KiB on, MD5 takes more of the caller's time than the copy to another thread and its messages;
 * from about 64 KiB on, the whole is no slower.
 */
const INLINE_BYTES_MAX = 64 * 1024;
const STREAMS_MAX = 4096;
/** What takes the caller's thread for about a tenth of a millisecond. */
const PACE: Pace = { turnBytesMax: 64 * 1024, nextTurn };
const CHEAP_PACE: Pace = { turnBytesMax: 512 * 1024, nextTurn };

/**
 * Hashes small streams, and those of CRCs alone, at once, and the others on a pool of worker threads.
 *
 * A stream is bound to one thread, as the state of a hash can not move. So one that was announced as small and turns
 * out large stays on the caller's thread, but leaves it regularly for a turn of the event loop. Callers that do not
 * know a length expect Infinity.
 */
export class NodeCompute implements Compute, AsyncDisposable {
  readonly #threadsMax: number;
  readonly #ringBytes: number;
  readonly #inlineBytesMax: number;
  readonly #streamsMax: number;
  readonly #startThread: (memory: RingMemory) => Worker;
  readonly #threads = new Set<HashingThread>();
  #closing: Promise<unknown> | undefined;

  constructor(options: NodeComputeOptions = {}) {
    this.#threadsMax = options.threadsMax ?? Math.min(4, Math.max(1, availableParallelism() - 1));
    this.#ringBytes = options.ringBytes ?? RING_BYTES;
    this.#inlineBytesMax = options.inlineBytesMax ?? INLINE_BYTES_MAX;
    this.#streamsMax = options.streamsMax ?? STREAMS_MAX;
    this.#startThread = options.startThread ?? startHashWorker;
    assert(this.#threadsMax >= 1, "a pool has a thread");
  }

  hasher(names: readonly HashName[], bytesExpected: number): Hasher {
    if (this.#closing !== undefined) throw computeFailure("COMPUTE_CLOSED");
    if (areCheap(names)) return new InlineHasher(names, CHEAP_PACE);
    if (bytesExpected <= this.#inlineBytesMax || this.#streams >= this.#streamsMax)
      return new InlineHasher(names, PACE);
    return this.#leastLoaded().lane.open(names);
  }

  /** Fails the streams that are not finished. */
  async close(): Promise<void> {
    this.#closing ??= Promise.all([...this.#threads].map((thread) => thread.end(computeFailure("COMPUTE_CLOSED"))));
    await this.#closing;
  }

  [Symbol.asyncDispose](): Promise<void> {
    return this.close();
  }

  get #streams(): number {
    let streams = 0;
    for (const thread of this.#threads) streams += thread.lane.streams;
    return streams;
  }

  #leastLoaded(): HashingThread {
    let least: HashingThread | undefined;
    for (const thread of this.#threads)
      if (least === undefined || isLessLoaded(thread.lane, least.lane)) least = thread;
    if (least !== undefined && (least.lane.streams === 0 || this.#threads.size >= this.#threadsMax)) return least;
    const started = new HashingThread(makeRing(this.#ringBytes), this.#startThread, (ended) =>
      this.#threads.delete(ended),
    );
    this.#threads.add(started);
    return started;
  }
}

/**
 * A worker with its lane. When it ends by itself, its streams fail and the pool forgets it: the next stream starts
 * another one.
 */
class HashingThread {
  readonly lane: Lane;
  readonly #worker: Worker;
  #cause: unknown;

  constructor(memory: RingMemory, start: (memory: RingMemory) => Worker, onEnd: (thread: HashingThread) => void) {
    const worker = start(memory);
    this.#worker = worker;
    const link = {
      wake: () => worker.postMessage(null),
      keepAlive: (needed: boolean) => (needed ? worker.ref() : worker.unref()),
    };
    this.lane = new Lane(memory, link, (run) => setImmediate(run));
    worker.on("message", (report: ThreadReport) => this.lane.received(report));
    worker.on("error", (error) => {
      this.#cause = error;
    });
    worker.on("exit", (exitCode) => {
      onEnd(this);
      this.lane.fail(computeFailure("HASH_THREAD_LOST", { data: { exitCode }, cause: this.#cause }));
    });
    worker.unref();
  }

  async end(error: ComputeError): Promise<void> {
    this.lane.fail(error);
    await this.#worker.terminate();
  }
}

function isLessLoaded(left: Lane, right: Lane): boolean {
  return left.streams === right.streams ? left.bytesQueued < right.bytesQueued : left.streams < right.streams;
}

/** The thread that `startThread` stands for. */
export function startHashWorker(memory: RingMemory): Worker {
  // `.ts` in a clone, `.js` as installed: the compiler does not rewrite the names of files that are started.
  const file = new URL(`./compute-worker${extname(import.meta.filename)}`, import.meta.url);
  // Flags of the process, such as those of the test runner, are not for its threads.
  return new Worker(file, { name: "ashlar-hash", workerData: memory, execArgv: [] });
}

function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve));
}
