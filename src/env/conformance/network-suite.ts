import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { equalBytes, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import type { Connection } from "../env.ts";
import { type Case, registerCases, type Test } from "./case.ts";
import { BREAK_CASES } from "./network-breaks.ts";
import {
  brokenOff,
  connectedPair,
  type NetworkFixture,
  Side,
  TEST_CONNECT,
  TEST_NETWORK_LISTEN,
} from "./network-fixture.ts";

const LARGE_BYTES = 4 * 1024 * 1024;

export function networkConformance(test: Test, make: () => Promise<NetworkFixture>): void {
  registerCases(test, [...STREAM_CASES, ...BREAK_CASES], make);
}

const STREAM_CASES: readonly Case<NetworkFixture>[] = [
  {
    name: "bytes arrive in order, both ways, however they are cut",
    run: async (fixture) => {
      await using pair = await connectedPair(fixture);
      const { server, client } = pair;
      for (let at = 0; at < 500; at++) client.connection.send(utf8(`${at},`));
      server.connection.send(utf8("hello "));
      server.connection.send(new Uint8Array(0));
      server.connection.send(utf8("client"));
      const expected = Array.from({ length: 500 }, (_, at) => `${at},`).join("");
      await fixture.settle(server.until((side) => side.receivedBytes === expected.length));
      await fixture.settle(client.until((side) => side.receivedBytes === 12));
      equal(server.text, expected);
      equal(client.text, "hello client");
      ok(client.connection.remoteAddress.length > 0 && server.connection.remoteAddress.length > 0);
    },
  },
  {
    name: "short and long pieces of one turn stay in order",
    run: async (fixture) => {
      await using pair = await connectedPair(fixture);
      const pieces: Uint8Array[] = [];
      for (const length of [1, 70_000, 3, 4, 4_096, 4_097, 5_000, 2, 300_000])
        pieces.push(new Prng(length).bytes(length));
      for (const piece of pieces) pair.client.connection.send(piece);
      const length = pieces.reduce((sum, piece) => sum + piece.length, 0);
      await fixture.settle(pair.server.until((side) => side.receivedBytes === length));
      let at = 0;
      for (const piece of pieces) {
        ok(equalBytes(pair.server.received.subarray(at, at + piece.length), piece));
        at += piece.length;
      }
    },
  },
  {
    name: "the queue counts what was sent until it has left, and says when it is empty",
    run: async (fixture) => {
      await using pair = await connectedPair(fixture);
      const { connection } = pair.client;
      connection.send(new Uint8Array(1_000));
      connection.send(new Uint8Array(500));
      equal(connection.queuedBytes, 1_500);
      await fixture.settle(pair.client.until(({ drains }) => drains > 0));
      equal(connection.queuedBytes, 0);
    },
  },
  {
    name: "one side ends and the other goes on; both have closed once both have ended",
    run: async (fixture) => {
      await using pair = await connectedPair(fixture);
      const { server, client } = pair;
      client.connection.send(utf8("last words"));
      client.connection.end();
      client.connection.end();
      await fixture.settle(server.until(({ hasEnded }) => hasEnded));
      equal(server.text, "last words");
      equal(server.isClosed, false);
      server.connection.send(utf8("an answer"));
      await fixture.settle(client.until(({ receivedBytes }) => receivedBytes === 9));
      equal(client.hasEnded, false);
      server.connection.end();
      await fixture.settle(Promise.all([server, client].map((side) => side.until(({ isClosed }) => isClosed))));
      equal(client.text, "an answer");
      ok(client.hasEnded);
      deepEqual([server.closings, client.closings], [[undefined], [undefined]]);
    },
  },
  {
    name: "a large transfer in each direction at once arrives whole, and its end behind it",
    run: async (fixture) => {
      await using pair = await connectedPair(fixture);
      const sides = [pair.server, pair.client];
      const bytes = new Prng(1).bytes(LARGE_BYTES);
      for (const { connection } of sides) {
        for (let at = 0; at < bytes.length; at += 65_536) connection.send(bytes.subarray(at, at + 65_536));
        connection.end();
      }
      await fixture.settle(Promise.all(sides.map((side) => side.until(({ isClosed }) => isClosed))));
      for (const side of sides) ok(equalBytes(side.received, bytes));
    },
  },
  {
    name: "a reader that pauses gets nothing, and its sender's queue stays full until it goes on",
    run: async (fixture) => {
      await using pair = await connectedPair(fixture);
      const { server, client } = pair;
      client.connection.send(utf8("x"));
      await fixture.settle(server.until(({ receivedBytes }) => receivedBytes === 1));
      server.connection.pause();
      const bytes = new Prng(1).bytes(LARGE_BYTES);
      const pieces = 8;
      for (let piece = 0; piece < pieces; piece++) client.connection.send(bytes);
      client.connection.end();
      // Time for what the network takes in: the other direction is open.
      for (let round = 0; round < 20; round++) {
        server.connection.send(utf8("."));
        await fixture.settle(client.until(({ receivedBytes }) => receivedBytes === round + 1));
      }
      ok(client.connection.queuedBytes > 0);
      equal(server.receivedBytes, 1);
      server.connection.resume();
      await fixture.settle(server.until(({ hasEnded }) => hasEnded));
      equal(server.receivedBytes, 1 + pieces * LARGE_BYTES);
      equal(client.connection.queuedBytes, 0);
    },
  },
  {
    name: "a pause within data holds the rest back",
    run: async (fixture) => {
      await using pair = await connectedPair(fixture);
      const { server, client } = pair;
      server.onData = () => server.connection.pause();
      const bytes = new Prng(1).bytes(LARGE_BYTES);
      client.connection.send(bytes);
      await fixture.settle(server.until(({ receivedBytes }) => receivedBytes > 0));
      const first = server.receivedBytes;
      for (let round = 0; round < 10; round++) {
        server.connection.send(utf8("."));
        await fixture.settle(client.until(({ receivedBytes }) => receivedBytes === round + 1));
      }
      equal(server.receivedBytes, first);
      server.onData = undefined;
      server.connection.resume();
      await fixture.settle(server.until(({ receivedBytes }) => receivedBytes === bytes.length));
      ok(equalBytes(server.received, bytes));
    },
  },
  {
    name: "many connections at once are kept apart",
    run: async (fixture) => {
      const count = 60;
      const accepted: Side[] = [];
      const all = Promise.withResolvers<void>();
      const listener = await fixture.settle(
        fixture.server.listen(TEST_NETWORK_LISTEN, (connection) => {
          const side = new Side(connection).begin();
          side.onData = (bytes) => side.connection.send(new Uint8Array(bytes));
          if (accepted.push(side) === count) all.resolve();
        }),
      );
      const target = { ...TEST_CONNECT, host: fixture.host, port: listener.port };
      const connecting = Array.from({ length: count }, () => fixture.client.connect(target));
      const clients = (await fixture.settle(Promise.all(connecting))).map((each) => new Side(each).begin());
      for (const [at, { connection }] of clients.entries()) connection.send(utf8(`client ${at}`.padEnd(20)));
      await fixture.settle(Promise.all(clients.map((side) => side.until(({ receivedBytes }) => receivedBytes === 20))));
      clients.forEach((side, at) => {
        equal(side.text, `client ${at}`.padEnd(20));
      });
      await fixture.settle(all.promise);
      for (const { connection } of clients) connection.destroy();
      await fixture.settle(Promise.all(clients.map((side) => side.until(({ isClosed }) => isClosed))));
      for (const side of accepted) await brokenOff(fixture, side);
      await fixture.settle(listener.close());
    },
  },
  {
    name: "what comes before a connection begins waits for it",
    run: async (fixture) => {
      const accepted = Promise.withResolvers<Connection>();
      const listener = await fixture.settle(fixture.server.listen(TEST_NETWORK_LISTEN, (one) => accepted.resolve(one)));
      const connecting = fixture.client.connect({ ...TEST_CONNECT, host: fixture.host, port: listener.port });
      const client = new Side(await fixture.settle(connecting)).begin();
      client.connection.send(utf8("early"));
      await fixture.settle(client.until(({ drains }) => drains > 0));
      client.connection.end();
      const server = new Side(await fixture.settle(accepted.promise)).begin();
      await fixture.settle(server.until(({ hasEnded }) => hasEnded));
      equal(server.text, "early");
      server.connection.end();
      await fixture.settle(client.until(({ isClosed }) => isClosed));
      await fixture.settle(listener.close());
    },
  },
  {
    name: "a port has one listener at a time, and a closed one's connections go on",
    run: async (fixture) => {
      const { server, settle } = fixture;
      const first = await settle(server.listen(TEST_NETWORK_LISTEN, () => {}));
      ok(first.port > 0);
      await rejects(settle(server.listen({ ...TEST_NETWORK_LISTEN, port: first.port }, () => {})), (error) =>
        hasCode(error, "ADDRESS_TAKEN"),
      );
      await settle(first.close());
      await settle(first.close());
      const second = await settle(server.listen({ ...TEST_NETWORK_LISTEN, port: first.port }, () => {}));
      await settle(second.close());
      // `connectedPair` closes its listener.
      await using pair = await connectedPair(fixture);
      pair.client.connection.send(utf8("still here"));
      await settle(pair.server.until(({ text }) => text === "still here"));
    },
  },
];
