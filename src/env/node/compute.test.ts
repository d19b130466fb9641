import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { after, describe, test } from "node:test";
import { Worker } from "node:worker_threads";
import { toHex } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { type ComputeSubject, computeConformance } from "../compute/conformance.ts";
import { NodeCompute, type NodeComputeOptions, startHashWorker } from "./compute.ts";

describe("a pool of hashing threads", () => conforms({ threadsMax: 2 }));
describe("a pool with tiny rings", () => conforms({ threadsMax: 1, ringBytes: 16_384, inlineBytesMax: 0 }));

describe("node's compute", () => {
  test("starts no thread for small streams and for CRCs", async () => {
    await using subject = open({});
    for (const [names, length] of [
      [["md5", "sha256"], 65_536],
      [["crc32", "crc32c", "crc64nvme"], 1_000_000],
    ] as const) {
      using hasher = subject.compute.hasher(names, length);
      await hasher.update(new Uint8Array(length));
      await hasher.digest();
    }
    assert.equal(subject.workers.length, 0);
  });

  test("starts threads one by one, up to its limit, and shares streams out among them", async () => {
    await using subject = open({ threadsMax: 2 });
    const hashers = [];
    for (const threads of [1, 2, 2, 2]) {
      hashers.push(subject.compute.hasher(["md5"], 1_000_000));
      assert.equal(subject.workers.length, threads);
    }
    for (const hasher of hashers) hasher[Symbol.dispose]();
    subject.compute.hasher(["md5"], 1_000_000)[Symbol.dispose]();
    assert.equal(subject.workers.length, 2);
  });

  test("gives way on the caller's thread to other events within a stream that was announced as small", async () => {
    await using subject = open({});
    const bytes = new Prng(1).bytes(400_000);
    using hasher = subject.compute.hasher(["md5"], 10);
    let turns = 0;
    let running = true;
    const count = (): void => {
      turns++;
      if (running) setImmediate(count);
    };
    setImmediate(count);
    await hasher.update(bytes);
    running = false;
    assert.ok(turns >= 5, `${turns} turns`);
    assert.equal(toHex((await hasher.digest()).get("md5")!), createHash("md5").update(bytes).digest("hex"));
    assert.equal(subject.workers.length, 0);
  });

  test("hashes streams beyond its limit on the caller's thread", async () => {
    await using subject = open({ threadsMax: 1, streamsMax: 2 });
    const large = (): ReturnType<NodeCompute["hasher"]> => subject.compute.hasher(["md5"], 1_000_000);
    const [first, second, third] = [large(), large(), large()];
    await subject.loseThreads();
    await assert.rejects(first.digest(), (error) => hasCode(error, "HASH_THREAD_LOST"));
    await assert.rejects(second.digest(), (error) => hasCode(error, "HASH_THREAD_LOST"));
    assert.equal((await third.digest()).get("md5")!.length, 16);
  });

  test("once closed it fails what is unfinished, and takes no more", async () => {
    await using subject = open({});
    const { compute } = subject;
    const hasher = compute.hasher(["md5"], 1_000_000);
    const closed = (error: unknown): boolean => hasCode(error, "COMPUTE_CLOSED");
    const digest = assert.rejects(hasher.digest(), closed);
    await Promise.all([compute.close(), compute.close()]);
    await digest;
    assert.throws(() => compute.hasher(["md5"], 0), closed);
    assert.throws(() => compute.hasher(["md5"], 1_000_000), closed);
  });

  test("a thread that fails by itself is the cause of its streams' failure", async () => {
    await using compute = new NodeCompute({
      startThread: (memory) => new Worker("throw new RangeError('broken')", { eval: true, workerData: memory }),
    });
    const hasher = compute.hasher(["md5"], 1_000_000);
    await assert.rejects(hasher.digest(), (error) => {
      assert.ok(hasCode(error, "HASH_THREAD_LOST"));
      assert.ok(error.cause instanceof RangeError);
      assert.deepEqual(error.data, { exitCode: 1 });
      return true;
    });
  });
});

/** The tests share a pool: a thread takes a tenth of a second to start. */
function conforms(options: NodeComputeOptions): void {
  const shared = open(options);
  after(() => shared.compute.close());
  computeConformance({ test, skip: {}, open: () => ({ ...shared, async [Symbol.asyncDispose]() {} }) });
}

function open(options: NodeComputeOptions): ComputeSubject & { compute: NodeCompute; workers: Worker[] } {
  const workers: Worker[] = [];
  const compute = new NodeCompute({
    ...options,
    startThread(memory) {
      const worker = startHashWorker(memory);
      workers.push(worker);
      return worker;
    },
  });
  return {
    compute,
    workers,
    async loseThreads() {
      await Promise.all(workers.splice(0).map((worker) => worker.terminate()));
    },
    [Symbol.asyncDispose]: () => compute.close(),
  };
}
