import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { EtcdProcess } from "../../testing/engines/etcd-process.ts";
import { whyWithout } from "../../testing/engines/programs.ts";
import { STORE_CONFORMANCE_TESTS, type StoreFixture, storeConformance } from "../conformance.ts";
import type { Store } from "../store.ts";
import type { EtcdStore } from "./etcd-store.ts";
import { openEtcdStore } from "./open.ts";

function needing(need: "elapse" | "crash"): readonly string[] {
  return STORE_CONFORMANCE_TESTS.filter(({ needs }) => needs.includes(need)).map(({ name }) => `etcd: ${name}`);
}

const TIMED = needing("elapse");
const CRASHING = needing("crash");

let prefixes = 0;

/** A Store under a prefix of its own. */
class EtcdFixture implements StoreFixture {
  readonly #etcd: EtcdProcess;
  readonly #prefix = `/conformance-${++prefixes}/`;
  store!: EtcdStore;

  constructor(etcd: EtcdProcess) {
    this.#etcd = etcd;
  }

  static async open(etcd: EtcdProcess): Promise<EtcdFixture> {
    const fixture = new EtcdFixture(etcd);
    await fixture.openStore();
    return fixture;
  }

  async openStore(): Promise<Store> {
    const connection = { endpoints: [this.#etcd.endpoint], callMillis: 10_000 };
    this.store = await openEtcdStore({ connection, prefix: this.#prefix });
    return this.store;
  }

  async reopen(): Promise<Store> {
    await this.store[Symbol.asyncDispose]();
    return this.openStore();
  }

  async crash(): Promise<Store> {
    await this.#etcd.kill();
    await this.#etcd.run();
    return this.reopen();
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
  }
}

describe("the engine over etcd", whyWithout("etcd"), () => {
  let etcd: EtcdProcess;
  const bodies = new Map<string, () => Promise<void>>();
  before(async () => {
    etcd = await EtcdProcess.start();
  });
  after(() => etcd[Symbol.asyncDispose]());

  describe("passes what all engines pass", () => {
    storeConformance({
      test(name, options, run) {
        if (TIMED.includes(name) || CRASHING.includes(name)) bodies.set(name, run);
        else test(name, options, run);
      },
      name: "etcd",
      open: () => EtcdFixture.open(etcd),
      reopen: (fixture) => fixture.reopen(),
      crash: (fixture) => fixture.crash(),
      elapse: (_, millis) => sleep(millis),
    });
  });

  // Real time has to pass for them, which must not be taken up by others.
  describe("times leases", { concurrency: TIMED.length }, () => {
    for (const name of TIMED) test(name, bodies.get(name));
  });

  describe("keeps what it acknowledged over SIGKILL", () => {
    for (const name of CRASHING) test(name, bodies.get(name));
  });
});
