import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import { describe, test } from "node:test";
import { Prng } from "../../std/prng.ts";
import { OVERHEAD_BYTES, SimDatagrams } from "./datagrams.ts";
import { type LinkFaults, SimLinks } from "./links.ts";
import { SimProcess } from "./process.ts";
import { SimScheduler } from "./scheduler.ts";

function start(faults: Partial<LinkFaults> = {}, seed = 1, queueBytesMax = 1_000_000) {
  const scheduler = new SimScheduler();
  const links = new SimLinks(new Prng(seed), faults);
  const net = new SimDatagrams(scheduler, links, { queueBytesMax });
  const got: number[] = [];
  net.attach("b", (_, bytes) => got.push(bytes[0]!));
  const send = (...numbers: number[]) => numbers.map((number) => net.send("a", "b", Uint8Array.of(number)));
  return { scheduler, links, net, got, send };
}

const numbers = (count: number): number[] => Array.from({ length: count }, (_, at) => at);

describe("simulated datagrams", () => {
  test("arrive whole, after the link's delay, in the order in which they were sent", async () => {
    const { scheduler, got, send, net } = start({ delayMillisMin: 5, delayMillisMax: 50 });
    send(...numbers(100));
    await scheduler.run(4.9);
    deepEqual(got, []);
    await scheduler.run(50.1);
    deepEqual(got, numbers(100));
    deepEqual(net.counts, { sent: 100, delivered: 100, duplicated: 0, lost: 0, refused: 0 });
  });

  test("know who sent them, and reach their own sender too", async () => {
    const { scheduler, net } = start();
    const from: unknown[] = [];
    net.attach(1, (sender) => from.push(sender));
    net.send(1, 1, Uint8Array.of(0));
    net.send("a", 1, Uint8Array.of(0));
    await scheduler.run();
    deepEqual(new Set(from), new Set([1, "a"]));
  });

  test("are lost, doubled and overtaken as often as the faults say", async () => {
    const { scheduler, got, send, net } = start({
      lossChance: 0.2,
      duplicateChance: 0.1,
      stallChance: 0.1,
      stallMillisMax: 10,
    });
    for (const at of numbers(200)) {
      send(at);
      await scheduler.run(scheduler.nowMillis + 0.1);
    }
    await scheduler.run();
    const { lost, duplicated, delivered } = net.counts;
    ok(lost > 20 && lost < 70, `${lost}`);
    ok(duplicated > 5 && duplicated < 40, `${duplicated}`);
    equal(delivered, 200 - lost + duplicated);
    equal(new Set(got).size, 200 - lost);
    notEqual(String(got), String(got.toSorted((left, right) => left - right)));
  });

  test("pass a cut in the other direction only, and what was on its way is lost with it", async () => {
    const { scheduler, links, net, got, send } = start({ delayMillisMin: 1, delayMillisMax: 1 });
    const back: number[] = [];
    net.attach("a", (_, bytes) => back.push(bytes[0]!));
    send(1);
    links.cut("a", "b");
    send(2);
    net.send("b", "a", Uint8Array.of(3));
    await scheduler.run();
    deepEqual([got, back], [[], [3]]);
    links.mend("a", "b");
    send(4);
    await scheduler.run();
    deepEqual(got, [4]);
    equal(net.counts.lost, 2);
  });

  test("do not reach who is isolated or in another group, and do after healing", async () => {
    const { scheduler, links, net } = start();
    const got: string[] = [];
    for (const id of [1, 2, 3, 4]) net.attach(id, (from) => got.push(`${from}${id}`));
    const all = async (): Promise<string[]> => {
      got.length = 0;
      for (const from of [1, 2, 3, 4]) for (const to of [1, 2, 3, 4]) net.send(from, to, Uint8Array.of(0));
      await scheduler.run();
      return got.toSorted();
    };
    links.isolate(3);
    deepEqual(await all(), ["11", "12", "14", "21", "22", "24", "33", "41", "42", "44"]);
    links.mend(1, 3);
    equal(links.link(1, 3).isCut, true, "the isolated stay so");
    links.heal();
    equal((await all()).length, 16);
    links.partition([[1, 2], [3]]);
    links.setLinkFaults(1, 4, { lossChance: 1 });
    deepEqual(await all(), ["11", "12", "21", "22", "24", "33", "34", "41", "42", "43", "44"]);
    links.heal();
    equal((await all()).length, 16);
  });

  test("take on faults while the simulation runs; a link keeps its own", async () => {
    const { links } = start();
    links.setLinkFaults("a", "b", { lossChance: 1 });
    links.setFaults({ lossChance: 0.5, delayMillisMax: 7 });
    deepEqual(links.link("a", "b").faults.lossChance, 1);
    deepEqual(links.link("a", "b").faults.delayMillisMax, 7);
    deepEqual(links.link("b", "a").faults.lossChance, 0.5);
  });

  test("wait for a process that stands still, in order, and are lost with one that ends", async () => {
    const { scheduler, net, got, send } = start({ delayMillisMin: 1, delayMillisMax: 1 });
    const process = new SimProcess(scheduler, "b");
    net.attach("b", (_, bytes) => got.push(bytes[0]!), process);
    process.pause(100);
    send(1, 2);
    await scheduler.run(50);
    process.pause(150);
    send(3);
    await scheduler.run(150);
    equal(got.length, 0);
    send(4);
    await scheduler.run(250);
    deepEqual(got, [1, 2, 3, 4]);
    send(5);
    process.kill();
    await scheduler.run();
    deepEqual(got, [1, 2, 3, 4]);
    net.attach("b", (_, bytes) => got.push(bytes[0]! * 10));
    send(6);
    await scheduler.run();
    deepEqual(got, [1, 2, 3, 4, 60]);
    net.detach("b");
    send(7);
    await scheduler.run();
    equal(net.counts.lost, 2);
  });

  test("are refused where too many are on their way or wait, until those are taken or gone", async () => {
    const { scheduler, net, got, send } = start({}, 1, 3 * (OVERHEAD_BYTES + 1));
    const process = new SimProcess(scheduler, "b");
    net.attach("b", (_, bytes) => got.push(bytes[0]!), process);
    deepEqual(send(1, 2, 3, 4), [true, true, true, false]);
    deepEqual(net.send("a", "c", new Uint8Array(1)), true, "each link has a queue of its own");
    await scheduler.run();
    process.pause(100);
    deepEqual(send(5, 6), [true, true]);
    await scheduler.run(scheduler.nowMillis + 50);
    deepEqual(send(7, 8), [true, false]);
    await scheduler.run();
    deepEqual(got, [1, 2, 3, 5, 6, 7]);
    equal(net.counts.refused, 2);
    process.pause(1_000);
    send(1, 2, 3);
    await scheduler.run(scheduler.nowMillis + 50);
    deepEqual(send(9), [false]);
    process.kill();
    deepEqual(send(9), [true], "what waited for a dead process is in nobody's way");
  });

  test("that are changed after they were sent stop the simulation", async () => {
    const { scheduler, net } = start();
    const bytes = Uint8Array.of(1, 2, 3);
    net.send("a", "b", bytes);
    bytes[1] = 9;
    await rejects(scheduler.run(), /does not change/);
  });

  test("leave the same trace for the same seed, another for other contents and other seeds", async () => {
    const run = async (seed: number, content: number): Promise<string> => {
      const { scheduler, send } = start({ lossChance: 0.3, stallChance: 0.2, stallMillisMax: 3 }, seed);
      send(...numbers(20).map((number) => number + content));
      await scheduler.run();
      return scheduler.traceHash;
    };
    equal(await run(1, 0), await run(1, 0));
    notEqual(await run(1, 0), await run(2, 0));
    notEqual(await run(1, 0), await run(1, 1));
  });

  test("run without a turn of the event loop each, with the same trace, where no promise is waited for", async () => {
    const traces = [];
    for (const isSynchronous of [false, true]) {
      const { scheduler, got, send } = start({ lossChance: 0.1 });
      send(...numbers(200));
      if (isSynchronous) scheduler.runSynchronously(10);
      else await scheduler.run(10);
      ok(got.length > 100);
      equal(scheduler.nowMillis, 10);
      traces.push(scheduler.traceHash);
    }
    equal(traces[0], traces[1]);
  });
});
