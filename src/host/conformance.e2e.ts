import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { RAFT_STORAGE_TESTS, raftStorageConformance, raftTransportConformance } from "./conformance.ts";
import { fileStorage, tcpTransport } from "./node.ts";
import type { Transport } from "./transport.ts";

// What takes real files and sockets; the rest is in conformance.test.ts.

describe("storages", () => {
  raftStorageConformance({
    test,
    name: "in files",
    async open() {
      const folder = await mkdtemp(join(tmpdir(), "ashlar-storage-"));
      return {
        storage: fileStorage(join(folder, "member"), { segmentBytes: 512 * 1024 }),
        [Symbol.asyncDispose]: () => rm(folder, { recursive: true, force: true }),
      };
    },
    skip: RAFT_STORAGE_TESTS.filter(({ needs }) => needs.includes("crash")).map(({ name }) => ({
      test: name,
      reason: "a process can not cut its own power; the same log is crashed on a simulated disk",
    })),
  });

  test("a folder is open once at a time", async () => {
    const folder = await mkdtemp(join(tmpdir(), "ashlar-storage-"));
    try {
      const onFatal = (error: Error): void => assert.fail(error);
      const opened = await fileStorage(folder, { segmentBytes: 65_536 }).open({ onFatal });
      await assert.rejects(fileStorage(folder, { segmentBytes: 65_536 }).open({ onFatal }), { code: "DISK_LOCKED" });
      await opened[Symbol.asyncDispose]();
      await (await fileStorage(folder, { segmentBytes: 65_536 }).open({ onFatal }))[Symbol.asyncDispose]();
    } finally {
      await rm(folder, { recursive: true, force: true });
    }
  });
});

describe("transports", () => {
  const CUTS = [
    {
      test: "a cut loses frames and nothing else: what comes is in order, and after it frames pass again",
      reason: "real links are cut in the simulation of the network",
    },
  ];

  raftTransportConformance({
    test,
    name: "over TCP",
    async open() {
      const addresses = await freeAddresses([1, 2, 3]);
      const limits = { reconnectMillisMin: 5, reconnectMillisMax: 20 };
      const join = (id: number): Promise<Transport> =>
        tcpTransport({ id, listen: addresses[id]!, peers: addresses, cluster: "conformance", limits });
      return { join, async [Symbol.asyncDispose]() {} };
    },
    skip: CUTS,
  });
});

async function freeAddresses(ids: readonly number[]): Promise<Record<number, { host: string; port: number }>> {
  const host = "127.0.0.1";
  const held = await Promise.all(ids.map((id) => tcpTransport({ id, listen: { host, port: 0 } })));
  const addresses = Object.fromEntries(held.map(({ port }, at) => [ids[at]!, { host, port }]));
  for (const transport of held) await transport[Symbol.asyncDispose]();
  return addresses;
}
