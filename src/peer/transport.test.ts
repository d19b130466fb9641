import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import { equalBytes, utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { deterministicBytes } from "../testing/deterministic-bytes.ts";
import type { PeerEvent } from "./index.ts";
import { addresses, type PeerNode, PeerWorld, Stranger } from "./testing/nodes.ts";
import { FRAME_HEADER_BYTES, FRAME_KINDS, frameHeader, helloFrame } from "./wire.ts";

const SILENCE_MILLIS = 3_000;
const LIFE = new Uint8Array(8);

describe("PeerTransport", () => {
  test("carries frames both ways, whole and in order, as soon as the nodes have started", async () => {
    const world = await PeerWorld.start(3);
    await world.run(200);
    for (const from of world.nodes) {
      for (const to of world.nodes) {
        if (from === to) continue;
        for (let at = 0; at < 50; at++) ok(from.transport.send(to.id, utf8(`${from.id}>${to.id} ${at}`)));
      }
    }
    await world.run(100);
    for (const to of world.nodes) {
      for (const from of world.nodes) {
        const expected = from === to ? [] : Array.from({ length: 50 }, (_, at) => `${from.id}>${to.id} ${at}`);
        deepEqual(to.texts(from.id), expected);
      }
    }
    const { framesSent, bytesSent, framesReceived, bytesReceived } = world.node(1).transport.counts;
    deepEqual([framesSent, framesReceived], [100, 100]);
    ok(bytesSent > 100 * FRAME_HEADER_BYTES && bytesSent === bytesReceived);
    deepEqual(
      world
        .node(1)
        .transport.status()
        .map(({ node, isConnected, hasConnected }) => [node, isConnected, hasConnected]),
      [
        [2, true, true],
        [3, true, true],
      ],
    );
    await world.close();
  });

  test("carries empty frames and the longest one, and takes no longer one", async () => {
    const world = await PeerWorld.start(2, { limits: { frameBytesMax: 1_000_000 } });
    await world.run(200);
    const frames = [0, 1, 1_000_000, 65_536, 0].map((length) => deterministicBytes(length, length));
    for (const frame of frames) ok(world.node(1).transport.send(2, frame));
    throws(() => world.node(1).transport.send(2, new Uint8Array(1_000_001)), /not longer than its limit/);
    await world.run(500);
    const { received } = world.node(2);
    equal(received.length, frames.length);
    received.forEach(({ frame }, at) => {
      ok(equalBytes(frame, frames[at]!));
    });
    await world.close();
  });

  test("drops what is sent to a node that is not known or has no connection", async () => {
    const world = await PeerWorld.start(1);
    const one = world.node(1);
    equal(one.transport.send(9, utf8("nobody")), false);
    one.transport.setPeers(addresses([1, 2]));
    equal(one.transport.send(2, utf8("not yet")), false);
    equal(one.transport.send(1, utf8("to itself")), false);
    await world.run(1_000);
    equal(one.transport.counts.framesDropped, 3);
    ok(one.unreachable.length > 2 && one.unreachable.every((id) => id === 2));
    ok(one.events.every((event) => event.kind === "failed" && hasCode(event.error, "HOST_UNREACHABLE")));
    await world.close();
  });

  test("tries again with growing pauses, at once when the other node comes", async () => {
    const world = await PeerWorld.start(1, { limits: { reconnectMillisMin: 100, reconnectMillisMax: 60_000 } });
    const one = world.node(1);
    one.transport.setPeers(addresses([2]));
    await world.run(600_000);
    const { failures } = one.transport.counts;
    ok(failures >= 15 && failures <= 35, `${failures}`);
    await world.add(2, [1]);
    await world.run(10);
    ok(one.transport.status()[0]!.isConnected);
    await world.close();
  });

  test("connects again after a reset, and tells that frames may be lost", async () => {
    const world = await PeerWorld.start(2);
    await world.run(100);
    world.node(1).unreachable.length = 0;
    world.links.setFaults({ resetChance: 1 });
    world.node(1).transport.send(2, utf8("lost"));
    await world.run(5);
    deepEqual(world.node(1).unreachable, [2]);
    world.links.setFaults({ resetChance: 0 });
    await world.run(1_000);
    ok(world.node(1).transport.send(2, utf8("arrives")));
    await world.run(10);
    deepEqual(world.node(2).texts(1), ["arrives"]);
    ok(world.node(1).events.some(({ kind }) => kind === "lost"));
    ok(world.node(2).transport.counts.losses > 0);
    await world.close();
  });

  test("finds out that a node stands still, by its silence, and goes on when it does", async () => {
    const world = await PeerWorld.start(2);
    const [one, two] = [world.node(1), world.node(2)];
    await world.run(1_000);
    two.machine.pause(30_000);
    ok(one.transport.send(2, utf8("?")));
    await world.run(SILENCE_MILLIS + 1_500);
    deepEqual(new Set(one.unreachable), new Set([2]));
    equal(one.transport.send(2, utf8("?")), false);
    ok(one.events.some((event) => event.kind === "lost" && hasCode(event.error, "PEER_SILENT")));
    await world.run(40_000);
    ok(one.transport.send(2, utf8("again")));
    await world.run(100);
    equal(two.texts(1).at(-1), "again");
    await world.close();
  });

  test("does not blame the others after it stood still itself", async () => {
    const world = await PeerWorld.start(2, { limits: { silenceMillisMax: 60_000 } });
    await world.run(1_000);
    const { losses } = world.node(1).transport.counts;
    world.node(1).machine.pause(20_000);
    await world.run(30_000);
    equal(world.node(1).transport.counts.losses, losses);
    await world.close();
  });

  test("finds out that a machine has lost power, and that it runs again", async () => {
    const world = await PeerWorld.start(2);
    const [one, two] = [world.node(1), world.node(2)];
    await world.run(1_000);
    two.machine.crash();
    await world.run(SILENCE_MILLIS + 1_500);
    ok(one.events.some((event) => event.kind === "lost" && hasCode(event.error, "PEER_SILENT")));
    equal(one.transport.status()[0]!.hasConnected, false);
    await two.restart();
    await world.run(100);
    ok(one.transport.send(2, utf8("welcome back")));
    await world.run(10);
    deepEqual(two.texts(1), ["welcome back"]);
    await world.close();
  });

  test("takes a restarted node's new connection as the end of the one before", async () => {
    const world = await PeerWorld.start(2);
    const [one, two] = [world.node(1), world.node(2)];
    await world.run(1_000);
    two.machine.crash();
    await two.restart();
    await world.run(100);
    ok(one.transport.send(2, utf8("at once")));
    await world.run(10);
    deepEqual(two.texts(1), ["at once"]);
    ok(one.events.some((event) => event.kind === "lost" && hasCode(event.error, "PEER_REPLACED")));
    await world.close();
  });

  test("drops frames beyond its queue and says so once, until the queue has been empty", async () => {
    const limits = { frameBytesMax: 100_000, queueBytesMax: 500_000, silenceMillisMax: 60_000 };
    const world = await PeerWorld.start(2, { limits, windowBytes: 65_536 });
    const [one, two] = [world.node(1), world.node(2)];
    await world.run(1_000);
    for (let round = 0; round < 2; round++) {
      two.received.length = 0;
      one.unreachable.length = 0;
      two.machine.pause(10_000);
      let taken = 0;
      for (let at = 0; at < 20; at++) {
        if (one.transport.send(2, deterministicBytes(at, 100_000))) taken++;
        await world.run(10);
      }
      ok(taken >= 4 && taken <= 6, `${taken}`);
      ok(one.transport.status()[0]!.queuedBytes <= 500_000);
      deepEqual(one.unreachable, [2]);
      await world.run(30_000);
      equal(two.received.length, taken);
      two.received.forEach(({ frame }, at) => {
        ok(equalBytes(frame, deterministicBytes(at, 100_000)));
      });
    }
    equal(one.transport.counts.losses, 0);
    await world.close();
  });

  test("a slow reader that still reads is not silent", async () => {
    const limits = { frameBytesMax: 1_000_000, queueBytesMax: 50_000_000 };
    const world = await PeerWorld.start(2, {
      limits,
      windowBytes: 20_000,
      faults: { delayMillisMin: 20, delayMillisMax: 20 },
    });
    await world.run(1_000);
    for (let at = 0; at < 10; at++) world.node(1).transport.send(2, deterministicBytes(at, 1_000_000));
    await world.run(30_000);
    equal(world.node(2).received.length, 10);
    equal(world.node(1).transport.counts.losses, 0);
    await world.close();
  });

  test("keeps the connections of nodes that stay when the others change", async () => {
    const world = await PeerWorld.start(3);
    await world.run(100);
    const one = world.node(1);
    one.transport.setPeers(addresses([1, 2]));
    await world.run(100);
    ok(one.transport.send(2, utf8("stays")));
    equal(one.transport.send(3, utf8("is gone")), false);
    equal(one.transport.counts.losses, 0);
    one.transport.setPeers(new Map([[2, addresses([3]).get(3)!]]));
    await world.run(100);
    ok(refusals(one).some(({ reason, node }) => reason === "node" && node === 2));
    one.transport.setPeers(addresses([2, 3]));
    await world.run(3_000);
    ok(one.transport.send(2, utf8("a")) && one.transport.send(3, utf8("b")));
    await world.close();
  });

  test("answers those who came before its start once it has started", async () => {
    const world = await PeerWorld.start(1);
    world.node(1).transport.setPeers(addresses([2]));
    await world.add(2, []);
    await world.run(3_000);
    ok(world.node(1).transport.send(2, utf8("x")));
    await world.close();
  });

  test("does nothing after its end, and ends twice without harm", async () => {
    const world = await PeerWorld.start(2);
    await world.run(100);
    await world.close();
    await world.close();
    equal(world.node(1).transport.send(2, utf8("x")), false);
    world.node(1).transport.setPeers(addresses([2]));
    const { connects } = world.node(1).transport.counts;
    await world.run(10_000);
    equal(world.node(1).transport.counts.connects, connects);
  });
});

describe("the handshake of PeerTransport", () => {
  test("refuses a node of another cluster, and both know why", async () => {
    const world = await PeerWorld.start(2, { cluster: (id) => `cluster ${id}` });
    await world.run(100);
    for (const node of world.nodes) {
      ok(refusals(node, "in").some(({ reason }) => reason === "cluster"));
      ok(refusals(node, "out").some(({ reason, text }) => reason === "cluster" && /another cluster/.test(text)));
      ok(node.events.some((event) => event.kind === "failed" && hasCode(event.error, "HANDSHAKE_REFUSED")));
      ok(node.unreachable.length > 0);
      ok(node.transport.counts.refusals > 0);
    }
    await world.close();
  });

  test("refuses who looks for another node, and itself", async () => {
    const world = await PeerWorld.start(2);
    const two = addresses([2]).get(2)!;
    world.node(1).transport.setPeers(new Map([[7, two]]));
    world.node(2).transport.setPeers(new Map([[1, two]]));
    await world.run(100);
    ok(
      refusals(world.node(1), "out").some(
        ({ reason, text }) => reason === "node" && /this is node 2, not 7/.test(text),
      ),
    );
    ok(refusals(world.node(2), "in").some(({ reason, node }) => reason === "node" && node === 2));
    await world.close();
  });

  test("refuses another version by name, in a form that every version reads", async () => {
    const world = await PeerWorld.start(1);
    const hello = helloFrame({ life: LIFE, from: 2, to: 1, cluster: "test", purpose: "frames", start: 0 });
    const payload = hello.slice(FRAME_HEADER_BYTES, FRAME_HEADER_BYTES + 12);
    payload[8] = 9;
    const stranger = await Stranger.connect(world, 1);
    stranger.say(frameHeader(FRAME_KINDS.hello, payload));
    stranger.say(payload);
    await world.run(10);
    ok(stranger.isOver);
    equal(stranger.heard[4], FRAME_KINDS.refusal);
    ok(/version 2, not 9/.test(String(new TextDecoder().decode(stranger.heard))));
    ok(refusals(world.node(1), "in").some(({ reason, node }) => reason === "version" && node === undefined));
    await world.close();
  });

  test("asks for a certificate that names the node where there is TLS", async () => {
    const tls = { certFile: "cert", keyFile: "key", caFile: "ca" };
    const good = await PeerWorld.start(2, { tls });
    await good.run(100);
    ok(good.node(1).transport.send(2, utf8("x")));
    await good.close();
    const certificateNames = (id: number): string[] => [id === 1 ? "node-1" : "node-4"];
    const world = await PeerWorld.start(2, { tls, certificateNames });
    await world.run(100);
    ok(refusals(world.node(1), "in").some(({ reason, node }) => reason === "certificate" && node === 2));
    ok(refusals(world.node(2), "out").some(({ text }) => /does not name node-2/.test(text)));
    ok(world.node(1).events.some((event) => event.kind === "failed" && hasCode(event.error, "TLS_REFUSED")));
    await world.close();
  });

  test("closes the connection on garbage, and on frames that do not belong there", async () => {
    const world = await PeerWorld.start(1);
    const hello = helloFrame({ life: LIFE, from: 2, to: 1, cluster: "test", purpose: "frames", start: 0 });
    const message = frameHeader(FRAME_KINDS.message, new Uint8Array(0));
    const large = frameHeader(FRAME_KINDS.hello, new Uint8Array(5_000));
    const sayings: (string | Uint8Array)[][] = [
      ["GET / HTTP/1.1\r\nhost: x\r\n\r\n"],
      [new Uint8Array(100)],
      [message],
      [large],
      [hello, hello],
      [hello, frameHeader(FRAME_KINDS.pong, new Uint8Array(0))],
      [hello.with(30, 77)],
      [frameHeader(FRAME_KINDS.hello, utf8("short")), "short"],
    ];
    const before = world.node(1).transport.counts.malformed;
    for (const words of sayings) {
      const stranger = await Stranger.connect(world, 1);
      for (const word of words) stranger.say(word);
      await world.run(10);
      ok(stranger.isOver);
    }
    const { counts } = world.node(1).transport;
    equal(counts.malformed - before, sayings.length);
    ok(world.node(1).events.some((event) => event.kind === "stranger" && hasCode(event.error, "FRAME_TOO_LARGE")));
    equal(world.node(1).received.length, 0);
    await world.close();
  });

  test("waits only so long for a word, and for an answer", async () => {
    const world = await PeerWorld.start(1);
    const stranger = await Stranger.connect(world, 1);
    await world.run(2_000);
    equal(stranger.isOver, false);
    await world.run(2_000);
    ok(stranger.isOver);
    ok(world.node(1).events.some((event) => event.kind === "stranger" && hasCode(event.error, "HANDSHAKE_TIMED_OUT")));
    const { env } = (await world.add(3, [])).machine;
    await env.network.listen({ host: "", port: 1, connectionsMax: 9, handshakeTimeoutMillis: 1 }, () => {});
    world.node(1).transport.setPeers(new Map([[3, { host: "n3", port: 1 }]]));
    await world.run(4_000);
    ok(world.node(1).events.some((event) => event.kind === "failed" && hasCode(event.error, "HANDSHAKE_TIMED_OUT")));
    await world.close();
  });

  test("a second process that runs as the same node does not make a storm of connections", async () => {
    const world = await PeerWorld.start(2);
    await world.run(100);
    const twin = await world.add(3, [1]);
    await twin.transport[Symbol.asyncDispose]();
    const impostors: Stranger[] = [];
    for (let round = 0; round < 5; round++) {
      const impostor = await Stranger.connect(world, 1);
      impostor.say(
        helloFrame({
          life: Uint8Array.of(1, 2, 3, 4, 5, 6, 7, round),
          from: 2,
          to: 1,
          cluster: "test",
          purpose: "frames",
          start: 0,
        }),
      );
      impostors.push(impostor);
      await world.run(20);
    }
    ok(
      impostors.slice(0, 4).every(({ isOver }) => isOver),
      "the newest connection of a node counts",
    );
    await world.run(60_000);
    ok(world.node(1).transport.send(2, utf8("x")), "the true node is back");
    ok(world.node(1).transport.counts.connects < 20);
    await world.close();
  });

  test("takes only so many connections", async () => {
    const world = await PeerWorld.start(1, { limits: { connectionsMax: 3 } });
    const strangers: Stranger[] = [];
    for (let at = 0; at < 5; at++) strangers.push(await Stranger.connect(world, 1));
    await world.run(10);
    deepEqual(
      strangers.map(({ isOver }) => isOver),
      [false, false, false, true, true],
    );
    await world.close();
  });
});

function refusals(node: PeerNode, direction?: "in" | "out"): (PeerEvent & { kind: "refused" })[] {
  return node.events.filter((event) => {
    return event.kind === "refused" && (direction === undefined || event.direction === direction);
  }) as (PeerEvent & { kind: "refused" })[];
}
