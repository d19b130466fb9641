import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { EMPTY, equalBytes, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import { connectedPair, TEST_NETWORK_LISTEN } from "../conformance/network-fixture.ts";
import { networkConformance } from "../conformance/network-suite.ts";
import type { ConnectOptions, NetworkListenOptions } from "../env.ts";
import { type LinkFaults, SimLinks } from "./links.ts";
import { SIM_NETWORK_DEFAULTS, SimNetwork } from "./network.ts";
import { SimProcess } from "./process.ts";
import { SimScheduler } from "./scheduler.ts";

describe("SimNetwork", () => {
  networkConformance(test, async () => fixture({}));
});

describe("SimNetwork that loses, delays and stalls", () => {
  networkConformance(test, async () =>
    fixture({ delayMillisMax: 40, lossChance: 0.05, stallChance: 0.02, stallMillisMax: 500 }),
  );
});

describe("what befalls simulated connections", () => {
  test("a cut holds bytes up until it is mended", async () => {
    const world = fixture({});
    await using pair = await connectedPair(world);
    world.links.cut("client", "server");
    pair.client.connection.send(utf8("held up"));
    pair.server.connection.send(utf8("the other way"));
    await world.scheduler.run(world.scheduler.nowMillis + 5_000);
    equal(pair.server.text, "");
    equal(pair.client.text, "the other way");
    world.links.heal();
    await world.settle(pair.server.until(({ text }) => text === "held up"));
  });

  test("a cut that lasts ends the connection of who waits for an answer, and nobody else learns it", async () => {
    for (const [from, to] of [
      ["client", "server"],
      ["server", "client"],
    ] as const) {
      const world = fixture({});
      await using pair = await connectedPair(world);
      world.links.cut(from, to);
      pair.client.connection.send(utf8("?"));
      await world.scheduler.run(world.scheduler.nowMillis + 60_000);
      ok(hasCode(pair.client.closings[0], "CONNECTION_TIMED_OUT"));
      equal(pair.server.isClosed, false);
      equal(pair.server.text, from === "server" ? "?" : "");
      world.links.heal();
      pair.server.connection.send(utf8("are you there"));
      await world.settle(pair.server.until(({ isClosed }) => isClosed));
      ok(hasCode(pair.server.closings[0], "CONNECTION_RESET"));
    }
  });

  test("an attempt waits for the other machine no longer than its time", async () => {
    const world = fixture({});
    const listener = await world.settle(world.server.listen(TEST_NETWORK_LISTEN, () => {}));
    const target = { host: "server", port: listener.port, timeoutMillis: 1_000 };
    for (const [from, to] of [
      ["client", "server"],
      ["server", "client"],
    ] as const) {
      world.links.cut(from, to);
      const atMillis = world.scheduler.nowMillis;
      await rejects(world.settle(world.client.connect(target)), (error) => hasCode(error, "CONNECT_TIMED_OUT"));
      equal(Math.round(world.scheduler.nowMillis - atMillis), 1_000);
      world.links.heal();
      await world.scheduler.run();
    }
    world.links.cut("client", "server");
    const late = world.client.connect(target);
    await world.scheduler.run(world.scheduler.nowMillis + 500);
    world.links.heal();
    (await world.settle(late)).destroy();
  });

  test("a killed process's machine ends its connections, cut where it was", async () => {
    const world = fixture({});
    await using pair = await connectedPair(world);
    pair.client.connection.send(new Uint8Array(1_000_000));
    await world.settle(pair.server.until(({ receivedBytes }) => receivedBytes > 0));
    world.clientProcess.kill();
    world.network.kill("client");
    await world.settle(pair.server.until(({ hasEnded }) => hasEnded));
    ok(pair.server.receivedBytes < 1_000_000);
    pair.server.connection.send(utf8("?"));
    await world.settle(pair.server.until(({ isClosed }) => isClosed));
    ok(hasCode(pair.server.closings[0], "CONNECTION_RESET"));
    pair.client.closed(undefined);
  });

  test("a machine without power answers nothing, and after its start knows nothing of its connections", async () => {
    const world = fixture({});
    await using pair = await connectedPair(world);
    world.clientProcess.kill();
    world.network.crash("client");
    pair.server.connection.send(utf8("?"));
    await world.scheduler.run(world.scheduler.nowMillis + 1_000);
    equal(pair.server.isClosed, false);
    world.network.mount("client", new SimProcess(world.scheduler, "client"));
    await world.settle(pair.server.until(({ isClosed }) => isClosed));
    ok(hasCode(pair.server.closings[0], "CONNECTION_RESET"));
    pair.client.closed(undefined);
  });

  test("a reset may come in the middle of anything: what arrives is a beginning of what was sent", async () => {
    let broken = 0;
    for (let seed = 1; seed <= 40; seed++) {
      const world = fixture({ resetChance: 0.2 }, seed);
      await using pair = await connectedPair(world);
      const bytes = deterministicBytes(seed, 100_000);
      pair.client.connection.send(bytes);
      pair.client.connection.end();
      await world.settle(pair.server.until(({ isClosed, hasEnded }) => isClosed || hasEnded));
      const { received, hasEnded } = pair.server;
      ok(equalBytes(received, bytes.subarray(0, received.length)));
      if (hasEnded) equal(received.length, bytes.length);
      else broken++;
    }
    ok(broken > 10 && broken < 40, `${broken}`);
  });

  test("a process that stands still reads nothing; its machine takes in as much as its window", async () => {
    const world = fixture({});
    await using pair = await connectedPair(world);
    world.serverProcess.pause(10_000);
    pair.client.connection.send(new Uint8Array(1_000_000));
    await world.scheduler.run(world.scheduler.nowMillis + 5_000);
    equal(pair.server.receivedBytes, 0);
    equal(pair.client.connection.queuedBytes, 1_000_000 - SIM_NETWORK_DEFAULTS.windowBytes);
    await world.settle(pair.server.until(({ receivedBytes }) => receivedBytes === 1_000_000));
  });

  test("memory that was lent for a call is taken back after it", async () => {
    const world = fixture({});
    await using pair = await connectedPair(world);
    let kept: Uint8Array = EMPTY;
    pair.server.onData = (bytes) => {
      kept = bytes;
    };
    pair.client.connection.send(utf8("x"));
    await world.settle(pair.server.until(({ receivedBytes }) => receivedBytes === 1));
    ok(kept[0] !== utf8("x")[0]);
  });

  test("with TLS both sides know each other's names; where they do not agree there is no connection", async () => {
    const world = fixture({});
    const files = { certFile: "cert", keyFile: "key", caFile: "ca" };
    const connect = { tls: { ...files, peerName: "server.name" } };
    await using pair = await connectedPair(world, { listen: { tls: files }, connect });
    deepEqual(pair.client.connection.peerNames, ["server.name"]);
    deepEqual(pair.server.connection.peerNames, ["client.name"]);
    const refusals: [Partial<NetworkListenOptions>, Partial<ConnectOptions>][] = [
      [{ tls: files }, {}],
      [{}, connect],
      [{ tls: { ...files, caFile: "other" } }, connect],
      [{ tls: files }, { tls: { ...files, peerName: "other" } }],
      [{ tls: files }, { tls: { caFile: "ca", peerName: "server.name" } }],
    ];
    for (const [listen, options] of refusals) {
      await rejects(connectedPair(world, { listen, connect: options }), (error) => hasCode(error, "TLS_REFUSED"));
    }
    await using anonymous = await connectedPair(world, {
      listen: { tls: files, takesAnonymous: true },
      connect: { tls: { caFile: "ca", peerName: "server.name" } },
    });
    deepEqual(anonymous.server.connection.peerNames, []);
  });

  test("everything repeats with its seed", async () => {
    const traces = [];
    for (const seed of [1, 1, 2]) {
      const world = fixture({ lossChance: 0.1, delayMillisMax: 10 }, seed);
      await using pair = await connectedPair(world);
      pair.client.connection.send(deterministicBytes(1, 300_000));
      await world.settle(pair.server.until(({ receivedBytes }) => receivedBytes === 300_000));
      traces.push(world.scheduler.traceHash);
    }
    equal(traces[0], traces[1]);
    notEqual(traces[0], traces[2]);
  });
});

function fixture(faults: Partial<LinkFaults>, seed = 1) {
  const scheduler = new SimScheduler();
  const prng = new Prng(seed);
  const links = new SimLinks(prng.fork(), faults);
  const network = new SimNetwork(scheduler, links, prng.fork());
  const serverProcess = new SimProcess(scheduler, "server");
  const clientProcess = new SimProcess(scheduler, "client");
  return {
    scheduler,
    links,
    network,
    serverProcess,
    clientProcess,
    server: network.mount("server", serverProcess, { certificateNames: ["server.name"] }),
    client: network.mount("client", clientProcess, { certificateNames: ["client.name"] }),
    host: "server",
    settle: <T>(promise: Promise<T>) => scheduler.settle(promise),
    async [Symbol.asyncDispose]() {},
  };
}
