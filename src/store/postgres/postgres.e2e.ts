import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { setTimeout as sleep } from "node:timers/promises";
import { PostgresClient } from "../../drivers/postgres/index.ts";
import { createNodeEnv } from "../../env/node/index.ts";
import { hasCode } from "../../std/errors.ts";
import { PostgresProcess } from "../../testing/engines/postgres-process.ts";
import { whyWithout } from "../../testing/engines/programs.ts";
import { temporaryFolder } from "../../testing/server-process.ts";
import { STORE_CONFORMANCE_TESTS, type StoreFixture, storeConformance } from "../conformance.ts";
import type { Store } from "../store.ts";
import { openPostgresStore } from "./open.ts";
import type { PostgresStore } from "./postgres-store.ts";

type Env = Parameters<typeof openPostgresStore>[0]["env"];

const CRASHING = STORE_CONFORMANCE_TESTS.filter(({ needs }) => needs.includes("crash")).map(
  ({ name }) => `PostgreSQL: ${name}`,
);

let schemas = 0;

/** A Store in a schema of its own. */
class PostgresFixture implements StoreFixture {
  readonly #connection: { readonly url: string; readonly schema: string; readonly callMillis: number };
  readonly #env: Env;
  readonly #postgres: PostgresProcess;
  store!: PostgresStore;

  constructor(postgres: PostgresProcess, env: Env) {
    this.#connection = { url: postgres.url, schema: `conformance_${++schemas}`, callMillis: 10_000 };
    this.#env = env;
    this.#postgres = postgres;
  }

  async openStore(): Promise<Store> {
    this.store = await openPostgresStore({ env: this.#env, connection: this.#connection });
    return this.store;
  }

  async reopen(): Promise<Store> {
    await this.store[Symbol.asyncDispose]();
    return this.openStore();
  }

  async crash(): Promise<Store> {
    await this.#postgres.kill();
    await this.#postgres.run();
    return this.reopen();
  }

  /** The database's clock says when leases end: what it compares with can be moved instead. */
  async elapse(millis: number): Promise<void> {
    await using client = await PostgresClient.open({ ...this.#connection, connectionsMax: 1 });
    const text = "update leases set ends = ends - $1::float8 * interval '1 millisecond'";
    await client.read({ text, values: [millis] });
    await sleep(50);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.store[Symbol.asyncDispose]();
  }
}

describe("the engine over PostgreSQL", whyWithout("postgres"), () => {
  let postgres: PostgresProcess;
  let env: Env;
  const parts = new AsyncDisposableStack();
  const bodies = new Map<string, () => Promise<void>>();
  before(async () => {
    postgres = parts.use(await PostgresProcess.start());
    const folder = parts.use(await temporaryFolder("postgres-env"));
    env = parts.use(await createNodeEnv({ dataDirectory: folder.path }));
  });
  after(() => parts.disposeAsync());

  describe("passes what all engines pass", { concurrency: 2 }, () => {
    storeConformance({
      test(name, options, run) {
        if (CRASHING.includes(name)) bodies.set(name, run);
        else test(name, options, run);
      },
      name: "PostgreSQL",
      async open() {
        const fixture = new PostgresFixture(postgres, env);
        await fixture.openStore();
        return fixture;
      },
      reopen: (fixture) => fixture.reopen(),
      crash: (fixture) => fixture.crash(),
      elapse: (fixture, millis) => fixture.elapse(millis),
    });
  });

  describe("keeps what it acknowledged over SIGKILL", () => {
    for (const name of CRASHING) test(name, bodies.get(name));
  });

  test("refuses a server that may lose what it acknowledges, and names each setting", async () => {
    const settings = ["fsync", "full_page_writes", "synchronous_commit"];
    await using unsafe = await PostgresProcess.start({ settings: settings.map((name) => `${name}=off`) });
    const connection = { url: unsafe.url, schema: "unsafe", callMillis: 10_000 };
    await assert.rejects(openPostgresStore({ env, connection }), (error) => {
      assert.ok(hasCode(error, "UNSAFE"));
      assert.deepEqual(error.data["settings"], settings);
      return true;
    });
  });
});
