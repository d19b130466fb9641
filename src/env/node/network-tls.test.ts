import { deepEqual, equal, rejects } from "node:assert/strict";
import { copyFile } from "node:fs/promises";
import { connect as connectPlain } from "node:net";
import { describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { testAuthority, writeTestTls } from "../../testing/certificates.ts";
import {
  connectedPair,
  type NetworkFixture,
  Side,
  TEST_CONNECT,
  TEST_NETWORK_LISTEN,
} from "../conformance/network-fixture.ts";
import { networkConformance } from "../conformance/network-suite.ts";
import { temporaryFolder } from "../conformance/temporary-folder.ts";
import type { Connection, ConnectTls, MutualTls, Network, NetworkListenOptions } from "../env.ts";
import { nodeNetwork } from "./network.ts";
import { loadTls, TlsWatch, versionOf } from "./tls-files.ts";

const FIXTURE: NetworkFixture = {
  server: nodeNetwork,
  client: nodeNetwork,
  host: "127.0.0.1",
  settle: (promise) => promise,
  async [Symbol.asyncDispose]() {},
};

describe("nodeNetwork with TLS", () => {
  networkConformance(test, async () => {
    const folder = await temporaryFolder();
    const tls = writeTestTls(folder.path, testAuthority("ca"), ["node-1"]);
    const network: Network = {
      listen: (options, accept) => nodeNetwork.listen({ ...options, tls }, accept),
      connect: (options) => nodeNetwork.connect({ ...options, tls: { ...tls, peerName: "node-1" } }),
    };
    return {
      ...FIXTURE,
      hidesResets: true,
      server: network,
      client: network,
      [Symbol.asyncDispose]: () => folder[Symbol.asyncDispose](),
    };
  });

  test("both sides know the names in the other's certificate", async () => {
    await using folder = await temporaryFolder();
    const authority = testAuthority("ca");
    const server = writeTestTls(folder.path, authority, ["node-1", "localhost", "*.example"]);
    const client = writeTestTls(folder.path, authority, ["node-2"]);
    const connect = { tls: { ...client, peerName: "node-1" } };
    await using pair = await connectedPair(FIXTURE, { listen: { tls: server }, connect });
    deepEqual(pair.client.connection.peerNames, ["node-1", "localhost", "*.example"]);
    deepEqual(pair.server.connection.peerNames, ["node-2"]);
  });

  test("a server of another name, or of another authority, is refused by the client", async () => {
    await using folder = await temporaryFolder();
    const authority = testAuthority("ca");
    const server = writeTestTls(folder.path, authority, ["node-1"]);
    const client = writeTestTls(folder.path, authority, ["node-2"]);
    const { caFile } = writeTestTls(folder.path, testAuthority("foreign"), ["x"]);
    for (const tls of [
      { ...client, peerName: "node-3" },
      { ...client, caFile, peerName: "node-1" },
    ]) {
      await using served = await serve(server);
      await rejects(served.connect(tls), (error) => hasCode(error, "TLS_REFUSED"));
      equal(served.accepted.length, 0);
    }
  });

  test("a client without a certificate of the authority gets nowhere, and the server says who it was", async () => {
    await using folder = await temporaryFolder();
    const authority = testAuthority("ca");
    const server = writeTestTls(folder.path, authority, ["node-1"]);
    const foreign = writeTestTls(folder.path, testAuthority("foreign"), ["node-2"]);
    await using served = await serve(server);
    // TLS 1.3: the client's own handshake is over before the server has seen its certificate.
    const client = new Side(await served.connect({ ...foreign, caFile: server.caFile, peerName: "node-1" })).begin();
    await client.until(({ isClosed, hasEnded }) => isClosed || hasEnded);
    client.connection.destroy();
    await served.refusal;
    deepEqual(
      served.refusals.map(({ code, remoteAddress }) => [code, remoteAddress]),
      [["TLS_REFUSED", "127.0.0.1"]],
    );
    equal(served.accepted.length, 0);
  });

  test("a server that takes anonymous clients takes those, and nobody with a bad certificate", async () => {
    await using folder = await temporaryFolder();
    const authority = testAuthority("ca");
    const server = writeTestTls(folder.path, authority, ["node-1"]);
    const known = writeTestTls(folder.path, authority, ["node-2"]);
    const foreign = writeTestTls(folder.path, testAuthority("foreign"), ["node-2"]);
    const { caFile } = server;
    const anonymous = { tls: { caFile, peerName: "node-1" } };
    const listen = { tls: server, takesAnonymous: true };
    {
      await using pair = await connectedPair(FIXTURE, { listen, connect: anonymous });
      deepEqual(pair.server.connection.peerNames, []);
      deepEqual(pair.client.connection.peerNames, ["node-1"]);
    }
    {
      await using pair = await connectedPair(FIXTURE, { listen, connect: { tls: { ...known, peerName: "node-1" } } });
      deepEqual(pair.server.connection.peerNames, ["node-2"]);
    }
    await using served = await serve(server, undefined, { takesAnonymous: true });
    const client = new Side(await served.connect({ ...foreign, caFile, peerName: "node-1" })).begin();
    await client.until(({ isClosed, hasEnded }) => isClosed || hasEnded);
    client.connection.destroy();
    await served.refusal;
    equal(served.accepted.length, 0);
    await using strict = await serve(server);
    const refused = new Side(await strict.connect(anonymous.tls)).begin();
    await refused.until(({ isClosed, hasEnded }) => isClosed || hasEnded);
    refused.connection.destroy();
    equal(strict.accepted.length, 0);
  });

  test("a side without TLS is refused", async () => {
    await using folder = await temporaryFolder();
    const tls = writeTestTls(folder.path, testAuthority("ca"), ["node-1"]);
    await using secure = await serve(tls);
    const garbage = connectPlain(secure.port, "127.0.0.1");
    garbage.on("error", () => {});
    garbage.write("GET / HTTP/1.1\r\n\r\n");
    await secure.refusal;
    equal(secure.refusals[0]!.code, "TLS_REFUSED");
    garbage.destroy();
    await using plain = await serve(undefined, (connection) => connection.send(utf8("220 no TLS here")));
    await rejects(plain.connect({ ...tls, peerName: "node-1" }), (error) => hasCode(error, "TLS_REFUSED"));
  });

  test("files that can not be used are refused by name, on either side", async () => {
    await using folder = await temporaryFolder();
    const tls = writeTestTls(folder.path, testAuthority("ca"), ["node-1"]);
    const bad = { ...tls, caFile: `${tls.caFile}.missing` };
    await rejects(
      nodeNetwork.listen({ ...TEST_NETWORK_LISTEN, tls: bad }, () => {}),
      (error) => hasCode(error, "TLS_INVALID"),
    );
    await rejects(
      nodeNetwork.connect({ ...TEST_CONNECT, host: "127.0.0.1", port: 1, tls: { ...bad, peerName: "node-1" } }),
      (error) => hasCode(error, "TLS_INVALID") && error.message.includes(bad.caFile),
    );
  });

  test("a client shows a certificate that was replaced at its next connection; a watch sees new authorities", async () => {
    await using folder = await temporaryFolder();
    const authority = testAuthority("ca");
    const server = writeTestTls(folder.path, authority, ["node-1"]);
    const used = writeTestTls(folder.path, authority, ["node-2"]);
    await using served = await serve(server);
    const tls = { ...used, peerName: "node-1" };
    for (const expected of ["node-2", "node-3"]) {
      const client = await served.connect(tls);
      await served.count(expected === "node-2" ? 1 : 2);
      client.destroy();
      deepEqual(served.accepted.at(-1)!.peerNames, [expected]);
      const next = writeTestTls(folder.path, authority, ["node-3"]);
      await copyFile(next.certFile, used.certFile);
      await copyFile(next.keyFile, used.keyFile);
    }
    const seen: unknown[] = [];
    const watch = new TlsWatch(used, await versionOf(used), ({ ca }) => seen.push(String(ca)));
    await copyFile(writeTestTls(folder.path, testAuthority("next"), ["x"]).caFile, used.caFile);
    await watch.check();
    watch.stop();
    deepEqual(seen, [String((await loadTls(used)).ca)]);
  });
});

interface Served extends AsyncDisposable {
  readonly port: number;
  readonly accepted: Connection[];
  readonly refusals: { readonly code: unknown; readonly remoteAddress: string }[];
  /** Resolves at the first refusal. */
  readonly refusal: Promise<void>;
  connect(tls: ConnectTls): Promise<Connection>;
  /** Until so many were accepted. */
  count(number: number): Promise<void>;
}

async function serve(
  tls: MutualTls | undefined,
  accept?: (connection: Connection) => void,
  more: Partial<NetworkListenOptions> = {},
): Promise<Served> {
  const accepted: Connection[] = [];
  const refusals: { readonly code: unknown; readonly remoteAddress: string }[] = [];
  const refusal = Promise.withResolvers<void>();
  let wake: (() => void) | undefined;
  const refused = (remoteAddress: string, error: Error): void => {
    refusals.push({ code: "code" in error && error.code, remoteAddress });
    refusal.resolve();
  };
  const { port, close } = await nodeNetwork
    .listen({ ...TEST_NETWORK_LISTEN, tls, refused, ...more }, (connection) => {
      accepted.push(connection);
      accept?.(connection);
      wake?.();
    })
    .then((listener) => ({ port: listener.port, close: () => listener.close() }));
  return {
    port,
    accepted,
    refusals,
    refusal: refusal.promise,
    connect: (options) => nodeNetwork.connect({ ...TEST_CONNECT, host: "127.0.0.1", port, tls: options }),
    async count(number) {
      while (accepted.length < number) {
        await new Promise<void>((resolve) => {
          wake = resolve;
        });
      }
    },
    async [Symbol.asyncDispose]() {
      for (const connection of accepted) connection.destroy();
      await close();
    },
  };
}
