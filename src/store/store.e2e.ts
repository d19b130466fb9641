// The replicated engine on a real disk with LMDB: processes that are killed, and index files that are cut, overwritten
// or gone.

import assert from "node:assert/strict";
import { type ChildProcess, spawn } from "node:child_process";
import { once } from "node:events";
import { mkdtemp, open, rm, stat, truncate } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { createNodeEnv } from "../env/node/index.ts";
import { text, utf8 } from "../std/bytes.ts";
import { Prng } from "../std/prng.ts";
import { listCheckpoints } from "./checkpoint.ts";
import { STORE_CONFORMANCE_TESTS, storeConformance } from "./conformance.ts";
import { HostedStore } from "./testing/hosted-store.ts";
import { allRowsOf, REAL_STORE, ROW_TABLE } from "./testing/real-store.ts";

const PAGE_BYTES = 4096;

class DataDirectory implements AsyncDisposable {
  readonly path: string;

  static async make(): Promise<DataDirectory> {
    return new DataDirectory(await mkdtemp(join(tmpdir(), "ashlar-store-")));
  }

  constructor(path: string) {
    this.path = path;
  }

  get indexFile(): string {
    return join(this.path, "index", "data.mdb");
  }

  async open(): Promise<RealStore> {
    const env = await createNodeEnv({ dataDirectory: this.path });
    return new RealStore(await HostedStore.start(env, REAL_STORE), env);
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await rm(this.path, { recursive: true });
  }
}

class RealStore implements AsyncDisposable {
  readonly hosted: HostedStore;
  readonly #env: AsyncDisposable;

  constructor(hosted: HostedStore, env: AsyncDisposable) {
    this.hosted = hosted;
    this.#env = env;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.hosted.close();
    await this.#env[Symbol.asyncDispose]();
  }
}

/** Until checkpoints were written and log was given up for them. */
async function writeMuch({ store, log }: HostedStore, from: number): Promise<void> {
  for (let number = from; number < from + 1500; number += 50) {
    await Promise.all(
      Array.from({ length: 50 }, (_, at) => {
        const key = utf8(`row ${(number + at) % 700}`);
        return store.commit({ puts: [{ table: ROW_TABLE, key, value: utf8(String(number + at).padEnd(400, ".")) }] });
      }),
    );
  }
  await store.checkpoint();
  assert.ok(log.group(1).compaction.index > 0);
}

async function overwrite(path: string, position: number, bytes: Uint8Array): Promise<void> {
  await using file = await open(path, "r+");
  await file.write(bytes, 0, bytes.length, position);
}

const DAMAGES: readonly { readonly name: string; readonly apply: (file: string, prng: Prng) => Promise<void> }[] = [
  { name: "deleted", apply: (file) => rm(file) },
  { name: "cut to half", apply: async (file) => truncate(file, Math.floor((await stat(file)).size / 2)) },
  { name: "cut to nothing", apply: (file) => truncate(file, 0) },
  { name: "overwritten in its meta pages", apply: (file, prng) => overwrite(file, 0, prng.bytes(2 * PAGE_BYTES)) },
  {
    name: "overwritten in every page behind them",
    apply: async (file, prng) => overwrite(file, 2 * PAGE_BYTES, prng.bytes((await stat(file)).size - 2 * PAGE_BYTES)),
  },
  {
    name: "overwritten in one page",
    async apply(file, prng) {
      const pages = Math.floor((await stat(file)).size / PAGE_BYTES);
      await overwrite(file, PAGE_BYTES * (2 + prng.below(pages - 2)), prng.bytes(PAGE_BYTES));
    },
  },
];

