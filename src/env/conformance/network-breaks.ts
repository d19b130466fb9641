// How connections fail, and end before their time.

import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import type { Connection } from "../env.ts";
import type { Case } from "./case.ts";
import {
  brokenOff,
  connectedPair,
  type NetworkFixture,
  Side,
  TEST_CONNECT,
  TEST_NETWORK_LISTEN,
} from "./network-fixture.ts";

export const BREAK_CASES: readonly Case<NetworkFixture>[] = [
  {
    name: "where nothing listens the connection is refused",
    run: async ({ server, client, host, settle }) => {
      const listener = await settle(server.listen(TEST_NETWORK_LISTEN, () => {}));
      await settle(listener.close());
      await rejects(settle(client.connect({ ...TEST_CONNECT, host, port: listener.port })), (error) =>
        hasCode(error, "CONNECTION_REFUSED"),
      );
    },
  },
  {
    name: "a host that is not known is unreachable",
    run: async ({ client, settle }) => {
      await rejects(settle(client.connect({ ...TEST_CONNECT, host: "nobody.invalid", port: 1 })), (error) =>
        hasCode(error, "HOST_UNREACHABLE"),
      );
    },
  },
  {
    name: "an attempt ends with its signal",
    run: async ({ client, host, settle }) => {
      const reason = new Error("not needed any more");
      const target = { ...TEST_CONNECT, host, port: 1 };
      await rejects(settle(client.connect({ ...target, signal: AbortSignal.abort(reason) })), reason);
      const controller = new AbortController();
      const connecting = client.connect({ ...target, signal: controller.signal });
      controller.abort(reason);
      await rejects(settle(connecting), reason);
    },
  },
  {
    name: "whoever breaks off is told without an error, the other side that it was broken off",
    run: async (fixture) => {
      await using pair = await connectedPair(fixture);
      const { server, client } = pair;
      server.connection.destroy();
      server.connection.destroy();
      equal(server.isClosed, false, "never from within the call");
      await fixture.settle(server.until(({ isClosed }) => isClosed));
      await brokenOff(fixture, client);
      deepEqual(server.closings, [undefined]);
      equal(client.closings.length, 1);
      client.connection.end();
      client.connection.destroy();
      client.connection.resume();
    },
  },
  {
    name: "a connection that is cut in the middle of a transfer gives up what was queued",
    run: async (fixture) => {
      await using pair = await connectedPair(fixture);
      const { server, client } = pair;
      server.onData = () => server.connection.destroy();
      for (let piece = 0; piece < 64; piece++) client.connection.send(new Uint8Array(1_000_000));
      await fixture.settle(server.until(({ isClosed }) => isClosed));
      await brokenOff(fixture, client);
      ok(server.receivedBytes < 64_000_000);
      equal(client.connection.queuedBytes, 0);
      deepEqual(server.closings, [undefined]);
    },
  },
  {
    name: "a side that breaks off hears nothing more",
    run: async (fixture) => {
      await using pair = await connectedPair(fixture);
      const { server, client } = pair;
      for (let piece = 0; piece < 20; piece++) server.connection.send(new Uint8Array(100_000));
      server.connection.end();
      client.connection.send(utf8("x"));
      client.connection.destroy();
      client.connection.send(utf8("too late"));
      equal(client.connection.queuedBytes, 0);
      await fixture.settle(Promise.all([server, client].map((side) => side.until(({ isClosed }) => isClosed))));
      deepEqual([client.receivedBytes, client.hasEnded, client.drains], [0, false, 0]);
    },
  },
  {
    name: "a connection that broke before it began says so when it begins",
    run: async (fixture) => {
      const { host, settle } = fixture;
      const accepted = Promise.withResolvers<Connection>();
      const listener = await settle(fixture.server.listen(TEST_NETWORK_LISTEN, (one) => accepted.resolve(one)));
      const client = new Side(await settle(fixture.client.connect({ ...TEST_CONNECT, host, port: listener.port })));
      const server = new Side(await settle(accepted.promise));
      server.connection.destroy();
      server.begin();
      await settle(server.until(({ isClosed }) => isClosed));
      deepEqual(server.closings, [undefined]);
      client.begin();
      await brokenOff(fixture, client);
      await settle(listener.close());
    },
  },
  {
    name: "connections beyond the limit are closed at once, and there is room again when one has gone",
    run: async (fixture) => {
      const { host, settle } = fixture;
      const accepted: Side[] = [];
      const listener = await settle(
        fixture.server.listen({ ...TEST_NETWORK_LISTEN, connectionsMax: 2 }, (connection) => {
          const side = new Side(connection).begin();
          side.connection.send(utf8("welcome"));
          accepted.push(side);
        }),
      );
      const connect = async (): Promise<Side> => {
        return new Side(await settle(fixture.client.connect({ ...TEST_CONNECT, host, port: listener.port }))).begin();
      };
      const welcome = (side: Side): Promise<void> => settle(side.until(({ text }) => text === "welcome"));
      const first = await connect();
      const second = await connect();
      await welcome(first);
      await welcome(second);
      // The word of it may come before the connection itself does.
      const third = await connect().catch((error: unknown) => {
        ok(hasCode(error, "CONNECTION_RESET"));
      });
      if (third !== undefined) {
        await brokenOff(fixture, third);
        equal(third.receivedBytes, 0);
      }
      first.connection.destroy();
      await brokenOff(fixture, accepted[0]!);
      const fourth = await connect();
      await welcome(fourth);
      const sides = [second, fourth, ...accepted];
      for (const { connection } of sides) connection.destroy();
      await settle(Promise.all([first, ...sides].map((side) => side.until(({ isClosed }) => isClosed))));
      await settle(listener.close());
    },
  },
];
