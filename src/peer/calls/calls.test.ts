import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { concatBytes, EMPTY, equalBytes, text, utf8 } from "../../std/bytes.ts";
import { failures, hasCode } from "../../std/errors.ts";
import { type ByteSource, collect, sourceOf } from "../../std/source.ts";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import { type CallReply, remoteCode } from "../index.ts";
import { PeerWorld, type PeerWorldOptions, Stranger } from "../testing/nodes.ts";
import { FRAME_KINDS, frameHeader, helloFrame } from "../wire.ts";
import { creditFrame, dataFrame, requestFrame, signalFrame } from "./wire.ts";

const ECHO = 1;
const COUNT = 2;
const SILENT = 3;
const FAILING = 4;
const BUGGY = 5;
const EARLY = 6;
const LARGE = 7;
const WINDOW = 64 * 1024;

const fail = failures({ NO_ROOM: { what: "There is no room.", advice: "Make some." } });

/** Two nodes; the second one answers. */
async function pair(options: PeerWorldOptions = {}) {
  const world = await PeerWorld.start(2, { callLimits: { windowBytes: WINDOW, callsMax: 8 }, ...options });
  await world.run(100);
  const [caller, server] = [world.node(1).transport, world.node(2).transport];
  const seen = { aborted: [] as unknown[], taken: 0, cancelled: [] as unknown[] };
  server.handle(ECHO, async ({ from, head, body }) => ({ head: concatBytes([Uint8Array.of(from), head]), body }));
  server.handle(COUNT, async ({ body }) => {
    let length = 0;
    for (let chunk = await body.read(); chunk !== null; chunk = await body.read()) length += chunk.length;
    return { head: utf8(`${length}`) };
  });
  server.handle(SILENT, ({ signal }) => {
    signal.addEventListener("abort", () => seen.aborted.push(signal.reason));
    return new Promise<CallReply>(() => {});
  });
  server.handle(FAILING, async () => {
    throw fail("NO_ROOM", { data: { bytes: 5 } });
  });
  server.handle(BUGGY, async () => {
    throw new TypeError("secret");
  });
  server.handle(EARLY, async ({ body }) => {
    await body.read();
    return { head: utf8("enough") };
  });
  server.handle(LARGE, async () => ({ head: EMPTY, body: endless(seen) }));
  const settle = <T>(promise: Promise<T>): Promise<T> => world.scheduler.settle(promise);
  const call = (method: number, head = "", body?: ByteSource) =>
    settle(caller.call(2, method, { head: utf8(head), body }));
  return { world, caller, server, seen, settle, call };
}

/** A source without an end, which counts what was taken of it. */
function endless(seen: { taken: number; cancelled: unknown[] }): ByteSource {
  const chunk = new Uint8Array(10_000);
  let isOver = false;
  return {
    async read() {
      if (isOver) return null;
      seen.taken += chunk.length;
      return chunk;
    },
    cancel(reason) {
      isOver = true;
      seen.cancelled.push(reason);
    },
  };
}

