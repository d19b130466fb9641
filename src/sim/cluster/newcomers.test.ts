import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { SimLinks, SimMachine, SimNetwork, SimScheduler } from "../../env/sim/index.ts";
import { beginCluster, composeNode, Logger, type RunningNode, readClusterFile } from "../../server/index.ts";
import { utf8 } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import { serverOptions } from "./server-options.ts";

// What the simulation found about nodes that are on their way into a cluster, each case by itself.

describe("a newcomer", () => {
  test("that nobody heard when it claimed its first start gets in once it is heard", async () => {
    const world = new Servers(2);
    await world.begin();
    const joining = world.start(2);
    while ((await world.settle(readClusterFile(world.machine(2).env.disk))) === undefined) await world.run(1);
    world.links.isolate("n2");
    // Its claim is given up, and it waits for a leader.
    await world.run(8_000);
    world.links.heal();
    ok(await world.settle(joining));
  });

  test("that knows only a node that is gone is told by who leads where the others are", async () => {
    const world = new Servers(5);
    await world.begin();
    for (const id of [2, 3, 4, 5]) await world.settle(world.start(id));
    await world.run(3_000);
    // As it is where it was stopped before anybody had sent it the group's state.
    const machine = world.machine(5);
    const file = (await world.settle(readClusterFile(machine.env.disk)))!;
    machine.kill();
    const { folders, files } = machine.copyData().files;
    const left = new Map([...files].filter(([name]) => !/^(log|store|raft)\//.test(name)));
    const members = file.members.filter(({ id }) => id === 1);
    equal(members.length, 1);
    left.set("cluster.json", utf8(JSON.stringify({ ...file, members })));
    machine.putData({ files: { folders, files: left }, indexes: new Map() });
    world.machine(1).kill();
    machine.restart();
    ok(await world.settle(world.start(5)));
    await world.run(2_000);
    const known = (await world.settle(readClusterFile(machine.env.disk)))!.members.map(({ id }) => id);
    deepEqual(known, [1, 2, 3, 4, 5]);
  });
});

const SETTLE_MILLIS_MAX = 60_000;

/** Machines on one network, the first of which begins a cluster. */
class Servers {
  readonly links: SimLinks;
  readonly #scheduler = new SimScheduler();
  readonly #machines: readonly SimMachine[];
  #token = "";

  constructor(count: number) {
    const prng = new Prng(1);
    this.links = new SimLinks(prng.fork());
    const [scheduler, network] = [this.#scheduler, new SimNetwork(this.#scheduler, this.links, prng.fork())];
    this.#machines = Array.from({ length: count }, (_, at) => {
      return new SimMachine({ seed: prng.u32(), scheduler, network, label: `n${at + 1}` });
    });
  }

  machine(id: number): SimMachine {
    return this.#machines[id - 1]!;
  }

  settle<T>(promise: Promise<T>): Promise<T> {
    return this.#scheduler.settle(promise, SETTLE_MILLIS_MAX);
  }

  run(millis: number): Promise<void> {
    return this.#scheduler.run(this.#scheduler.nowMillis + millis);
  }

  async begin(): Promise<void> {
    const { env } = this.machine(1);
    this.#token = await this.settle(beginCluster(env, { name: "test", tls: false, zone: "" }));
    await this.settle(this.start(1));
  }

  /** Resolves once it is ready. */
  start(id: number): Promise<RunningNode> {
    const { env } = this.machine(id);
    const join = id === 1 ? undefined : "n1:9200";
    return composeNode({
      env,
      options: serverOptions({ host: `n${id}`, join, joinToken: this.#token, segmentBytes: 131_072 }),
      version: "test",
      console: { read: async () => undefined },
      logger: new Logger(env.clock, "text", () => {}),
      onFatal: () => {},
    });
  }
}
