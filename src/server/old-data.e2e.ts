import assert from "node:assert/strict";
import { execFileSync } from "node:child_process";
import { existsSync } from "node:fs";
import { mkdir, readFile } from "node:fs/promises";
import { join } from "node:path";
import { describe, test } from "node:test";
import { fileURLToPath } from "node:url";
import { sha256 } from "../env/crypto.ts";
import { toHex } from "../std/bytes.ts";
import { deterministicBytes } from "../testing/deterministic-bytes.ts";
import { S3TestClient } from "../testing/s3-client.ts";
import { type ServerProcess, startServerProcess, temporaryFolder } from "../testing/server-process.ts";

// Data directories that older versions wrote, kept as they were left by a SIGKILL. Every version reads every one of them.
// ASHLAR_WRITE_TESTDATA=NAME writes a new one with this version.

const ROOT_KEY = { ASHLAR_ROOT_ACCESS_KEY: "testdata-root", ASHLAR_ROOT_SECRET_KEY: "testdata-secret" };
/** From format 2 on rows share bytes of other keys. */
const ARCHIVES = [
  { name: "data-format-1", hasCopies: false },
  { name: "data-format-2", hasCopies: true },
];

const archive = (name: string): string => fileURLToPath(new URL(`testdata/${name}.tar.gz`, import.meta.url));
const hashOf = (bytes: Uint8Array): string => toHex(sha256(bytes));

/** Key to length; the bytes follow from the length. */
const OBJECTS: Readonly<Record<string, number>> = {
  empty: 0,
  inline: 4096,
  needle: 20_000,
  "a/b": 10,
  "a/b/c": 11,
  blocks: 200_000,
};
const COPIED_BYTES = 30_001;
const PART_BYTES = [5 << 20, 1000] as const;

/** Of one value, so that the archive stays small. */
const partOf = (length: number): Uint8Array => new Uint8Array(length).fill(length % 251);

async function fill(client: S3TestClient): Promise<void> {
  for (const bucket of ["plain", "versioned"]) await ok(client, "PUT", `/${bucket}`);
  const versioning = "<VersioningConfiguration><Status>Enabled</Status></VersioningConfiguration>";
  await ok(client, "PUT", "/versioned?versioning", new TextEncoder().encode(versioning));
  for (const [key, length] of Object.entries(OBJECTS)) {
    await ok(client, "PUT", `/plain/${key}`, deterministicBytes(length, length));
    await ok(client, "PUT", `/versioned/${key}`, deterministicBytes(length + 1, length));
    await ok(client, "PUT", `/versioned/${key}`, deterministicBytes(length, length));
  }
  await ok(client, "DELETE", "/versioned/inline");
  await ok(client, "PUT", "/plain/gone", deterministicBytes(1, 30_000));
  await ok(client, "DELETE", "/plain/gone");
  const created = await ok(client, "POST", "/plain/parts?uploads");
  const uploadId = /<UploadId>([^<]+)</.exec(created)![1]!;
  const etags: string[] = [];
  for (const [at, length] of PART_BYTES.entries()) {
    const target = `/plain/parts?partNumber=${at + 1}&uploadId=${uploadId}`;
    const answer = await client.call({ method: "PUT", target, body: partOf(length) });
    etags.push(String(answer.headers["etag"]));
  }
  const parts = etags.map((etag, at) => `<Part><PartNumber>${at + 1}</PartNumber><ETag>${etag}</ETag></Part>`).join("");
  const body = new TextEncoder().encode(`<CompleteMultipartUpload>${parts}</CompleteMultipartUpload>`);
  await ok(client, "POST", `/plain/parts?uploadId=${uploadId}`, body);
}

/** One of them of a source that is gone, and a copy of that. */
async function fillCopies(client: S3TestClient): Promise<void> {
  await ok(client, "PUT", "/plain/source", deterministicBytes(5, COPIED_BYTES));
  await copy(client, "/plain/copy", "/plain/source");
  await copy(client, "/plain/copy-of-copy", "/plain/copy");
  await copy(client, "/plain/copied-parts", "/plain/parts");
  await ok(client, "DELETE", "/plain/source");
}