describe("calls between nodes", () => {
  test("carry a head and an answer", async () => {
    const { world, call, caller, settle } = await pair();
    const reply = await call(ECHO, "hello");
    equal(text(reply.head), "\x01hello");
    equal(await settle(reply.body!.read()), null);
    equal(caller.status()[0]!.callsOpen, 0);
    equal((await call(COUNT, "x")).body, undefined);
    await world.close();
  });

  test("carry bodies of any length both ways, whole and in order", async () => {
    const { world, call, settle } = await pair();
    for (const length of [0, 1, 65_536, WINDOW - 1, WINDOW, WINDOW + 1, 1_000_000]) {
      const bytes = deterministicBytes(length, length);
      const source = sourceOf(bytes.subarray(0, 10), bytes.subarray(10, 100_000), bytes.subarray(100_000));
      const reply = await call(ECHO, "", source);
      ok(equalBytes((await settle(collect(reply.body!, length)))!, bytes), `${length}`);
    }
    await world.close();
  });

  test("go on side by side", async () => {
    const { world, caller, settle } = await pair();
    const replies = Array.from({ length: 8 }, async (_, at) => {
      const bytes = deterministicBytes(at, 300_000);
      const reply = await caller.call(2, ECHO, { head: EMPTY, body: sourceOf(bytes) });
      return equalBytes((await collect(reply.body!, bytes.length))!, bytes);
    });
    deepEqual(await settle(Promise.all(replies)), Array(8).fill(true));
    await world.close();
  });

  test("send no more than a window ahead of what the other side takes", async () => {
    const { world, call, seen, settle } = await pair();
    const reply = await call(LARGE);
    await world.run(1_000);
    ok(seen.taken <= WINDOW + 10_000, `${seen.taken}`);
    let read = 0;
    while (read < 500_000) read += (await settle(reply.body!.read()))!.length;
    ok(seen.taken >= 500_000 && seen.taken <= read + WINDOW + 10_000, `${seen.taken}`);
    reply.body!.cancel();
    await world.run(100);
    equal(seen.cancelled.length, 1);
    await rejects(reply.body!.read(), { name: "AbortError" });
    await world.close();
  });

  test("stop the request's body where the answer does not need it", async () => {
    const { world, call, caller } = await pair();
    const own = { taken: 0, cancelled: [] as unknown[] };
    equal(text((await call(EARLY, "", endless(own))).head), "enough");
    await world.run(100);
    ok(own.taken <= 3 * WINDOW);
    equal(own.cancelled.length, 1);
    equal(caller.status()[0]!.callsOpen, 0);
    await world.close();
  });

  test("end with the other side's error, without the text of a bug", async () => {
    const { world, caller, call } = await pair();
    await rejects(call(FAILING), (error: unknown) => {
      ok(hasCode(error, "CALL_FAILED"));
      equal(error.message, "There is no room.");
      deepEqual(error.data, { bytes: 5, node: 2, remoteCode: "NO_ROOM" });
      equal(remoteCode(error), "NO_ROOM");
      return true;
    });
    await rejects(
      call(BUGGY),
      (error: unknown) => remoteCode(error) === "INTERNAL" && !String(error).includes("secret"),
    );
    ok(world.node(2).events.some((event) => event.kind === "call-failed" && event.method === BUGGY));
    await rejects(call(99), (error: unknown) => remoteCode(error) === "METHOD_UNKNOWN");
    equal(caller.status()[0]!.callsOpen, 0);
    await world.close();
  });

  test("end when the caller gives up, and the other side hears it", async () => {
    const { world, caller, seen, settle } = await pair();
    const abort = new AbortController();
    const call = caller.call(2, SILENT, { head: EMPTY }, { signal: abort.signal });
    await world.run(100);
    abort.abort(new Error("no more"));
    await rejects(settle(call), /no more/);
    await world.run(100);
    equal(seen.aborted.length, 1);
    await rejects(settle(caller.call(2, ECHO, { head: EMPTY }, { signal: abort.signal })), /no more/);
    await world.close();
  });

  test("end when their time is over, on both sides", async () => {
    const { world, caller, seen, settle } = await pair();
    const call = caller.call(2, SILENT, { head: EMPTY }, { timeoutMillis: 500 });
    await rejects(settle(call), (error: unknown) => hasCode(error, "CALL_TIMED_OUT"));
    await world.run(100);
    equal(seen.aborted.length, 1);
    await world.close();
  });

  test("end when the request's body breaks off, with its error", async () => {
    const { world, call, seen } = await pair();
    const broken = { read: () => Promise.reject(new Error("client is gone")), cancel() {} };
    await rejects(call(SILENT, "", broken), /client is gone/);
    await world.run(100);
    equal(seen.aborted.length, 1);
    await world.close();
  });

  test("refuse one more than their limit, on either side", async () => {
    const { world, caller, settle } = await pair({ callLimits: { callsMax: 3 } });
    const abort = new AbortController();
    const open = Array.from({ length: 3 }, () => {
      return rejects(caller.call(2, SILENT, { head: EMPTY }, { signal: abort.signal }), /enough/);
    });
    const own = { taken: 0, cancelled: [] as unknown[] };
    await rejects(settle(caller.call(2, ECHO, { head: EMPTY, body: endless(own) })), (error: unknown) => {
      return hasCode(error, "CALLS_OVERLOADED");
    });
    equal(own.cancelled.length, 1);
    abort.abort(new Error("enough"));
    await settle(Promise.all(open));
    await world.run(100);
    equal(text((await settle(caller.call(2, COUNT, { head: EMPTY }))).head), "0");
    await world.close();
  });

  test("break with their connection, and work over the next one", async () => {
    const { world, caller, seen, settle } = await pair();
    const call = caller.call(2, SILENT, { head: EMPTY });
    const streaming = await settle(caller.call(2, LARGE, { head: EMPTY }));
    await world.run(50);
    world.links.setFaults({ resetChance: 1 });
    await rejects(settle(call), (error: unknown) => hasCode(error, "CALL_BROKEN"));
    await rejects(settle(collect(streaming.body!, 1e9)), (error: unknown) => hasCode(error, "CALL_BROKEN"));
    world.links.setFaults({ resetChance: 0 });
    await world.run(2_000);
    equal(seen.aborted.length, 1);
    equal(seen.cancelled.length, 1);
    equal(text((await settle(caller.call(2, COUNT, { head: EMPTY }))).head), "0");
    await world.close();
  });

  test("wait for a connection as long as they may, and then were never asked", async () => {
    const { world, caller, settle } = await pair();
    await rejects(settle(caller.call(9, ECHO, { head: EMPTY })), (error: unknown) =>
      hasCode(error, "PEER_UNREACHABLE"),
    );
    world.node(2).machine.crash();
    await world.run(10_000);
    await rejects(settle(caller.call(2, ECHO, { head: EMPTY })), (error: unknown) =>
      hasCode(error, "PEER_UNREACHABLE"),
    );
    const waiting = caller.call(2, ECHO, { head: EMPTY });
    const refused = rejects(waiting, (error: unknown) => remoteCode(error) === "METHOD_UNKNOWN");
    await world.node(2).restart();
    await settle(refused);
    await world.close();
  });

  test("end when their node closes, whatever they wait for", async () => {
    const { world, caller, settle } = await pair();
    const call = caller.call(2, SILENT, { head: EMPTY });
    const ended = rejects(call, (error: unknown) => hasCode(error, "CALL_BROKEN"));
    await world.run(100);
    await settle(caller[Symbol.asyncDispose]());
    await settle(ended);
    await world.close();
  });

  test("break a connection off on which the other side does not keep to the rules", async () => {
    const { world } = await pair();
    const hello = helloFrame({ life: new Uint8Array(8), from: 1, to: 2, cluster: "test", purpose: "calls", start: 0 });
    const request = { call: 1, method: COUNT, timeoutMillis: 0, head: EMPTY };
    const streaming = requestFrame({ ...request, method: SILENT, hasBody: true });
    const window = dataFrame(1, new Uint8Array(WINDOW));
    const sayings: Readonly<Record<string, readonly Uint8Array[]>> = {
      "a body beyond its window": [streaming, window, dataFrame(1, Uint8Array.of(1))],
      "a body that was not announced": [
        requestFrame({ ...request, method: SILENT, hasBody: false }),
        dataFrame(1, Uint8Array.of(1)),
      ],
      "one number for two calls": [streaming, streaming],
      "credit for what was never sent": [
        requestFrame({ ...request, method: LARGE, hasBody: false }),
        creditFrame(1, 2 ** 31),
      ],
      "an answer where nothing was asked": [signalFrame("end", 1), frameOfKind(FRAME_KINDS.reply)],
      "a message among calls": [frameOfKind(FRAME_KINDS.message)],
    };
    for (const [name, frames] of Object.entries(sayings)) {
      const stranger = await Stranger.connect(world, 2);
      stranger.say(hello);
      await world.run(20);
      for (const frame of frames) {
        stranger.say(frame);
        await world.run(20);
      }
      ok(stranger.isOver, name);
    }
    await world.close();
  });
});

function frameOfKind(kind: number): Uint8Array {
  const payload = new Uint8Array(8);
  return concatBytes([frameHeader(kind, payload), payload]);
}
