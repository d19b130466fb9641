import type { BlobRef, Blobs } from "../../../blob/index.ts";
import type { Clock, Compute, Env, Timers } from "../../../env/index.ts";
import {
  InlineCompute,
  SimDisk,
  SimHttp,
  SimIndexes,
  SimLinks,
  SimNetwork,
  SimProcess,
  SimRandom,
  SimScheduler,
} from "../../../env/sim/index.ts";
import { assert } from "../../../std/assert.ts";
import { concatBytes } from "../../../std/bytes.ts";
import { Prng } from "../../../std/prng.ts";
import { type ByteSource, sourceOf } from "../../../std/source.ts";

export const NOW: number = Date.UTC(2026, 10, 21, 12, 0, 0);

/** A clock that stands until a test moves it. */
export class TestClock implements Clock {
  #now = NOW;

  now(): number {
    return this.#now;
  }

  monotonic(): number {
    return this.#now - NOW;
  }

  advance(millis: number): void {
    this.#now += millis;
  }
}

/**
 * An environment without faults, sockets or time of its own. What is due later never comes: nothing here waits for it.
 */
export interface MemoryEnv extends Env {
  readonly clock: TestClock;
  readonly compute: Compute;
}

export function memoryEnv(): MemoryEnv {
  const timers: Timers = {
    after: () => ({ cancel() {} }),
    endOfTurn: (run) => void Promise.resolve().then(run),
  };
  const scheduler = new SimScheduler();
  const network = new SimNetwork(scheduler, new SimLinks(new Prng(8)), new Prng(9));
  return {
    clock: new TestClock(),
    timers,
    random: new SimRandom(new Prng(7)),
    disk: new SimDisk().mount(),
    indexes: new SimIndexes().mount(),
    compute: new InlineCompute(),
    http: new SimHttp().mount(),
    network: network.mount("node", new SimProcess(scheduler, "node")),
  };
}

/** Blobs in a list. */
export function memoryBlobs(): Blobs {
  const needles: Uint8Array[] = [];
  return {
    async append(_owner, source, length) {
      const content = await read(source);
      assert(content.length <= length, "a body is not longer than it said");
      if (content.length < length) throw Object.assign(new Error("short"), { code: "SOURCE_LENGTH" });
      const ref: BlobRef = { volume: 1, needle: needles.push(content) - 1, length, checksum: 0 };
      return { refs: [ref], [Symbol.dispose]() {} };
    },
    async checkSpace() {},
    read: (refs, start, end) => sourceOf(concatBytes(refs.map((ref) => needles[ref.needle]!)).slice(start, end)),
    referenceChecks: () => [],
    shareRows: () => [],
    dropRows: () => [],
    async [Symbol.asyncDispose]() {},
  };
}

async function read(source: ByteSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await source.read(); chunk !== null; chunk = await source.read()) chunks.push(chunk.slice());
  return concatBytes(chunks);
}