describe("a Store over LMDB", () => {
  for (const { name, apply } of DAMAGES) {
    test(`has all its rows after its index file was ${name}, though the log was given up long before`, async () => {
      await using directory = await DataDirectory.make();
      const prng = new Prng(name.length);
      let before: Awaited<ReturnType<typeof allRowsOf>>;
      {
        await using real = await directory.open();
        await writeMuch(real.hosted, 0);
        await writeMuch(real.hosted, 1500);
        before = await allRowsOf(real.hosted);
      }
      for (let round = 0; round < 3; round++) {
        await apply(directory.indexFile, prng);
        await using real = await directory.open();
        assert.deepEqual(await readAll(real, directory), before);
      }
      await using real = await directory.open();
      assert.equal(real.hosted.store.counters.indexRebuilds, 0, "once rebuilt it is whole");
    });
  }

  test("loses nothing that it acknowledged when it is killed, again and again, also with a damaged index", {
    timeout: 120_000,
  }, async () => {
    await using directory = await DataDirectory.make();
    const prng = new Prng(1);
    const acknowledged = new Set<number>();
    for (let round = 0; round < 6; round++) {
      const target = acknowledged.size + 400 + prng.below(800);
      await writeUntilKilled(directory.path, round * 1_000_000, acknowledged, target);
      if (round % 2 === 1) await DAMAGES[prng.below(DAMAGES.length)]!.apply(directory.indexFile, prng);
      await using real = await directory.open();
      const rows = await readAll(real, directory);
      checkRows(
        rows.map((row) => text(row.key)),
        acknowledged,
      );
    }
    await using real = await directory.open();
    // The third is there where the kill came between a new checkpoint and the removal of the oldest.
    const checkpoints = await listCheckpoints(real.hosted.env.disk, "store");
    assert.ok(checkpoints.length === 2 || checkpoints.length === 3, `${checkpoints.length} checkpoints`);
    assert.ok(real.hosted.log.group(1).compaction.index > 0);
  });
});

/** A row that turns out damaged is not served; then one more start rebuilds the index. */
async function readAll(real: RealStore, directory: DataDirectory): ReturnType<typeof allRowsOf> {
  try {
    return await allRowsOf(real.hosted);
  } catch {
    await real.hosted.close();
  }
  await using again = await directory.open();
  return await allRowsOf(again.hosted);
}

function checkRows(keys: readonly string[], acknowledged: ReadonlySet<number>): void {
  const found = new Set(keys);
  for (const number of acknowledged)
    assert.ok(found.has(`a ${number}`) && found.has(`b ${number}`), `commit ${number}`);
  for (const key of found) {
    const other = key.startsWith("a") ? key.replace("a", "b") : key.replace("b", "a");
    assert.ok(found.has(other), "a commit is there as a whole or not at all");
  }
}

async function writeUntilKilled(path: string, first: number, acknowledged: Set<number>, target: number): Promise<void> {
  const script = fileURLToPath(new URL("./testing/writer-process.ts", import.meta.url));
  const child: ChildProcess = spawn(process.execPath, [script, path, String(first)], {
    stdio: ["ignore", "pipe", "inherit"],
  });
  const exited = once(child, "exit");
  for await (const line of createInterface({ input: child.stdout! })) {
    acknowledged.add(Number(line));
    if (acknowledged.size === target) child.kill("SIGKILL");
  }
  const [, signal] = await exited;
  assert.equal(signal, "SIGKILL");
}

describe("the replicated engine in real time", () => {
  storeConformance({
    test,
    name: "over LMDB",
    async open() {
      const directory = await DataDirectory.make();
      const env = await createNodeEnv({ dataDirectory: directory.path });
      const hosted = await HostedStore.start(env, { segmentBytes: 8 * 1024 * 1024 });
      return {
        hosted,
        store: hosted.store,
        async [Symbol.asyncDispose]() {
          await hosted.close();
          await env[Symbol.asyncDispose]();
          await directory[Symbol.asyncDispose]();
        },
      };
    },
    reopen: ({ hosted }) => hosted.reopen(),
    skip: STORE_CONFORMANCE_TESTS.flatMap(({ name: test, needs }) => {
      if (needs.includes("crash")) return [{ test, reason: "a process can not cut its own power" }];
      if (needs.includes("elapse")) return [{ test, reason: "it would take minutes of real time" }];
      return [];
    }),
  });
});