async function verifyCopies(client: S3TestClient): Promise<void> {
  const expected = hashOf(deterministicBytes(5, COPIED_BYTES));
  for (const target of ["/plain/copy", "/plain/copy-of-copy"]) {
    assert.equal(hashOf((await client.call({ method: "GET", target })).body), expected, target);
  }
  const whole = hashOf(Buffer.concat(PART_BYTES.map(partOf)));
  assert.equal(hashOf((await client.call({ method: "GET", target: "/plain/copied-parts" })).body), whole);
}

async function copy(client: S3TestClient, target: string, source: string): Promise<void> {
  const { status } = await client.call({ method: "PUT", target, headers: { "x-amz-copy-source": source } });
  assert.equal(status, 200, target);
}

async function verify(client: S3TestClient): Promise<void> {
  for (const [key, length] of Object.entries(OBJECTS)) {
    const { status, body } = await client.call({ method: "GET", target: `/plain/${key}` });
    assert.equal(status, 200, key);
    assert.equal(hashOf(body), hashOf(deterministicBytes(length, length)), key);
  }
  const whole = Buffer.concat(PART_BYTES.map(partOf));
  assert.equal(hashOf((await client.call({ method: "GET", target: "/plain/parts" })).body), hashOf(whole));
  assert.equal((await client.call({ method: "GET", target: "/plain/gone" })).status, 404);
  assert.equal((await client.call({ method: "GET", target: "/versioned/inline" })).status, 404);
  const versions = await ok(client, "GET", "/versioned?versions");
  assert.equal(versions.match(/<Version>/g)?.length, Object.keys(OBJECTS).length * 2);
  assert.equal(versions.match(/<DeleteMarker>/g)?.length, 1);
}

async function ok(client: S3TestClient, method: string, target: string, body?: Uint8Array): Promise<string> {
  const answer = await client.call({ method, target, ...(body && { body }) });
  assert.ok(answer.status < 300, `${method} ${target}: ${answer.status} ${new TextDecoder().decode(answer.body)}`);
  return new TextDecoder().decode(answer.body);
}

const connect = (server: ServerProcess): S3TestClient => {
  const { ASHLAR_ROOT_ACCESS_KEY: accessKey, ASHLAR_ROOT_SECRET_KEY: secretKey } = ROOT_KEY;
  return new S3TestClient(server.s3, { accessKey, secretKey });
};
const ARGS = ["--segment-bytes", "8MiB", "--volume-bytes", "32MiB"];

describe("data directories of older versions", () => {
  for (const { name, hasCopies } of ARCHIVES) {
    test(`${name} is read, and goes on to be written`, async () => {
      assert.ok(existsSync(archive(name)));
      await using folder = await temporaryFolder("old-data");
      execFileSync("tar", ["-xzf", archive(name), "-C", folder.path]);
      for (let start = 0; start < 2; start++) {
        await using server = await startServerProcess({ dataDir: folder.path, env: ROOT_KEY });
        const client = connect(server);
        await verify(client);
        if (hasCopies) await verifyCopies(client);
        await ok(client, "PUT", `/plain/new-${start}`, deterministicBytes(3, 100_000));
        client.close();
        assert.equal(await server.stop(), 0);
      }
      // No older version takes it for one of its own.
      const stamp = JSON.parse(await readFile(join(folder.path, "format.json"), "utf8")) as { format: number };
      assert.equal(stamp.format, 2);
    });
  }

  test("can be written", {
    skip: process.env["ASHLAR_WRITE_TESTDATA"] === undefined && "asked for by variable",
  }, async () => {
    const name = process.env["ASHLAR_WRITE_TESTDATA"]!;
    await using folder = await temporaryFolder("old-data");
    await using server = await startServerProcess({ dataDir: folder.path, env: ROOT_KEY, args: ARGS });
    const client = connect(server);
    await fill(client);
    await fillCopies(client);
    await verify(client);
    await verifyCopies(client);
    client.close();
    await server.kill();
    await mkdir(join(archive(name), ".."), { recursive: true });
    execFileSync("tar", ["-C", folder.path, "--sparse", "-czf", archive(name), "."]);
  });
});
