import assert from "node:assert/strict";
import { test } from "node:test";
import { type ServerProcess, startServerProcess, temporaryFolder } from "../testing/server-process.ts";
import { runCommandLine } from "./run.ts";

function commandsOf(server: ServerProcess) {
  const environment = { ASHLAR_API: server.api, ASHLAR_DATA_DIR: server.dataDir };
  return async (...args: string[]) => {
    let [out, err] = ["", ""];
    const streams = {
      out: { write: (chunk: string | Uint8Array) => void (out += String(chunk)) },
      err: { write: (text: string) => void (err += text) },
    };
    const signal = new AbortController().signal;
    const code = await runCommandLine(["id", ...args], { streams, environment, signal });
    return { code, out, err };
  };
}

test("ids and numbers do not come again when the server was killed", async () => {
  await using folder = await temporaryFolder("ids");
  const seen = new Set<string>();
  let last = 0n;
  for (let life = 0; life < 3; life++) {
    await using server = await startServerProcess({ dataDir: folder.path });
    const id = commandsOf(server);
    if (life === 0) await id("tag", "add", "orders", "--step", "10");
    const ids = (await id("next", "--count", "5000")).out.trimEnd().split("\n");
    assert.ok(BigInt(ids[0]!) > last);
    last = BigInt(ids.at(-1)!);
    const numbers = (await id("next", "--tag", "orders", "--count", "25")).out.trimEnd().split("\n");
    for (const each of [...ids, ...numbers]) seen.add(each);
    assert.equal(seen.size, (life + 1) * 5025);
    await server.kill();
  }
});

test("ashlar id makes ids, explains them, and keeps tags and generators", async () => {
  await using server = await startServerProcess();
  const id = commandsOf(server);
  const one = await id("next");
  assert.match(one.out, /^\d{19}\n$/, one.err);
  const many = (await id("next", "leaf", "--count", "150000")).out.trimEnd().split("\n");
  assert.equal(new Set(many).size, 150_000);
  const decoded = await id("decode", one.out.trim(), "--json");
  const readings: readonly { readonly kind: string; readonly fields: readonly object[] }[] = JSON.parse(
    decoded.out,
  ).items;
  assert.deepEqual(readings.find(({ kind }) => kind === "twitter")!.fields.slice(1, 3), [
    { name: "datacenter", bits: 5, value: "0" },
    { name: "worker", bits: 5, value: "0" },
  ]);
  assert.equal(
    (await id("decode", "1541815603606036480", "--layout", "twitter")).out.split("\n")[2],
    "time                2022-06-28T16:07:40.105Z",
  );

  const added = await id("tag", "add", "orders", "--step", "10");
  assert.equal(added.out, "Created tag orders, whose next number is 1.\n", added.err);
  assert.equal((await id("next", "--tag", "orders", "--count", "3")).out, "1\n2\n3\n");
  assert.match((await id("tags")).out, /^TAG +ORDER +STEP +NEXT +UPDATED +DESCRIPTION\norders +node +10 +\d+ /);
  assert.equal(
    (await id("tag", "set", "orders", "--first", "5000")).out,
    "Tag orders has step 10; the next block begins with 5000.\n",
  );
  assert.equal((await id("tag", "rm", "orders")).code, 0);
  const gone = await id("next", "--tag", "orders");
  assert.match(gone.err, /There is no tag orders/);

  const made = await id("generator", "add", "mine", "--epoch", "2026-01-01T00:00:00Z", "--worker-first", "7");
  assert.match(made.out, /mine +own +41\+10\+12 +1 ms +2026-01-01T00:00:00.000Z +7 to 1023/, made.err);
  assert.match((await id("next", "mine")).out, /^\d+\n$/);
  assert.equal((await id("generator", "rm", "mine")).code, 0);
  const unknown = await id("generator", "add", "other", "--layout", "zork");
  assert.match(unknown.err, /^ashlar: --layout is no known layout; known are twitter, leaf, .*\. Add --help to see/);
});
