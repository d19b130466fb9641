import assert from "node:assert/strict";
import { mkdtemp, rm } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { RAFT_STORAGE_TESTS, raftStorageConformance, raftTransportConformance } from "./conformance.ts";
import { fileStorage, tcpTransport } from "./node.ts";
import { broadcastTransport, type MessageEnd, portTransport } from "./transport/port-transport.ts";
import type { Transport } from "./transport/transport.ts";

// What takes real files, sockets and message ports; the rest is in conformance.test.ts.

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

  const SOLE_LIFE = [
    ...CUTS,
    {
      test: "a node that ends and comes back hears again, and nothing twice",
      reason: "a port has one life; a node that comes back needs new ones",
    },
  ];

  raftTransportConformance({
    test,
    name: "over message ports",
    async open() {
      const ports = new Map([1, 2, 3].map((id) => [id, new Map<number, MessageEnd>()]));
      for (const [one, other] of [
        [1, 2],
        [1, 3],
        [2, 3],
      ] as const) {
        const { port1, port2 } = new MessageChannel();
        ports.get(one)!.set(other, port1);
        ports.get(other)!.set(one, port2);
      }
      return {
        join: async (id: number) => portTransport(ports.get(id)!),
        async [Symbol.asyncDispose]() {
          for (const all of ports.values()) for (const port of all.values()) port.close?.();
        },
      };
    },
    skip: SOLE_LIFE,
  });

  let channels = 0;
  raftTransportConformance({
    test,
    name: "over a broadcast channel",
    async open() {
      const name = `conformance ${++channels}`;
      const join = async (id: number): Promise<Transport> => broadcastTransport(id, new BroadcastChannel(name));
      return { join, async [Symbol.asyncDispose]() {} };
    },
    frameBytesMax: 1024 * 1024,
    skip: [
      ...CUTS,
      { test: "nothing is sent to a node that nobody knows", reason: "nobody says who is on a broadcast channel" },
    ],
  });
});

async function freeAddresses(ids: readonly number[]): Promise<Record<number, { host: string; port: number }>> {
  const host = "127.0.0.1";
  const held = await Promise.all(ids.map((id) => tcpTransport({ id, listen: { host, port: 0 } })));
  const addresses = Object.fromEntries(held.map(({ port }, at) => [ids[at]!, { host, port }]));
  for (const transport of held) await transport[Symbol.asyncDispose]();
  return addresses;
}
