import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { TEST_LISTEN } from "../conformance/http-fixture.ts";
import { connectedPair, TEST_NETWORK_LISTEN } from "../conformance/network-fixture.ts";
import type { Env } from "../env.ts";
import { createSimEnv, type SimMachine } from "./env.ts";
import { SimLinks } from "./links.ts";
import { SimNetwork } from "./network.ts";
import { SimScheduler } from "./scheduler.ts";

describe("a simulated machine", () => {
  test("runs the same way from the same seed, with faults, crashes and pauses, and another from another", async () => {
    const hashes = [];
    for (const seed of [1, 1, 2, 2, 3]) hashes.push(await hashOfRun(seed));
    equal(hashes[0], hashes[1]);
    equal(hashes[2], hashes[3]);
    equal(new Set(hashes).size, 3);
  });

  test("loses power in the middle of what its process does, and starts again on what is left", async () => {
    const machine = createSimEnv({ seed: 4 });
    const { scheduler } = machine;
    const env = machine.env;
    const file = await scheduler.settle(env.disk.open("file", "create"));
    await scheduler.settle(env.disk.syncDirectory(""));
    await scheduler.settle(file.write(0, [utf8("durable")]));
    await scheduler.settle(file.sync());
    await scheduler.settle(env.disk.lock());
    let isAlive = false;
    env.timers.after(1, () => {
      isAlive = true;
    });
    env.timers.endOfTurn(() => {
      isAlive = true;
    });
    machine.crash();
    equal(machine.isRunning, false);
    await scheduler.run();
    equal(isAlive, false);
    const again = machine.restart();
    notEqual(again, env);
    await scheduler.settle(again.disk.lock());
    const left = await scheduler.settle(again.disk.open("file", "read"));
    equal(text(await scheduler.settle(left.read(0, 100))), "durable");
  });

  test("whose process is killed keeps what was written, though it was not synced", async () => {
    const machine = createSimEnv({ seed: 4 });
    const file = await machine.scheduler.settle(machine.env.disk.open("file", "create"));
    await machine.scheduler.settle(file.write(0, [utf8("written")]));
    machine.kill();
    const left = await machine.scheduler.settle(machine.restart().disk.open("file", "read"));
    equal(text(await machine.scheduler.settle(left.read(0, 100))), "written");
  });

  test("whose data were copied has them again, durable, wherever they are put", async () => {
    const [machine, other] = [createSimEnv({ seed: 5 }), createSimEnv({ seed: 6 })];
    const settle = <T>(promise: Promise<T>) => machine.scheduler.settle(promise);
    const { disk, indexes } = machine.env;
    await settle(disk.makeDirectory("folder"));
    const file = await settle(disk.open("folder/file", "create"));
    await settle(file.write(0, [utf8("then")]));
    const index = await settle(indexes.open("index"));
    index.write({ puts: [{ key: utf8("key"), value: utf8("then") }], deletes: [] });
    const data = machine.copyData();
    await settle(file.write(0, [utf8("since")]));
    index.write({ puts: [{ key: utf8("key"), value: utf8("since") }], deletes: [] });
    machine.kill();
    other.kill();
    for (const one of [machine, other]) {
      one.putData(data);
      one.restart();
      one.crash();
      const again = one.restart();
      const copy = await one.scheduler.settle(again.disk.open("folder/file", "read"));
      equal(text(await one.scheduler.settle(copy.read(0, 100))), "then");
      equal(text((await one.scheduler.settle(again.indexes.open("index"))).get(utf8("key"))!), "then");
    }
  });

  test("is reached over the links of its endpoint, whatever its name is", async () => {
    const scheduler = new SimScheduler();
    const links = new SimLinks(new Prng(1));
    const network = new SimNetwork(scheduler, links, new Prng(2));
    const make = (id: number) => createSimEnv({ seed: id, scheduler, network, label: `n${id}`, endpoint: id });
    const [client, server] = [make(1), make(2)];
    const listener = await server.env.network.listen(TEST_NETWORK_LISTEN, (connection) => connection.destroy());
    const connect = () => client.env.network.connect({ host: "n2", port: listener.port, timeoutMillis: 1_000 });
    (await scheduler.settle(connect())).destroy();
    links.cut(1, 2);
    await rejects(scheduler.settle(connect()), (error) => hasCode(error, "CONNECT_TIMED_OUT"));
  });

  test("that stands still does everything later, and its clock goes on", async () => {
    const machine = createSimEnv({ seed: 1 });
    let firedAt = 0;
    machine.env.timers.after(10, () => {
      firedAt = machine.clock.monotonic();
    });
    machine.pause(5_000);
    await machine.scheduler.run();
    equal(firedAt, 5_000);
  });

  test("loses its clients with its power: they learn it, its own code does not", async () => {
    const machine = createSimEnv({ seed: 1 });
    const { scheduler, http } = machine;
    let ended = 0;
    const listener = await machine.env.http.listen(TEST_LISTEN, (exchange) => {
      void exchange.body.read().then(() => exchange.reply(200, []).finally(() => ended++));
      machine.crash();
    });
    const lost = http.request(listener.port, { method: "PUT", target: "/", body: utf8("x") });
    await rejects(scheduler.settle(lost), (error) => hasCode(error, "CONNECTION_LOST"));
    await rejects(http.request(listener.port, { method: "GET", target: "/" }), (error) =>
      hasCode(error, "CONNECTION_LOST"),
    );
    await scheduler.run();
    equal(ended, 0);
    const again = await machine.restart().http.listen({ ...TEST_LISTEN, port: listener.port }, (exchange) => {
      void exchange.reply(200, [], utf8("back"));
    });
    const reply = await scheduler.settle(http.request(again.port, { method: "GET", target: "/" }));
    equal(text(reply.body), "back");
  });

  test("is reached over the network that it shares with others, by its name, as long as it runs", async () => {
    const scheduler = new SimScheduler();
    const network = new SimNetwork(scheduler, new SimLinks(new Prng(1)), new Prng(2));
    const [one, two] = ["one", "two"].map((label) => createSimEnv({ seed: 1, scheduler, network, label }));
    const fixture = {
      server: one!.env.network,
      client: two!.env.network,
      host: "one",
      settle: <T>(promise: Promise<T>) => scheduler.settle(promise),
      async [Symbol.asyncDispose]() {},
    };
    for (const end of ["kill", "crash"] as const) {
      const pair = await connectedPair({ ...fixture, server: one!.env.network });
      pair.client.connection.send(utf8("hello"));
      await scheduler.settle(pair.server.until(({ text }) => text === "hello"));
      one![end]();
      if (end === "crash") one!.restart();
      pair.client.connection.send(utf8("?"));
      await scheduler.settle(pair.client.until(({ isClosed }) => isClosed));
      ok(hasCode(pair.client.closings[0], "CONNECTION_RESET"));
      if (end === "kill") one!.restart();
    }
    const alone = createSimEnv({ seed: 1, label: "alone" });
    await using pair = await connectedPair({
      ...fixture,
      server: alone.env.network,
      client: alone.env.network,
      host: "127.0.0.1",
      settle: (promise) => alone.scheduler.settle(promise),
    });
    equal(pair.client.connection.remoteAddress, "alone");
  });

  test("hashes in turns of the simulation, and two machines share one time", async () => {
    const scheduler = new SimScheduler();
    const [one, two] = [
      createSimEnv({ seed: 1, scheduler, label: "one" }),
      createSimEnv({ seed: 2, scheduler, label: "two" }),
    ];
    const events = scheduler.eventsRun;
    using hasher = one.env.compute.hasher(["crc32"], 1_000_000);
    const done = (async () => {
      for (let at = 0; at < 10; at++) await hasher.update(new Uint8Array(100_000));
      return hasher.digest();
    })();
    equal((await scheduler.settle(done)).get("crc32")?.length, 4);
    ok(scheduler.eventsRun > events);
    notEqual(one.env.random.u32(), two.env.random.u32());
    two.env.timers.after(100, () => {});
    await scheduler.run();
    equal(one.clock.monotonic(), 100);
  });
});

