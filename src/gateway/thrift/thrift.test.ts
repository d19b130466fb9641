import { deepEqual, equal, match, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { decodeMessage, encodeFrame, encodeMessage } from "../../codec/thrift/index.ts";
import { decodeId, LAYOUTS } from "../../core/id/index.ts";
import { concatBytes, utf8 } from "../../std/bytes.ts";
import { THRIFT_LIMITS } from "./limits.ts";
import { call, exceptionOf, getId, resultOf, ThriftWorld } from "./testing/thrift-world.ts";

const LIMITS = { stringBytesMax: 1_000, depthMax: 16 };

describe("Twitter's Snowflake service over Thrift", () => {
  test("answers its four methods", async () => {
    const world = await ThriftWorld.start();
    const client = await world.client();
    const [id, worker, datacenter, time] = await client.ask(
      getId(1),
      call("get_worker_id", 2),
      call("get_datacenter_id", 3),
      call("get_timestamp", 4),
    );
    deepEqual([id!.sequence, worker!.sequence, datacenter!.sequence, time!.sequence], [1, 2, 3, 4]);
    const decoded = decodeId(resultOf(id!), LAYOUTS.twitter);
    const [status] = world.ids.status().generators;
    deepEqual([status!.generator, status!.worker], ["twitter", decoded.worker]);
    equal(Number(resultOf(datacenter!)) * 32 + Number(resultOf(worker!)), decoded.worker);
    ok(Math.abs(Number(resultOf(time!)) - world.machine.clock.now()) < 5_000);
    await world.close();
  });

  test("gives the two parts of a worker's number as the layout has them", async () => {
    const id = (5n << 22n) | (19n << 17n) | (26n << 12n);
    const world = await ThriftWorld.start({}, { ids: { next: async (_, count = 1) => Array(count).fill(id) } });
    const client = await world.client();
    const replies = await client.ask(call("get_worker_id"), call("get_datacenter_id"));
    deepEqual(replies.map(resultOf), [26n, 19n]);
    await world.close();
  });

  test("answers requests that were sent ahead in their order, with ids that rise", async () => {
    const world = await ThriftWorld.start();
    const client = await world.client();
    const calls = Array.from({ length: 5_000 }, (_, at) => getId(at));
    const replies = await client.ask(...calls);
    deepEqual(
      replies.map(({ sequence }) => sequence),
      calls.map(({ sequence }) => sequence),
    );
    const ids = replies.map(resultOf);
    ok(ids.every((id, at) => at === 0 || id > ids[at - 1]!));
    await world.close();
  });

  test("answers several clients with different ids", async () => {
    const world = await ThriftWorld.start();
    const clients = [await world.client(), await world.client(), await world.client()];
    for (const client of clients) client.send(...Array.from({ length: 100 }, (_, at) => getId(at)));
    await world.run(2_000);
    const ids = clients.flatMap(({ replies }) => replies.map(resultOf));
    deepEqual([ids.length, new Set(ids).size], [300, 300]);
    await world.close();
  });

  test("takes a useragent that is a letter and behind it letters, digits and hyphens, and no other", async () => {
    const world = await ThriftWorld.start();
    const client = await world.client();
    const right = ["a", "Z", "infra-dm", "some-Service99", "a-", "x".repeat(4_096)];
    const wrong = ["", "1", "-a", "9agent", "a b", " a", "a ", "a_b", "a\n", "ä", "a\u0000", "1".repeat(50)];
    for (const useragent of right) resultOf((await client.ask(call("get_id", 1, useragent)))[0]!);
    for (const useragent of [...wrong, undefined]) {
      const [reply] = await client.ask(call("get_id", 1, useragent));
      const [kind, text] = exceptionOf(reply!);
      equal(kind, "internalError", useragent);
      match(text, /^InvalidUserAgentError: /);
    }
    const number = { ...call("get_id"), body: [{ id: 1, value: { type: "i32", value: 1 } }] } as const;
    match(exceptionOf((await client.ask(number))[0]!)[1], /^InvalidUserAgentError: /);
    await world.close();
  });

  test("tells a clock that was set back as InvalidSystemClock, makes nothing, and goes on once it has caught up", async () => {
    const world = await ThriftWorld.start();
    const client = await world.client();
    const first = resultOf((await client.ask(getId()))[0]!);
    world.machine.clock.jump(-60_000);
    const [kind, text] = exceptionOf((await client.ask(getId()))[0]!);
    equal(kind, "internalError");
    match(text, /^InvalidSystemClock: /);
    await world.run(60_000);
    const next = await world.client();
    ok(resultOf((await next.ask(getId()))[0]!) > first);
    await world.close();
  });

  test("tells why there is no id, and not what a bug says", async () => {
    let failure: Error = new Error("the secret of a bug");
    const world = await ThriftWorld.start({}, { ids: { next: async () => Promise.reject(failure) } });
    const client = await world.client();
    const [kind, text] = exceptionOf((await client.ask(getId()))[0]!);
    deepEqual([kind, text.includes("secret")], ["internalError", false]);
    deepEqual(world.unexpected, [failure]);
    await world.ids.next("none").catch((error: Error) => {
      failure = error;
    });
    match(exceptionOf((await client.ask(getId()))[0]!)[1], /^GENERATOR_MISSING: There is no generator none\. /);
    equal(world.unexpected.length, 1);
    await world.close();
  });

  test("refuses a method that there is not, and goes on", async () => {
    const world = await ThriftWorld.start();
    const client = await world.client();
    const [unknown, id] = await client.ask(call("get_ids"), getId());
    deepEqual(exceptionOf(unknown!), ["unknownMethod", "Invalid method name: 'get_ids'"]);
    resultOf(id!);
    await world.close();
  });

  test("refuses what is no call, and arguments that can not be read, and goes on", async () => {
    const world = await ThriftWorld.start();
    const client = await world.client();
    equal(exceptionOf((await client.ask({ ...getId(), kind: "reply" }))[0]!)[0], "invalidMessageType");
    const damaged = encodeFrame(getId(9));
    damaged[damaged.length - 1] = 99;
    client.connection.send(damaged);
    const [refused, id] = await client.ask(getId(10));
    deepEqual([refused!.sequence, exceptionOf(refused!)[0]], [9, "protocolError"]);
    resultOf(id!);
    await world.close();
  });

  test("answers nothing to a call that wants no answer", async () => {
    const world = await ThriftWorld.start();
    const client = await world.client();
    const replies = await client.ask({ ...getId(1), kind: "oneway" }, getId(2));
    deepEqual(
      replies.map(({ sequence }) => sequence),
      [2],
    );
    await world.close();
  });

  test("answers with the header that it was asked with", async () => {
    const world = await ThriftWorld.start();
    const client = await world.client();
    const replies = await client.ask({ ...getId(), isStrict: false }, getId(), { ...call("x"), isStrict: false });
    deepEqual(
      replies.map(({ isStrict }) => isStrict),
      [false, true, false],
    );
    await world.close();
  });
});

describe("clients that are no good", () => {
  test("one without frames is told so in its own form, and its connection ends", async () => {
    const world = await ThriftWorld.start();
    const client = await world.client();
    client.connection.send(encodeMessage(getId()));
    await world.run(100);
    equal(client.isEnded, true);
    const message = decodeMessage(client.received, LIMITS);
    const [kind, text] = exceptionOf(message);
    equal(kind, "protocolError");
    match(text, /TFramedTransport/);
    await world.run(THRIFT_LIMITS.lingerMillis * 2);
    deepEqual([client.isClosed, world.gateway.clients], [true, 0]);
    await world.close();
  });

  test("one without frames and with the old header finds its connection ended", async () => {
    const world = await ThriftWorld.start();
    const client = await world.client();
    client.connection.send(encodeMessage({ ...getId(), isStrict: false }));
    await world.run(100);
    equal(client.isEnded, true);
    await world.close();
  });

  test("a frame beyond the limit ends the connection, behind the answers to what came before", async () => {
    const world = await ThriftWorld.start();
    const client = await world.client();
    const long = call("get_id", 2, "x".repeat(THRIFT_LIMITS.frameBytesMax));
    client.send(getId(1), long, getId(3));
    await world.run(1_000);
    equal(client.isEnded, true);
    const [id, refused, ...more] = client.replies;
    resultOf(id!);
    deepEqual([exceptionOf(refused!)[0], more.length], ["protocolError", 0]);
    await world.close();
  });

  test("a text beyond the limit is refused, and the connection goes on", async () => {
    const world = await ThriftWorld.start();
    const client = await world.client();
    const [refused, id] = await client.ask(call("get_id", 1, "x".repeat(THRIFT_LIMITS.stringBytesMax + 1)), getId(2));
    equal(exceptionOf(refused!)[0], "protocolError");
    resultOf(id!);
    await world.close();
  });

  test("a frame that holds no message ends the connection", async () => {
    const world = await ThriftWorld.start();
    const client = await world.client();
    client.connection.send(concatBytes([Uint8Array.of(0, 0, 0, 6), utf8("get_id")]));
    await world.run(100);
    equal(client.isEnded, true);
    equal(exceptionOf(client.replies[0]!)[0], "protocolError");
    await world.close();
  });

  test("one more than there may be is turned away, and comes in once another one has gone", async () => {
    const world = await ThriftWorld.start({ connectionsMax: 2 });
    const [first] = [await world.client(), await world.client()];
    const third = await world.client();
    await world.run(1_000);
    deepEqual([third.isClosed, world.gateway.clients], [true, 2]);
    first.connection.destroy();
    await world.run(1_000);
    const fourth = await world.client();
    resultOf((await fourth.ask(getId()))[0]!);
    await world.close();
  });

  test("one that says nothing is closed after the idle time, one that speaks is not", async () => {
    const world = await ThriftWorld.start({ idleMillisMax: 10_000 });
    const [quiet, busy] = [await world.client(), await world.client()];
    for (let at = 0; at < 4; at++) {
      await world.run(4_000);
      busy.send(getId(at));
    }
    await world.run(100);
    deepEqual([quiet.isClosed, busy.isClosed, busy.replies.length], [true, false, 4]);
    await world.run(12_000);
    equal(busy.isClosed, true);
    await world.close();
  });

  test("one that begins a frame and does not end it is closed after the idle time", async () => {
    const world = await ThriftWorld.start({ idleMillisMax: 10_000 });
    const client = await world.client();
    client.connection.send(Uint8Array.of(0, 0, 0, 50, 1, 2, 3));
    await world.run(11_000);
    deepEqual([client.isClosed, world.gateway.clients], [true, 0]);
    await world.close();
  });

  test("one that does not take its answers is answered no further than a limit, and gone after the idle time", async () => {
    let asked = 0;
    const next = async (_: string, count = 1): Promise<bigint[]> => {
      asked += count;
      return Array(count).fill(1n);
    };
    const world = await ThriftWorld.start({ idleMillisMax: 10_000 }, { ids: { next } });
    const client = await world.client();
    client.connection.pause();
    const calls = Array.from({ length: 100 }, (_, at) => getId(at));
    for (let at = 0; at < 1_000; at++) client.send(...calls);
    await world.run(5_000);
    ok(asked < 50_000, `${asked} of 100,000 were answered`);
    await world.run(10_000);
    equal(world.gateway.clients, 0);
    await world.close();
  });
});

test("a gateway that closes answers what has come, and cuts off who stays", async () => {
  let grant: (ids: bigint[]) => void = () => {};
  const next = (): Promise<bigint[]> =>
    new Promise((resolve) => {
      grant = resolve;
    });
  const world = await ThriftWorld.start({ drainMillis: 5_000 }, { ids: { next } });
  const [asks, stuck] = [await world.client(), await world.client()];
  asks.send(getId());
  await world.run(100);
  const answerFirst = grant;
  stuck.send(getId());
  await world.run(100);
  const closed = world.gateway[Symbol.asyncDispose]();
  await world.run(100);
  answerFirst([77n]);
  await world.run(1_500);
  deepEqual([asks.replies.map(resultOf), asks.isClosed, stuck.isClosed], [[77n], true, false]);
  await world.run(5_000);
  equal(stuck.isClosed, true);
  await closed;
  await world.close();
});
