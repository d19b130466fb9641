import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { SimMachine } from "../env/sim/index.ts";
import type { Log } from "../log/index.ts";
import { RAFT_STORAGE_TESTS, raftStorageConformance, raftTransportConformance } from "./conformance.ts";
import { fileStorage } from "./node.ts";
import { memoryStorage } from "./storage/memory-storage.ts";
import { simStorage } from "./testing/sim-storage.ts";
import { MemoryNetwork } from "./transport/memory-network.ts";

const CRASH_TESTS = RAFT_STORAGE_TESTS.filter(({ needs }) => needs.includes("crash")).map(({ name }) => name);
const unable = (reason: string) => CRASH_TESTS.map((name) => ({ test: name, reason }));

describe("storages", () => {
  raftStorageConformance({
    test,
    name: "in memory",
    open: async () => ({ storage: memoryStorage({ commandBytesMax: 64 * 1024 }), async [Symbol.asyncDispose]() {} }),
    skip: unable("memory does not outlive its process"),
  });

  raftStorageConformance({
    test,
    name: "on a simulated disk",
    async open() {
      const machine = new SimMachine({ seed: 1 });
      return { machine, storage: simStorage(machine), async [Symbol.asyncDispose]() {} };
    },
    crash: async ({ machine }) => {
      machine.crash();
      machine.restart();
    },
    settle: ({ machine }, promise) => machine.scheduler.settle(promise),
  });

  test("sizes that can not be are refused", () => {
    assert.throws(() => fileStorage("x", { segmentBytes: 10 }), { code: "GROUP_OPTION_INVALID" });
    assert.throws(() => fileStorage("x", { segmentBytes: 2 ** 30 }), { code: "GROUP_OPTION_INVALID" });
    assert.throws(() => memoryStorage({ commandBytesMax: 2 ** 30 }), { code: "GROUP_OPTION_INVALID" });
  });
});

describe("transports", () => {
  raftTransportConformance({
    test,
    name: "in one process",
    async open() {
      const network = new MemoryNetwork();
      return { network, join: async (id: number) => network.join(id), async [Symbol.asyncDispose]() {} };
    },
    cut: ({ network }, one, other) => {
      network.cut(one, other);
      network.cut(other, one);
    },
    heal: ({ network }) => network.heal(),
  });
});

describe("a suite", () => {
  test("refuses to skip what is no test, and skips without a reason", () => {
    const settings = { test, name: "none", open: () => assert.fail("not opened") };
    assert.throws(() => raftStorageConformance({ ...settings, skip: [{ test: "no such", reason: "x" }] }));
    assert.throws(() => raftStorageConformance({ ...settings, skip: [{ test: CRASH_TESTS[0]!, reason: "" }] }));
  });

  test("finds a log that answers before it is durable", async () => {
    const found: string[] = [];
    const runs: Promise<void>[] = [];
    raftStorageConformance({
      test: (name, _, run) => void runs.push(run().catch(() => void found.push(name))),
      name: "hasty",
      async open() {
        const machine = new SimMachine({ seed: 1 });
        const storage = simStorage(machine, (log) => hasty(log));
        return { machine, storage, async [Symbol.asyncDispose]() {} };
      },
      crash: async ({ machine }) => {
        machine.crash();
        machine.restart();
      },
      settle: ({ machine }, promise) => machine.scheduler.settle(promise),
    });
    await Promise.all(runs);
    assert.ok(found.some((name) => name.includes("what was answered survives a crash")));
  });
});

/** Says that everything is durable as soon as it is appended. */
function hasty(log: Log): Log {
  return new Proxy(log, {
    get(target, name) {
      if (name === "append") {
        return (records: Parameters<Log["append"]>[0], done: Parameters<Log["append"]>[1]) => {
          target.append(records, () => {});
          Promise.resolve().then(() => done());
        };
      }
      const value = Reflect.get(target, name, target);
      return typeof value === "function" ? value.bind(target) : value;
    },
  });
}