/** A process that appends records to a file and an index, on a machine that fails it in every way. */
async function hashOfRun(seed: number): Promise<string> {
  const machine = createSimEnv({
    seed,
    disk: { slowChance: 0.05, slowMillis: 50, writeErrorChance: 0.01, syncErrorChance: 0.01, rotChance: 0.01 },
    index: { damagedChance: 0.2, emptiedChance: 0.2 },
    clock: { driftPartsPerMillion: 200 },
  });
  const { scheduler } = machine;
  for (let life = 0; life < 12; life++) {
    work(machine.env, scheduler).catch((error: unknown) => {
      ok(hasCode(error, "DISK_FAILED") || hasCode(error, "INDEX_DAMAGED"), String(error));
      scheduler.trace(String(error));
    });
    await scheduler.run(scheduler.nowMillis + 20 + life * 5);
    if (life % 4 === 0) machine.pause(30);
    if (life % 3 === 0) machine.kill();
    else machine.crash();
    machine.restart();
    await traceFiles(machine);
  }
  return scheduler.traceHash;
}

async function work(env: Env, scheduler: SimScheduler): Promise<void> {
  const index = await openIndex(env);
  const name = `log-${env.random.u32()}`;
  const file = await env.disk.open(name, "create");
  await env.disk.syncDirectory("");
  for (let at = 0; ; at++) {
    const writes = [0, 1, 2].map((part) => file.write(at * 3_000 + part * 1_000, [env.random.bytes(1_000)]));
    await Promise.all(writes);
    await file.sync();
    index.write({ puts: [{ key: utf8(`${name} ${at}`), value: env.random.bytes(20) }], deletes: [] });
    if (at % 3 === 0) await index.flush();
    scheduler.trace(`${env.clock.now()} ${index.scan({ limit: 1_000 }).length}`);
    await new Promise<void>((resolve) => void env.timers.after(1 + (env.random.u32() % 5), resolve));
  }
}

async function openIndex(env: Env): Promise<Awaited<ReturnType<Env["indexes"]["open"]>>> {
  try {
    return await env.indexes.open("index");
  } catch (error) {
    if (!hasCode(error, "INDEX_DAMAGED")) throw error;
    await env.indexes.remove("index");
    return env.indexes.open("index");
  }
}

/** Puts what the disk has after a crash into the trace. */
async function traceFiles(machine: SimMachine): Promise<void> {
  const { scheduler } = machine;
  const { disk } = machine.env;
  for (const name of await scheduler.settle(disk.list(""))) {
    const file = await scheduler.settle(disk.open(name, "read"));
    const bytes = await scheduler.settle(file.read(0, 100_000));
    let sum = 0;
    for (const byte of bytes) sum = (Math.imul(sum, 31) + byte) | 0;
    scheduler.trace(`${name} ${bytes.length} ${sum}`);
  }
  deepEqual(machine.isRunning, true);
}
