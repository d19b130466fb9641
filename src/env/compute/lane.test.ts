import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { AssertionError } from "../../std/assert.ts";
import { toHex } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { computeFailure } from "./errors.ts";
import { HashThread, type ThreadReport } from "./hash-thread.ts";
import { Lane } from "./lane.ts";
import { makeRing, RING_BYTES_MIN } from "./ring.ts";

describe("a lane", () => {
  test("wakes its thread once a turn, whatever the number of chunks", async () => {
    const { lane, thread, wakes, endTurn } = start();
    const hasher = lane.open(["md5"]);
    for (let chunk = 0; chunk < 20; chunk++) assert.equal(hasher.update(Uint8Array.of(chunk)), undefined);
    assert.equal(wakes(), 0);
    endTurn();
    assert.equal(wakes(), 1);
    hasher.update(Uint8Array.of(20));
    endTurn();
    assert.equal(wakes(), 1, "it has not gone to sleep since");
    thread.run();
    hasher.update(Uint8Array.of(21));
    endTurn();
    assert.equal(wakes(), 2);
  });

  test("wakes its thread before the end of a turn that writes much", () => {
    const { lane, wakes } = start(1024 * 1024);
    const hasher = lane.open(["md5"]);
    for (let chunk = 0; chunk < 8; chunk++) hasher.update(new Uint8Array(64 * 1024));
    assert.equal(wakes(), 1);
  });

  test("lets an update wait for room in its ring, and takes it in piece by piece", async () => {
    const { lane, work } = start();
    const hasher = lane.open(["md5"]);
    const bytes = new Prng(1).bytes(3 * RING_BYTES_MIN);
    let done = false;
    const update = hasher.update(bytes);
    assert.ok(update instanceof Promise);
    const settled = update.then(() => {
      done = true;
    });
    work();
    await Promise.resolve();
    assert.ok(!done, "a ring's worth is in, the rest is not");
    for (let round = 0; round < 3; round++) work();
    await settled;
    const digest = hasher.digest();
    work();
    assert.equal(toHex((await digest).get("md5")!), md5(bytes));
  });

  test("serves streams that wait in the order in which they came", async () => {
    const { lane, work } = start();
    const order: string[] = [];
    const streams = ["first", "second", "third"].map((name) => {
      const hasher = lane.open(["crc32c"]);
      void (hasher.update(new Uint8Array(RING_BYTES_MIN)) as Promise<void>).then(() => order.push(name));
      return hasher;
    });
    for (let round = 0; round < 8; round++) {
      work();
      await Promise.resolve();
    }
    assert.deepEqual(order, ["first", "second", "third"]);
    const digests = streams.map((stream) => stream.digest());
    work();
    for (const digest of await Promise.all(digests)) assert.equal(digest.get("crc32c")!.length, 4);
  });

  test("never holds more than its ring, and one waiting update a stream", () => {
    const { lane } = start();
    for (let stream = 0; stream < 50; stream++) {
      const hasher = lane.open(["md5"]);
      for (;;) if (hasher.update(new Uint8Array(300)) !== undefined) break;
      assert.ok(lane.bytesQueued <= RING_BYTES_MIN);
      assert.throws(() => hasher.update(new Uint8Array(1)), AssertionError);
      assert.throws(() => hasher.digest(), AssertionError);
    }
  });

  test("a stream that is disposed of while it waits is refused, and the others go on", async () => {
    const { lane, thread, work } = start();
    const [given, kept] = [lane.open(["md5"]), lane.open(["md5"])];
    const bytes = new Prng(2).bytes(RING_BYTES_MIN);
    const refused = given.update(new Uint8Array(2 * RING_BYTES_MIN)) as Promise<void>;
    const accepted = kept.update(bytes);
    given[Symbol.dispose]();
    await assert.rejects(refused, (error) => hasCode(error, "HASHER_DISPOSED"));
    assert.equal(lane.streams, 1);
    for (let round = 0; round < 4; round++) work();
    await accepted;
    assert.equal(thread.streamsOpen, 1);
    const digest = kept.digest();
    work();
    assert.equal(toHex((await digest).get("md5")!), md5(bytes));
    assert.equal(thread.streamsOpen, 0);
  });

  test("streams that come and go while there is no room do not lengthen the queue", async () => {
    const { lane, thread, work } = start();
    const hasher = lane.open(["md5"]);
    const told = Array.from({ length: 5 }, () => lane.open(["md5"]));
    const bytes = new Uint8Array(2 * RING_BYTES_MIN);
    const update = hasher.update(bytes);
    for (let stream = 0; stream < 1000; stream++) {
      const untold = lane.open(["md5"]);
      void untold.update(bytes);
      untold[Symbol.dispose]();
    }
    for (const stream of told) stream[Symbol.dispose]();
    assert.equal(lane.writesWaiting, 1 + told.length);
    for (let round = 0; round < 4; round++) work();
    await update;
    assert.equal(lane.writesWaiting, 0);
    assert.equal(thread.streamsOpen, 1);
    hasher[Symbol.dispose]();
    work();
    assert.equal(thread.streamsOpen, 0);
  });

  test("disposing after the call of digest gives nothing up", async () => {
    const { lane, work } = start();
    const hasher = lane.open(["md5"]);
    const digest = hasher.digest();
    hasher[Symbol.dispose]();
    hasher[Symbol.dispose]();
    work();
    assert.equal(toHex((await digest).get("md5")!), md5(new Uint8Array(0)));
  });

  test("keeps the process alive exactly while somebody waits", async () => {
    const { lane, work, alive } = start();
    const hasher = lane.open(["md5"]);
    hasher.update(new Uint8Array(100));
    assert.ok(!alive());
    const update = hasher.update(new Uint8Array(RING_BYTES_MIN));
    assert.ok(alive());
    work();
    await update;
    assert.ok(!alive());
    const digest = hasher.digest();
    assert.ok(alive());
    work();
    await digest;
    assert.ok(!alive());
  });

  test("when its thread is lost, all that waits and all that follows is refused with the error given", async () => {
    const { lane, thread, alive } = start();
    const [waiting, digesting, open] = [lane.open(["md5"]), lane.open(["md5"]), lane.open(["md5"])];
    const digest = digesting.digest();
    const update = waiting.update(new Uint8Array(2 * RING_BYTES_MIN));
    lane.fail(computeFailure("HASH_THREAD_LOST"));
    const lost = (error: unknown): boolean => hasCode(error, "HASH_THREAD_LOST");
    await assert.rejects(digest, lost);
    await assert.rejects(update as Promise<void>, lost);
    await assert.rejects(open.update(Uint8Array.of(1)) as Promise<void>, lost);
    await assert.rejects(open.digest(), lost);
    waiting[Symbol.dispose]();
    assert.equal(lane.streams, 0);
    assert.ok(!alive());
    thread.run();
    assert.throws(() => lane.open(["md5"]), AssertionError);
  });

  test("a report that comes after the loss changes nothing", async () => {
    const { lane, work } = start();
    const digest = lane.open(["md5"]).digest();
    lane.fail(computeFailure("COMPUTE_CLOSED"));
    work();
    await assert.rejects(digest, (error) => hasCode(error, "COMPUTE_CLOSED"));
  });

  test("streams with random chunks over a tiny ring come out right in any interleaving", async () => {
    for (let seed = 1; seed <= 30; seed++) {
      const random = new Prng(seed);
      const { lane, work } = start();
      const streams = Array.from({ length: 5 }, async () => {
        const hasher = lane.open(["md5", "crc32"]);
        const bytes = random.bytes(random.below(20_000));
        for (let at = 0; at < bytes.length; ) {
          const chunk = bytes.subarray(at, at + 1 + random.below(6000));
          await hasher.update(chunk);
          at += chunk.length;
        }
        assert.equal(toHex((await hasher.digest()).get("md5")!), md5(bytes), `seed ${seed}`);
      });
      let running = true;
      const all = Promise.all(streams).finally(() => {
        running = false;
      });
      while (running) {
        if (random.chance(0.7)) work();
        for (let step = random.below(5); step >= 0; step--) await Promise.resolve();
      }
      await all;
    }
  });
});

/** A lane whose thread is this one: it works when the test says so, and its reports arrive when it has worked. */
function start(ringBytes = RING_BYTES_MIN): {
  lane: Lane;
  thread: HashThread;
  wakes: () => number;
  alive: () => boolean;
  endTurn: () => void;
  work: () => void;
} {
  const memory = makeRing(ringBytes);
  const reports: ThreadReport[] = [];
  const thread = new HashThread(memory, (report) => reports.push(report));
  let turn: (() => void)[] = [];
  let wakes = 0;
  let alive = false;
  const link = {
    wake() {
      wakes++;
    },
    keepAlive(needed: boolean) {
      assert.notEqual(alive, needed);
      alive = needed;
    },
  };
  const lane = new Lane(memory, link, (run) => turn.push(run));
  const endTurn = (): void => {
    const runs = turn;
    turn = [];
    for (const run of runs) run();
  };
  const work = (): void => {
    endTurn();
    thread.run();
    for (const report of reports.splice(0)) lane.received(report);
  };
  return { lane, thread, wakes: () => wakes, alive: () => alive, endTurn, work };
}

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}
