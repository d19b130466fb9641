import { deepEqual, equal, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { createSimEnv } from "../env/sim/index.ts";
import { EMPTY, text, utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { askForAdmission, remoteCode } from "./index.ts";
import { PeerWorld, type PeerWorldOptions } from "./testing/nodes.ts";

const TLS = { certFile: "cert", keyFile: "key", caFile: "ca" };
const JOIN = 1;
const SECRET = 2;

async function openHouse(options: PeerWorldOptions = {}) {
  const certificateNames = (id: number): string[] => [`node-${id}`, "any-node"];
  const world = await PeerWorld.start(1, { tls: TLS, takesStrangers: true, certificateNames, ...options });
  const { transport } = world.node(1);
  transport.handleAdmission(JOIN, async ({ from, head }) => ({ head: utf8(`${from} ${text(head)}`) }));
  transport.handle(SECRET, async () => ({ head: utf8("secret") }));
  const { env } = createSimEnv({ seed: 1, scheduler: world.scheduler, network: world.network, label: "stranger" });
  const ask = (more: { cluster?: string; method?: number; port?: number; caFile?: string } = {}) => {
    const { cluster = "test", method = JOIN, port = 9200, caFile = "ca" } = more;
    const address = { host: "n1", port };
    const request = { env, address, cluster, caFile, method, head: utf8("please"), timeoutMillis: 5_000 };
    return world.scheduler.settle(askForAdmission(request));
  };
  return { world, ask };
}

describe("admission", () => {
  test("answers somebody who shows no certificate, as nobody", async () => {
    const { world, ask } = await openHouse();
    equal(text((await ask()).head), "0 please");
    equal(text((await ask()).head), "0 please");
    await world.run(100);
    await world.close();
  });

  test("lets him call nothing that nodes call", async () => {
    const { world, ask } = await openHouse();
    await rejects(ask({ method: SECRET }), (error: unknown) => remoteCode(error) === "METHOD_UNKNOWN");
    await world.close();
  });

  test("says why it came to nothing", async () => {
    const { world, ask } = await openHouse();
    await rejects(ask({ cluster: "other" }), (error: unknown) => {
      return hasCode(error, "HANDSHAKE_REFUSED") && error.data["reason"] === "cluster";
    });
    await rejects(ask({ port: 1 }), (error: unknown) => hasCode(error, "CONNECTION_REFUSED"));
    await rejects(ask({ caFile: "another" }), (error: unknown) => hasCode(error, "TLS_REFUSED"));
    await world.close();
  });

  test("is refused by a node that admits nobody", async () => {
    const world = await PeerWorld.start(1);
    const { env } = createSimEnv({ seed: 1, scheduler: world.scheduler, network: world.network, label: "stranger" });
    const request = {
      env,
      address: { host: "n1", port: 9200 },
      cluster: "test",
      method: JOIN,
      head: EMPTY,
      timeoutMillis: 100,
    };
    await rejects(world.scheduler.settle(askForAdmission(request)), (error: unknown) => {
      return hasCode(error, "HANDSHAKE_REFUSED") && error.data["reason"] === "node";
    });
    await world.close();
  });

  test("a stranger who says that he is a node is sent away", async () => {
    const certificateNames = (id: number): string[] => (id === 2 ? ["any-node"] : [`node-${id}`, "any-node"]);
    const world = await PeerWorld.start(2, { tls: TLS, takesStrangers: true, certificateNames });
    await world.run(500);
    equal(world.node(1).transport.status()[0]!.hasConnected, false);
    ok(world.node(1).events.some((event) => event.kind === "refused" && event.reason === "certificate"));
    await world.close();
  });
});

describe("a node that is not welcome any more", () => {
  test("is told why, and the others go on", async () => {
    const asked: number[][] = [];
    const world = await PeerWorld.start(3, {
      start: (id) => id * 10,
      admits: (node, start, life) => {
        asked.push([node, start, life.length]);
        return node === 3 ? { reason: "superseded", text: "node 3 has been started since" } : undefined;
      },
    });
    await world.run(500);
    ok(asked.some(([node, start, length]) => node === 2 && start === 20 && length === 8));
    const refusals = world.node(3).events.filter((event) => event.kind === "refused" && event.direction === "out");
    ok(refusals.length >= 2);
    for (const event of refusals) {
      ok(event.kind === "refused");
      deepEqual([event.reason, event.text], ["superseded", "node 3 has been started since"]);
    }
    const connected = world
      .node(1)
      .transport.status()
      .map(({ node, hasConnected }) => [node, hasConnected]);
    deepEqual(connected, [
      [2, true],
      [3, false],
    ]);
    await world.close();
  });

  test("is told when it is sent away, for it comes again; whoever is welcome just comes again", async () => {
    let isWelcome = true;
    const world = await PeerWorld.start(2, {
      admits: (node) => (node === 2 && !isWelcome ? { reason: "removed", text: "node 2 is no more" } : undefined),
    });
    const { transport } = world.node(1);
    const isRefused = (): boolean => world.node(2).events.some(({ kind }) => kind === "refused");
    await world.run(500);
    transport.dismiss(2);
    await world.run(1000);
    equal(transport.status()[0]!.hasConnected, true);
    equal(isRefused(), false);
    isWelcome = false;
    await world.run(1000);
    equal(isRefused(), false, "an open connection goes on");
    transport.dismiss(2);
    await world.run(1000);
    equal(isRefused(), true);
    transport.dismiss(7);
    await world.close();
  });
});
