import assert from "node:assert/strict";
import { mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { describe, test } from "node:test";
import { SigningKeys } from "../codec/sigv4/index.ts";
import { utf8 } from "../std/bytes.ts";
import { AshlarError } from "../std/errors.ts";
import { Prng } from "../std/prng.ts";
import { sourceFrom, sourceOf } from "../std/source.ts";
import { ApiClient, type ClientReply, type ClientRequest } from "./api-client.ts";
import { Latencies } from "./bench/latencies.ts";
import { Workload } from "./bench/workload.ts";
import { allCommands, commandsOf } from "./commands/index.ts";
import { sha256 } from "./hashing.ts";
import { helpOf, overview } from "./help.ts";
import { connectionFailure } from "./http-transport.ts";
import { sourceOfFile, writeFileWhole } from "./local-files.ts";
import { Output, pairs, printable, table } from "./output.ts";
import { Progress } from "./progress.ts";
import { runCommandLine } from "./run.ts";
import { ServerAccess } from "./server-access.ts";
import { inParallel, parsePlace } from "./transfer.ts";

const COMMANDS = await allCommands();

class Recorder {
  text = "";
  readonly isTTY: boolean;
  constructor(isTTY = false) {
    this.isTTY = isTTY;
  }
  write(text: string): void {
    this.text += text;
  }
}

async function ashlar(line: string, environment: NodeJS.ProcessEnv = {}) {
  const out = new Recorder();
  const err = new Recorder();
  const argv = line.split(" ").filter((word) => word !== "");
  const code = await runCommandLine(argv, { streams: { out, err }, environment, signal: new AbortController().signal });
  return { code, out: out.text, err: err.text };
}

describe("the command line", () => {
  test("ends with 0, 1 or 2, and says why in one line", async () => {
    const version = await ashlar("version");
    assert.deepEqual([version.code, version.err], [0, ""]);
    assert.match(version.out, /^\d+\.\d+\.\d+\n$/);
    for (const asked of ["--version", "-v", "-V"]) assert.deepEqual(await ashlar(asked), version);
    const misspelled = await ashlar("statsu");
    assert.deepEqual([misspelled.code, misspelled.out], [2, ""]);
    assert.match(misspelled.err, /^ashlar: There is no command `ashlar statsu`\. Did you mean `ashlar status`\?.*\n$/);
    const group = await ashlar("bucket");
    assert.equal(group.code, 2);
    assert.match(group.err, /needs one of ls, create, rm, versioning, policy behind it\./);
    const invalid = await ashlar("serve --s3-listen nowhere");
    assert.deepEqual([invalid.code, invalid.out], [2, ""]);
    const unreachable = await ashlar("status --api http://127.0.0.1:1", {
      ASHLAR_ACCESS_KEY: "K",
      ASHLAR_SECRET_KEY: "S",
    });
    assert.equal(unreachable.code, 1);
    assert.match(unreachable.err, /^ashlar: http:\/\/127\.0\.0\.1:1 does not answer: .*ashlar serve.*\n$/);
    const keyless = await ashlar("status --data-dir /nonexistent");
    assert.equal(keyless.code, 1);
    assert.match(keyless.err, /There is no access key/);
  });

  test("fails as JSON where JSON was asked for", async () => {
    const { code, err, out } = await ashlar("status --json --data-dir /nonexistent");
    assert.deepEqual([code, out], [1, ""]);
    const { error } = JSON.parse(err);
    assert.equal(error.code, "CREDENTIAL_MISSING");
    assert.deepEqual(Object.keys(error), ["code", "message", "advice", "data"]);
  });

  test("a secret key without its access key's other half is named", async () => {
    const { err } = await ashlar("status", { ASHLAR_ACCESS_KEY: "K" });
    assert.match(err, /ASHLAR_ACCESS_KEY is set, and ASHLAR_SECRET_KEY is not/);
  });

  test("the server's own root key serves where no access key is set, and half of it is named", async () => {
    const credentials = (environment: NodeJS.ProcessEnv) => {
      const access = new ServerAccess({ api: "http://127.0.0.1:1", dataDir: "/nonexistent", environment });
      return access.credentials();
    };
    const root = { ASHLAR_ROOT_ACCESS_KEY: "R", ASHLAR_ROOT_SECRET_KEY: "T" };
    assert.deepEqual(await credentials(root), { accessKey: "R", secretKey: "T" });
    const own = { ASHLAR_ACCESS_KEY: "K", ASHLAR_SECRET_KEY: "S" };
    assert.deepEqual(await credentials({ ...root, ...own }), { accessKey: "K", secretKey: "S" });
    const { err } = await ashlar("status", { ASHLAR_ROOT_ACCESS_KEY: "R" });
    assert.match(err, /ASHLAR_ROOT_ACCESS_KEY is set, and ASHLAR_ROOT_SECRET_KEY is not/);
  });

  test("tells a certificate that is not trusted from one that is not good, and both from silence", () => {
    const failureOf = (code: string) => connectionFailure("https://a.test", Object.assign(new Error("why"), { code }));
    const cases = [
      ["DEPTH_ZERO_SELF_SIGNED_CERT", "SERVER_UNTRUSTED", /--ca or ASHLAR_CA/],
      ["UNABLE_TO_VERIFY_LEAF_SIGNATURE", "SERVER_UNTRUSTED", /--ca or ASHLAR_CA/],
      ["ERR_TLS_CERT_ALTNAME_INVALID", "SERVER_UNTRUSTED", /by a name that its certificate holds/],
      ["CERT_HAS_EXPIRED", "SERVER_UNTRUSTED", /a new certificate/],
      ["ECONNREFUSED", "SERVER_UNREACHABLE", /ashlar serve/],
    ] as const;
    for (const [cause, code, advice] of cases) {
      const failure = failureOf(cause) as AshlarError;
      assert.equal(failure.code, code, cause);
      assert.match(failure.advice, advice);
    }
  });

  test("helps: on all commands, on a group, on one", async () => {
    for (const line of ["", "help", "--help", "-h"]) assert.equal((await ashlar(line)).out, overview(COMMANDS), line);
    for (const line of ["bucket --help", "help bucket"])
      assert.equal((await ashlar(line)).out, overview(COMMANDS, ["bucket"]), line);
    for (const line of ["bucket ls --help", "help bucket ls", "bucket ls -h"]) {
      const { code, out } = await ashlar(line);
      assert.equal(code, 0);
      assert.match(out, /^ashlar bucket ls \[PREFIX\]\n\nLists the buckets\.\n/, line);
    }
    assert.equal((await ashlar("help nonsense")).code, 2);
  });

  test("documents every command in words that fit a screen", () => {
    for (const command of COMMANDS) {
      const help = helpOf(command);
      for (const line of help.split("\n")) assert.ok(line.length <= 160, `${command.words.join(" ")}: ${line.length}`);
      assert.ok(!help.includes("undefined"), help);
      assert.match(command.summary, /^[A-Z].*[^.]$/);
      for (const note of command.notes ?? []) assert.match(note, /\.$/);
    }
    const names = COMMANDS.map(({ words }) => words.join(" "));
    assert.equal(new Set(names).size, names.length);
  });

  test("finds each command by its first word alone", async () => {
    for (const command of COMMANDS) assert.ok((await commandsOf(command.words[0])).includes(command));
    assert.deepEqual(await commandsOf("buckte"), COMMANDS);
  });

  test("takes no secret as a flag", () => {
    for (const command of COMMANDS) assert.doesNotMatch(helpOf(command), /--[a-z-]*secret-key (?!FILE|VALUE\b.*File)/);
    assert.match(helpOf(COMMANDS.find(({ words }) => words[0] === "serve")!), /--root-secret-key-file/);
  });
});

describe("what a command prints", () => {
  test("is a table whose numbers stand to the right", () => {
    assert.deepEqual(
      table(
        ["NAME", "SIZE", "NOTE"],
        [
          ["a", 5, "x"],
          ["long", 1234, ""],
        ],
      ),
      ["NAME  SIZE  NOTE", "a        5  x", "long  1234"],
    );
    assert.deepEqual(table(["NAME"], []), ["NAME"]);
    assert.deepEqual(
      pairs([
        ["a", 1],
        ["long", undefined],
        ["bb", "x"],
      ]),
      ["a   1", "bb  x"],
    );
  });

  test("shows progress to people only", () => {
    const run = (isTTY: boolean, json: boolean): string => {
      const err = new Recorder(isTTY);
      using progress = new Progress(new Output({ out: new Recorder(), err }, json), "Upload", 100);
      progress.add(50);
      return err.text;
    };
    assert.equal(run(false, false), "");
    assert.equal(run(true, true), "");
  });

  test("shows names without obeying them, and gives programs the names themselves", () => {
    const key = "a\x1b[2J\nb\u009bc\u202ed\t\u2028\x7fü👩‍👩‍👧";
    const shown = "a\\x1b[2J\\nb\\x9bc\\u202ed\\t\\u2028\\x7fü👩‍👩‍👧";
    assert.equal(printable(key), shown);
    assert.deepEqual(table(["NAME"], [[key]]), ["NAME", shown]);
    assert.deepEqual(pairs([["key", key]]), [`key  ${shown}`]);
    const [out, err] = [new Recorder(), new Recorder(true)];
    const output = new Output({ out, err }, false);
    output.note(key);
    output.failure(new AshlarError("X", `${key} is missing.`, ""));
    assert.ok(err.text.endsWith(`${shown}\n\r\x1b[2Kashlar: ${shown} is missing.\n`), JSON.stringify(err.text));
    output.result({}, () => ["two\tlines", "\x1b]0;title\x07"]);
    assert.equal(out.text, "two\tlines\n\\x1b]0;title\\x07\n");
    const json = new Recorder();
    new Output({ out: json, err }, true).result({ key }, () => "");
    assert.equal(JSON.parse(json.text).key, key);
  });

  test("a failure's cause from the operating system is told too", () => {
    const err = new Recorder();
    const cause = new Error("EACCES: permission denied");
    new Output({ out: new Recorder(), err }, false).failure(
      new AshlarError("X", "It failed.", "Try again.", {}, cause),
    );
    assert.equal(err.text, "ashlar: It failed: EACCES: permission denied. Try again.\n");
  });
});

describe("the client", () => {
  function clientThat(answer: (request: ClientRequest) => Partial<ClientReply> & { content?: string }) {
    const sent: ClientRequest[] = [];
    const client = new ApiClient({
      host: "api.test",
      credentials: { accessKey: "K", secretKey: "S" },
      keys: new SigningKeys(sha256, { entriesMax: 4 }),
      now: () => 1_700_000_000_000,
      send: async (request) => {
        sent.push(request);
        const { status = 200, content = "{}" } = answer(request);
        return { status, header: () => undefined, body: sourceOf(utf8(content)) };
      },
    });
    return { client, sent };
  }

  test("fills a route's path and query, escaping everything", async () => {
    const { client, sent } = clientThat(() => ({ content: `{"items":[],"commonPrefixes":[]}` }));
    await client.call("GET /v1/buckets/{bucket}/objects", {
      path: { bucket: "a/b ü" },
      query: { prefix: "x&y=(z)*", limit: 5 },
    });
    assert.equal(sent[0]!.target, "/v1/buckets/a%2Fb%20%C3%BC/objects?prefix=x%26y%3D%28z%29%2A&limit=5");
    assert.ok(sent[0]!.rawHeaders.includes("authorization"));
  });

  test("gives the server's error as one of its own", async () => {
    const error = {
      code: "BUCKET_MISSING",
      message: "The bucket does not exist.",
      advice: "Create it.",
      requestId: "1",
      data: { bucket: "x" },
    };
    const { client } = clientThat(() => ({ status: 404, content: JSON.stringify({ error }) }));
    await assert.rejects(client.call("GET /v1/buckets/{bucket}", { path: { bucket: "x" } }), {
      ...{ name: "AshlarError", code: "BUCKET_MISSING", message: error.message, advice: "Create it." },
      data: { bucket: "x", status: 404 },
    });
  });

  test("does not take another program's answer for one", async () => {
    for (const [status, content] of [
      [200, "<html>"],
      [502, "Bad Gateway"],
      [500, "{}"],
      [200, ""],
    ] as const) {
      const { client } = clientThat(() => ({ status, content }));
      await assert.rejects(client.call("GET /v1/status", {}), { code: "REPLY_UNREADABLE" }, content);
    }
  });

  test("reads listings page by page", async () => {
    const { client, sent } = clientThat(({ target }) => {
      const next = target.includes("after=2") ? undefined : target.includes("after=1") ? "2" : "1";
      return { content: JSON.stringify({ items: [next ?? "last"], next }) };
    });
    const items = await client.all((after) => client.call("GET /v1/users", { query: { after } }));
    assert.deepEqual(items, ["1", "2", "last"]);
    assert.deepEqual(
      sent.map(({ target }) => target),
      ["/v1/users", "/v1/users?after=1", "/v1/users?after=2"],
    );
  });
});

describe("transfers", () => {
  test("name objects with everything behind the first slash", () => {
    assert.deepEqual(parsePlace("photos/a/b"), { bucket: "photos", key: "a/b" });
    assert.deepEqual(parsePlace("photos//a"), { bucket: "photos", key: "/a" });
    assert.deepEqual(parsePlace("photos"), { bucket: "photos", key: "" });
    assert.deepEqual(parsePlace("s3://photos/a"), { bucket: "photos", key: "a" });
  });

  test("run side by side, each item once, and end with the first error", async () => {
    let running = 0;
    let most = 0;
    const done: number[] = [];
    await inParallel([1, 2, 3, 4, 5, 6, 7], 3, async (item) => {
      most = Math.max(most, ++running);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      done.push(item);
    });
    assert.deepEqual([most, done.sort()], [3, [1, 2, 3, 4, 5, 6, 7]]);
    const failing = inParallel([1, 2, 3], 2, async (item) => {
      if (item === 2) throw new RangeError("two");
    });
    await assert.rejects(failing, RangeError);
  });

  test("write a file whole or not at all", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ashlar-files-"));
    try {
      const path = join(folder, "sub", "file");
      await writeFileWhole(path, sourceOf(utf8("hello "), utf8("world")), () => {});
      assert.equal(readFileSync(path, "utf8"), "hello world");
      const broken = sourceFrom(
        (async function* () {
          yield utf8("new");
          throw new RangeError("broken");
        })(),
      );
      await assert.rejects(
        writeFileWhole(path, broken, () => {}),
        RangeError,
      );
      const refuse = () => {
        throw new RangeError("wrong");
      };
      await assert.rejects(writeFileWhole(path, sourceOf(utf8("new")), refuse), RangeError);
      assert.equal(readFileSync(path, "utf8"), "hello world");
      const secret = join(folder, "own", "secret");
      writeFileSync(`${join(folder, "sub", "file")}.ashlar-part`, "of one that broke off", { mode: 0o644 });
      await writeFileWhole(secret, sourceOf(utf8("s")), () => {}, { isPrivate: true });
      await writeFileWhole(path, sourceOf(utf8("s")), () => {}, { isPrivate: true });
      const modes = [secret, path, join(folder, "own")].map((each) => statSync(each).mode & 0o777);
      assert.deepEqual(modes, [0o600, 0o600, 0o700], "a private file is its owner's alone");
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("what the file system does not take", () => {
  test("is an operating error that names it, whatever it is", async () => {
    const folder = mkdtempSync(join(tmpdir(), "ashlar-names-"));
    const write = (name: string) => writeFileWhole(join(folder, name), sourceOf(utf8("x")), () => {});
    try {
      const long = "n".repeat(255);
      await write(long);
      assert.deepEqual(readdirSync(folder), [long], "as long as a name may be");
      await write("file");
      for (const name of [`${long}n`, `${long}n/x`, "zero\0byte", "file/below"]) {
        await assert.rejects(write(name), { code: "PATH_UNREADABLE", data: { path: join(folder, name) } }, name);
      }
      assert.deepEqual(readdirSync(folder).sort(), ["file", long]);
      await assert.rejects(sourceOfFile(join(folder, "missing")).read(), { code: "PATH_UNREADABLE" });
    } finally {
      rmSync(folder, { recursive: true });
    }
  });
});

describe("the load generator", () => {
  test("draws kinds by their shares, and deletes only what it made", () => {
    const prng = new Prng(5);
    const workload = new Workload("mixed", 10, () => prng.unit());
    const counts: Record<string, number> = {};
    const made = new Set<string>();
    for (let draws = 0; draws < 10_000; draws++) {
      const draw = workload.draw();
      counts[draw.kind] = (counts[draw.kind] ?? 0) + 1;
      if (draw.kind === "put") made.add(draw.key);
      if (draw.kind === "delete") assert.ok(made.delete(draw.key));
      if (draw.kind === "get" || draw.kind === "stat") assert.match(draw.key, /^object-00000000\d$/);
      workload.answered(draw);
    }
    const share = (kind: string) => counts[kind]! / 10_000;
    assert.ok(Math.abs(share("get") - 0.45) < 0.1 && Math.abs(share("stat") - 0.3) < 0.1);
    assert.ok(share("put") > 0.1 && share("delete") > 0.02);
    assert.equal([...workload.initialKeys()].length, 10);
  });

  test("gives percentiles within 2 %", () => {
    const latencies = new Latencies();
    for (let at = 1; at <= 1000; at++) latencies.add(at);
    const { p50, p99, max } = latencies.summary();
    assert.ok(Math.abs(p50! - 500) / 500 < 0.021 && Math.abs(p99! - 990) / 990 < 0.021);
    assert.equal(max, 1000);
    assert.deepEqual(new Latencies().summary(), { p50: 0, p90: 0, p99: 0, p999: 0, max: 0 });
  });
});
