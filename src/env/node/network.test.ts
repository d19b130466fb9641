import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { equalBytes, utf8 } from "../../std/bytes.ts";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import { connectedPair, type NetworkFixture } from "../conformance/network-fixture.ts";
import { networkConformance } from "../conformance/network-suite.ts";
import type { Connection } from "../env.ts";
import { nodeNetwork } from "./network.ts";
import type { NodeConnection } from "./network-connection.ts";
import { nodeTimers } from "./timers.ts";

const FIXTURE: NetworkFixture = {
  server: nodeNetwork,
  client: nodeNetwork,
  host: "127.0.0.1",
  settle: (promise) => promise,
  async [Symbol.asyncDispose]() {},
};

describe("nodeNetwork", () => {
  networkConformance(test, async () => FIXTURE);

  test("finds a host by its name, and knows no names of who shows no certificate", async () => {
    await using pair = await connectedPair({ ...FIXTURE, host: "localhost" }, { listen: { host: "localhost" } });
    deepEqual([pair.client.connection.peerNames, pair.server.connection.peerNames], [[], []]);
  });

  test("what is sent in one turn goes out in one write, short pieces joined and long ones as they are", async () => {
    await using pair = await connectedPair(FIXTURE);
    const { connection } = pair.client;
    const writes = watchWrites(connection);
    for (let at = 0; at < 500; at++) connection.send(utf8(`${at},`));
    await pair.client.until(({ drains }) => drains === 1);
    deepEqual(writes, [[1_890]]);
    const long = new Uint8Array(65_536);
    for (const piece of [utf8("head"), long, utf8("a"), utf8("b"), long]) connection.send(piece);
    await pair.client.until(({ drains }) => drains === 2);
    deepEqual(writes[1], [4, 65_536, 2, 65_536]);
    equal(writes.length, 2);
  });

  test("what is sent at the end of a turn does not wait for another one", async () => {
    await using pair = await connectedPair(FIXTURE);
    const { connection } = pair.client;
    const writes = watchWrites(connection);
    await new Promise<void>((resolve) => {
      nodeTimers.endOfTurn(() => {
        connection.send(utf8("a"));
        connection.send(utf8("b"));
      });
      setImmediate(() => {
        deepEqual(writes, [[2]]);
        resolve();
      });
    });
  });

  test("a long queue of short pieces leaves bit by bit, in order", async () => {
    await using pair = await connectedPair(FIXTURE);
    const { connection } = pair.client;
    const writes = watchWrites(connection);
    const bytes = deterministicBytes(1, 3_000_000);
    for (let at = 0; at < bytes.length; at += 100) connection.send(bytes.subarray(at, at + 100));
    await pair.server.until(({ receivedBytes }) => receivedBytes === bytes.length);
    ok(equalBytes(pair.server.received, bytes));
    equal(writes.length, Math.ceil(bytes.length / (512 * 1024)));
  });
});

/** The lengths of the pieces of each write that reaches the socket. */
function watchWrites(connection: Connection): number[][] {
  const { socket } = connection as NodeConnection;
  const writes: number[][] = [];
  const { _write: writeOne, _writev: writeMany } = socket;
  socket._write = (chunk: Uint8Array, ...rest) => {
    writes.push([chunk.length]);
    writeOne.call(socket, chunk, ...rest);
  };
  socket._writev = (chunks, done) => {
    writes.push(chunks.map(({ chunk }) => (chunk as Uint8Array).length));
    writeMany!.call(socket, chunks, done);
  };
  return writes;
}
