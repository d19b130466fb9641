import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { createHash, randomBytes } from "node:crypto";
import { once } from "node:events";
import { mkdir, readdir, readFile, stat, writeFile } from "node:fs/promises";
import { createServer } from "node:net";
import { join } from "node:path";
import { createInterface } from "node:readline";
import { after, before, describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { S3TestClient } from "../testing/s3-client.ts";
import { type ServerProcess, startServerProcess, temporaryFolder } from "../testing/server-process.ts";
import { runCommandLine } from "./run.ts";
import { commandsWithResults } from "./testing/commands-with-results.ts";

// The command line as people use it: real processes against a real server.

const LAUNCHER = process.env["ASHLAR_LAUNCHER"] ?? fileURLToPath(new URL("../../bin/ashlar.js", import.meta.url));
const REPOSITORY = fileURLToPath(new URL("../..", import.meta.url));
const SHAPES = new URL("./testdata/json-shapes.json", import.meta.url);
const RESERVE = ["--space-reserve-bytes", "64MiB"];

interface Ran {
  readonly code: number | null;
  readonly out: string;
  readonly err: string;
}

function ashlar(args: readonly string[], environment: NodeJS.ProcessEnv = {}, input?: Uint8Array): Promise<Ran> {
  const child = spawn(process.execPath, [LAUNCHER, ...args], { env: { ...process.env, ...environment } });
  const out: Buffer[] = [];
  let err = "";
  child.stdout.on("data", (chunk: Buffer) => out.push(chunk));
  child.stderr.on("data", (chunk: Buffer) => {
    err += chunk.toString();
  });
  child.stdin.end(input);
  return new Promise((resolve) => {
    child.on("close", (code) => resolve({ code, out: Buffer.concat(out).toString("latin1"), err }));
  });
}

/** In this process, which is quicker where only the answer counts. */
async function quick(args: readonly string[], environment: NodeJS.ProcessEnv): Promise<Ran> {
  let out = "";
  let err = "";
  const streams = {
    out: { write: (text: string) => void (out += text) },
    err: { write: (text: string) => void (err += text) },
  };
  const code = await runCommandLine(args, { streams, environment, signal: new AbortController().signal });
  return { code, out, err };
}

describe("ashlar on a running server", () => {
  let server: ServerProcess;
  let environment: NodeJS.ProcessEnv;
  let folder: Awaited<ReturnType<typeof temporaryFolder>>;
  const run = (...args: string[]) => ashlar(args, environment);

  before(async () => {
    folder = await temporaryFolder("cli");
    server = await startServerProcess({ args: RESERVE });
    environment = { ASHLAR_API: server.api, ASHLAR_DATA_DIR: server.dataDir };
  });
  after(async () => {
    await server[Symbol.asyncDispose]();
    await folder[Symbol.asyncDispose]();
  });

  test("says how it is, with the root key of its data folder", async () => {
    const { code, out } = await run("status");
    assert.equal(code, 0);
    assert.match(out, /^Everything is in order: 0 buckets, and .* are free\.\n/);
  });

  test("stores files and gives them back, byte for byte", async () => {
    assert.equal((await run("bucket", "create", "photos")).code, 0);
    const file = join(folder.path, "photo.bin");
    const bytes = randomBytes(3_000_000);
    await writeFile(file, bytes);
    assert.equal((await run("object", "put", file, "photos/2026/")).code, 0);
    const back = await run("object", "get", "photos/2026/photo.bin", "-");
    assert.deepEqual([back.code, back.err], [0, ""]);
    assert.ok(Buffer.from(back.out, "latin1").equals(bytes));
    const copy = join(folder.path, "copy.bin");
    assert.equal((await run("object", "get", "photos/2026/photo.bin", copy)).code, 0);
    assert.ok((await readFile(copy)).equals(bytes));
    const other = new S3TestClient(server.s3, server);
    const overS3 = await other.call({ method: "GET", target: "/photos/2026/photo.bin" });
    other.close();
    assert.ok(bytes.equals(overS3.body), "S3 has the same object");
  });

  test("stores what comes through a pipe, however long it is", async () => {
    await run("bucket", "create", "pipes");
    const bytes = randomBytes(9_000_001);
    const put = await ashlar(["object", "put", "-", "pipes/stream", "--json"], environment, bytes);
    assert.equal(put.code, 0, put.err);
    assert.equal(JSON.parse(put.out).items[0].sizeBytes, bytes.length);
    const back = await run("object", "get", "pipes/stream", "-");
    assert.ok(Buffer.from(back.out, "latin1").equals(bytes));
  });

  test("copies folders there and back, and no key leads out of one", async () => {
    await run("bucket", "create", "folders");
    const source = join(folder.path, "tree");
    const files: Record<string, string> = {
      "a.txt": "1",
      "sub/b.txt": "22",
      "sub/deep/ü c.txt": "333",
      "empty.txt": "",
    };
    for (const [name, content] of Object.entries(files)) {
      await mkdir(join(source, name, ".."), { recursive: true });
      await writeFile(join(source, name), content);
    }
    const put = await run("object", "put", "--recursive", source, "folders/tree");
    assert.equal(put.out, "Uploaded 4 objects, 6 B.\n");
    const evil = join(folder.path, "evil");
    await writeFile(evil, "evil");
    assert.equal((await run("object", "put", evil, "folders/tree/../../../evil.txt")).code, 0, "any text is a key");
    const target = join(folder.path, "target");
    const get = await run("object", "get", "--recursive", "folders/tree", target);
    assert.equal(get.code, 1);
    assert.match(get.err, /would lead out of the folder/);
    for (const [name, content] of Object.entries(files)) {
      assert.equal(await readFile(join(target, "tree", name), "utf8"), content);
    }
    assert.deepEqual((await readdir(folder.path)).includes("evil.txt"), false);
    assert.equal((await run("object", "rm", "--recursive", "folders/tree/sub")).out, "Deleted 2 objects.\n");
  });

  test("goes on behind a key that can not be a file, and one file that can not be read", async () => {
    await run("bucket", "create", "names");
    const file = join(folder.path, "one");
    await writeFile(file, "1");
    const long = "n".repeat(300);
    for (const key of ["a", `m/${long}`, "z"]) assert.equal((await run("object", "put", file, `names/${key}`)).code, 0);
    const target = join(folder.path, "names");
    const all = await quick(["object", "get", "--recursive", "names/", target], environment);
    assert.deepEqual([all.code, all.out], [1, "Downloaded 2 objects, 2 B.\n"], all.err);
    assert.match(all.err, new RegExp(`^ashlar: m/${long}: .*ENAMETOOLONG`));
    assert.match(all.err, /\nashlar: 1 object could not be transferred\. /);
    const steering = "names/\x1b[31mred\nline";
    assert.equal((await quick(["object", "put", file, steering], environment)).code, 0);
    const listed = await quick(["object", "ls", "names/"], environment);
    assert.match(listed.out, / {2}\\x1b\[31mred\\nline\n/);
    const one = await quick(["object", "get", `names/m/${long}`, `${target}/`], environment);
    assert.deepEqual([one.code, /ENAMETOOLONG.*give it another one\.\n$/.test(one.err)], [1, true], one.err);
    const put = await quick(["object", "put", join(file, "below"), "names/below"], environment);
    assert.match(put.err, /^ashlar: .*one\/below can not be used: ENOTDIR/);
  });

  test("works as another user with that user's rights", async () => {
    const added = JSON.parse(
      (await run("user", "add", "alice", "--policy", "consolereadonly", "--with-key", "--json")).out,
    );
    const { id: ASHLAR_ACCESS_KEY, secret: ASHLAR_SECRET_KEY } = added.key;
    const alice = { ...environment, ASHLAR_ACCESS_KEY, ASHLAR_SECRET_KEY };
    assert.equal((await ashlar(["object", "ls", "photos/"], alice)).code, 0);
    const refused = await ashlar(["bucket", "create", "mine"], alice);
    assert.equal(refused.code, 1);
    assert.match(refused.err, /^ashlar: The caller may not do this\. .* s3:CreateBucket on arn:aws:s3:::mine; .*\n$/);
    const wrong = await ashlar(["status"], { ...alice, ASHLAR_SECRET_KEY: "wrong" });
    assert.deepEqual([wrong.code, wrong.out], [1, ""]);
    assert.ok(!wrong.err.includes("wrong"));
  });

  test("makes links that work without it", async () => {
    const { out } = await run("object", "presign", "photos/2026/photo.bin", "--expires", "60");
    const answer = await fetch(out.trim());
    assert.equal(answer.status, 200);
    assert.equal((await answer.arrayBuffer()).byteLength, 3_000_000);
  });

  test("measures S3", async () => {
    const { code, out, err } = await run(
      "bench",
      "s3",
      "--seconds",
      "1",
      "--objects",
      "20",
      "--connections",
      "4",
      "--json",
    );
    assert.equal(code, 0, err);
    const report = JSON.parse(out);
    assert.deepEqual([report.operation, report.errors], ["mixed", 0]);
    assert.ok(report.requests > 0 && report.latencies.p50 > 0 && report.latencies.p99 >= report.latencies.p50);
    const buckets = JSON.parse((await run("bucket", "ls", "ashlar-bench", "--json")).out).items;
    assert.deepEqual(buckets, [], "what it made is gone");
  });

  test("reads volumes through, by the server and from their files", async () => {
    const online = await run("volume", "verify");
    assert.equal(online.code, 0, online.err);
    const offline = await run("volume", "verify", "--offline");
    assert.equal(offline.code, 0, offline.err);
    assert.match(offline.out, /^VOLUME +NEEDLES +DAMAGED/);
    const inspected = await run("volume", "inspect", "1");
    assert.match(inspected.out, / superblock +volume 1, generation 1, /);
    const log = await run("log", "inspect", server.dataDir);
    assert.equal(log.code, 0, log.err);
    assert.match(log.out, /^SEGMENT +FROM +TO/);
  });
});

describe("--json", () => {
  test("gives every result in a form that scripts rely on", async () => {
    await using folder = await temporaryFolder("shapes");
    await using server = await startServerProcess({ args: RESERVE });
    const environment = { ASHLAR_API: server.api, ASHLAR_DATA_DIR: server.dataDir };
    const document = join(folder.path, "policy.json");
    const Statement = [{ Effect: "Allow", Action: "s3:GetObject", Resource: "arn:aws:s3:::shapes/*" }];
    await writeFile(document, JSON.stringify({ Version: "2012-10-17", Statement }));
    const open = join(folder.path, "open.json");
    await writeFile(open, JSON.stringify({ Version: "2012-10-17", Statement: [{ ...Statement[0], Principal: "*" }] }));
    const file = join(folder.path, "shape.txt");
    await writeFile(file, randomBytes(200_000)); // more than a row holds: there is a volume then
    const shapes: Record<string, unknown> = {};
    for (const line of commandsWithResults(document, open, file, join(folder.path, "shape-back.txt"), server.dataDir)) {
      const { code, out, err } = await quick([...line.split(" "), "--json"], environment);
      assert.deepEqual([code, err], [0, ""], line);
      shapes[line.replaceAll(folder.path, "DIR").replaceAll(server.dataDir, "DATA")] = shapeOf(JSON.parse(out));
    }
    if (process.env["ASHLAR_UPDATE_GOLDEN"] === "1")
      await writeFile(SHAPES, `${JSON.stringify(shapes, undefined, 2)}\n`);
    assert.deepEqual(shapes, JSON.parse(await readFile(SHAPES, "utf8")), "ASHLAR_UPDATE_GOLDEN=1 rewrites the shapes");
  });
});

describe("ashlar serve", () => {
  test("ends with 1 and names the flag where a port is taken", { timeout: 60_000 }, async () => {
    const holder = createServer().listen(0, "127.0.0.1");
    await new Promise((resolve) => holder.once("listening", resolve));
    const { port } = holder.address() as { port: number };
    await using folder = await temporaryFolder("taken");
    const taken = `127.0.0.1:${port}`;
    const args = [
      "serve",
      "--data-dir",
      folder.path,
      "--s3-listen",
      "127.0.0.1:0",
      "--api-listen",
      taken,
      "--print-json",
    ];
    const { code, out, err } = await ashlar([...args, ...RESERVE]);
    holder.close();
    assert.deepEqual([code, out], [1, ""]);
    assert.match(err, new RegExp(`--api-listen ${taken}`));
  });

  test("prints one line when it is ready, and ends with 0 on SIGTERM", async () => {
    await using server = await startServerProcess({ args: RESERVE });
    assert.match(server.s3, /^http:\/\/127\.0\.0\.1:\d+$/);
    await watchForever(server);
    assert.equal(await server.stop(), 0);
  });

  test("ends with npm, whoever is told to end", { timeout: 120_000 }, async () => {
    await using folder = await temporaryFolder("npm");
    const listen = ["--s3-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0"];
    const args = ["start", "--silent", "--", "--data-dir", folder.path, ...listen, "--print-json", ...RESERVE];
    const npm = spawn("npm", args, { cwd: REPOSITORY, stdio: ["ignore", "pipe", "inherit"] });
    const ended = once(npm, "exit");
    const [line] = await once(createInterface({ input: npm.stdout }), "line");
    const { api } = JSON.parse(line);
    assert.equal((await fetch(`${api}/readyz`)).status, 200);
    npm.kill("SIGTERM");
    // The pipe closes with the last process that holds it: the server.
    await Promise.all([ended, once(npm, "close")]);
    await assert.rejects(fetch(`${api}/readyz`));
  });

  test("with a root key from variables writes none, says so, and its commands find it", async () => {
    await using folder = await temporaryFolder("root");
    const env = { ASHLAR_ROOT_ACCESS_KEY: "operator", ASHLAR_ROOT_SECRET_KEY: "operators-secret" };
    const dataDir = join(folder.path, "data");
    const half = await ashlar(["serve", "--data-dir", dataDir], { ASHLAR_ROOT_ACCESS_KEY: "operator" });
    assert.deepEqual([half.code, /no root secret key.*ASHLAR_ROOT_SECRET_KEY/.test(half.err)], [1, true], half.err);
    const args = ["serve", "--data-dir", dataDir, "--s3-listen", "127.0.0.1:0", "--api-listen", "127.0.0.1:0"];
    const server = spawn(process.execPath, [LAUNCHER, ...args, ...RESERVE], { env: { ...process.env, ...env } });
    const lines: string[] = [];
    for await (const line of createInterface({ input: server.stdout })) {
      lines.push(line);
      if (line.includes("Root key")) break;
    }
    const banner = lines.join("\n");
    assert.match(banner, /Root key +ASHLAR_ROOT_ACCESS_KEY, ASHLAR_ROOT_SECRET_KEY$/);
    assert.ok(!(await readdir(dataDir)).includes("root-key.json"));
    const api = /API +(\S+)/.exec(banner)![1]!;
    assert.equal((await quick(["status", "--api", api, "--data-dir", dataDir], env)).code, 0);
    const archive = join(folder.path, "backup.tar");
    const taken = await quick(["backup", "create", archive, "--api", api], env);
    assert.equal(taken.code, 0, taken.err);
    const restored = await quick(["restore", archive, join(folder.path, "restored")], {});
    assert.equal(restored.code, 0, restored.err);
    server.kill("SIGTERM");
    await once(server, "exit");
  });

  test("goes on when who read its log has gone", async () => {
    await using server = await startServerProcess({ args: ["--access-log"] });
    const ended = once(server.process.stderr!, "close");
    server.process.stderr!.destroy();
    await ended;
    for (let at = 0; at < 5; at++) assert.equal((await fetch(server.s3)).status, 403);
    assert.equal(await server.stop(), 0);
  });

  test("with a certificate of its own is trusted by who names it, and by nobody else", async () => {
    const [cert, key] = ["cert", "key"].map((kind) => join(REPOSITORY, `src/env/node/testdata/tls/one.${kind}.pem`));
    await using server = await startServerProcess({
      args: ["--api-tls-cert", cert!, "--api-tls-key", key!, ...RESERVE],
    });
    const environment = { ASHLAR_API: server.api, ASHLAR_DATA_DIR: server.dataDir };
    const stranger = await quick(["status"], environment);
    assert.equal(stranger.code, 1);
    assert.match(
      stranger.err,
      /^ashlar: The certificate of https:.* is not trusted: self-signed certificate.*--ca or ASHLAR_CA/,
    );
    const friend = await quick(["status", "--ca", cert!], environment);
    assert.deepEqual([friend.code, friend.err], [0, ""]);
    const wrong = await quick(["status"], { ...environment, ASHLAR_CA: key! });
    assert.match(wrong.err, /one\.key\.pem holds no certificates in PEM/);
  });

  test("takes options from a file and from variables, and points out what is misspelled", async () => {
    await using folder = await temporaryFolder("options");
    const config = join(folder.path, "ashlar.json");
    await writeFile(config, JSON.stringify({ regoin: "eu-1" }));
    const refused = await ashlar(["serve", "--config", config]);
    assert.equal(refused.code, 2);
    assert.match(refused.err, /there is no option --regoin\. Did you mean --region\?/);
    await writeFile(config, JSON.stringify({ region: "eu-1", logFormat: "json" }));
    await using server = await startServerProcess({
      args: ["--config", config, ...RESERVE],
      env: { ASHLAR_DRAIN_MILLIS: "5s" },
    });
    const environment = { ASHLAR_API: server.api, ASHLAR_DATA_DIR: server.dataDir };
    const { items } = JSON.parse((await quick(["config", "show", "--changed", "--json"], environment)).out);
    const values = Object.fromEntries(items.map(({ name, value }: { name: string; value: unknown }) => [name, value]));
    assert.deepEqual([values["region"], values["logFormat"], values["drainMillis"]], ["eu-1", "json", 5000]);
  });
});

describe("a backup", () => {
  test("taken while clients write restores all that was acknowledged before, also after the source was killed", async () => {
    await using folder = await temporaryFolder("backup");
    await using source = await startServerProcess({ args: [...RESERVE, "--volume-bytes", "32MiB"] });
    const environment = { ASHLAR_API: source.api, ASHLAR_DATA_DIR: source.dataDir };
    const client = new S3TestClient(source.s3, source);
    assert.equal((await client.call({ method: "PUT", target: "/photos" })).status, 200);
    const acknowledged = new Map<string, string>();
    let stopped = false;
    const writers = Array.from({ length: 8 }, async (_, writer) => {
      for (let number = 0; !stopped; number++) {
        const body = randomBytes([100, 5000, 60_000, 1_500_000][(writer + number) % 4]!);
        const key = `${writer}-${number}`;
        const answer = await client.call({ method: "PUT", target: `/photos/${key}`, body }).catch(() => undefined);
        if (answer?.status === 200) acknowledged.set(key, createHash("sha256").update(body).digest("hex"));
      }
    });
    while (acknowledged.size < 60) await new Promise((resolve) => setTimeout(resolve, 20));
    const before = new Map(acknowledged);
    const archive = join(folder.path, "backup.tar");
    const taken = await ashlar(["backup", "create", archive], environment);
    assert.equal(taken.code, 0, taken.err);
    assert.equal((await stat(archive)).mode & 0o777, 0o600, "it holds every secret");
    const kept = await ashlar(["backup", "create", archive], environment);
    assert.deepEqual([kept.code, /is there already\..*--force/.test(kept.err)], [1, true], kept.err);
    const unpacked = join(folder.path, "unpacked");
    assert.equal((await ashlar(["backup", "create", "--folder", unpacked], environment)).code, 0);
    for (const entry of await readdir(unpacked, { recursive: true, withFileTypes: true })) {
      const { mode } = await stat(join(entry.parentPath, entry.name));
      assert.equal(mode & 0o077, 0, `${entry.name} is its owner's alone`);
    }
    await source.kill();
    stopped = true;
    await Promise.all(writers);
    client.close();

    const dataDir = join(folder.path, "restored");
    const restored = await ashlar(["restore", archive, dataDir, "--json"]);
    assert.equal(restored.code, 0, restored.err);
    assert.equal(JSON.parse(restored.out).damaged, 0);
    const again = await ashlar(["restore", archive, dataDir]);
    assert.deepEqual([again.code, /not empty/.test(again.err)], [1, true]);

    await using target = await startServerProcess({ dataDir, args: RESERVE });
    assert.deepEqual([target.accessKey, target.secretKey], [source.accessKey, source.secretKey]);
    const reader = new S3TestClient(target.s3, target);
    for (const [key, hash] of before) {
      const answer = await reader.call({ method: "GET", target: `/photos/${key}` });
      assert.equal(answer.status, 200, key);
      assert.equal(createHash("sha256").update(answer.body).digest("hex"), hash, key);
    }
    assert.equal(
      (await reader.call({ method: "PUT", target: "/photos/after", body: randomBytes(70_000) })).status,
      200,
    );
    reader.close();
    const status = await quick(["status"], { ASHLAR_API: target.api, ASHLAR_DATA_DIR: dataDir });
    assert.deepEqual([status.code, /^Everything is in order/.test(status.out)], [0, true], status.out);
  });
});

/** A stream that lasts must not hold up a server that ends. */
async function watchForever({ api, accessKey, secretKey }: ServerProcess): Promise<void> {
  const headers = { "content-type": "application/json" };
  const body = JSON.stringify({ accessKeyId: accessKey, secret: secretKey });
  const login = await fetch(`${api}/v1/session`, { method: "POST", headers, body });
  const cookie = login.headers.get("set-cookie")!.split(";")[0]!;
  const watch = await fetch(`${api}/v1/watch`, { headers: { cookie } });
  assert.equal(watch.status, 200);
  void watch.text().catch(() => {});
}

/** Whether they are there depends on what the server did meanwhile, not on the command. */
const SOMETIMES = new Set(["verifiedAt", "firstIndex", "lastIndex", "actor", "object", "p50Millis", "p99Millis"]);

/** Names and kinds; of a list the form of what is in it, of counters only that they are there. */
function shapeOf(value: unknown): unknown {
  if (Array.isArray(value)) return value.length === 0 ? [] : [mergedShape(value.map(shapeOf))];
  if (typeof value !== "object" || value === null) return value === null ? "null" : typeof value;
  return Object.fromEntries(
    Object.entries(value)
      .filter(([name]) => !SOMETIMES.has(name))
      .sort(([left], [right]) => (left < right ? -1 : 1))
      // What an event is about differs from kind to kind: `data` is open by definition.
      .map(([name, each]) => [name, name === "data" ? "object" : shapeOf(each)]),
  );
}

/** Properties that only some items have are marked with a question mark. */
function mergedShape(shapes: unknown[]): unknown {
  if (shapes.some((shape) => typeof shape !== "object" || shape === null || Array.isArray(shape))) return shapes[0];
  const objects = shapes as Record<string, unknown>[];
  const names = [...new Set(objects.flatMap((shape) => Object.keys(shape)))].sort();
  return Object.fromEntries(
    names.map((name) => {
      const owners = objects.filter((shape) => name in shape);
      return [owners.length === objects.length ? name : `${name}?`, owners[0]![name]];
    }),
  );
}
