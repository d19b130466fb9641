import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { buffer } from "node:stream/consumers";
import { after, before, describe, test } from "node:test";
import { Client } from "minio";
import { deterministicBytes } from "../src/testing/deterministic-bytes.ts";
import { type ServerProcess, startServerProcess } from "../src/testing/server-process.ts";
import { LARGE_BYTES, SMALL_FILES, sha256 } from "./client.ts";

describe("minio (npm) at its default settings", () => {
  let server: ServerProcess;
  let client: Client;
  const bucket = "minio-bucket";

  before(async () => {
    server = await startServerProcess();
    const { hostname, port } = new URL(server.s3);
    const { accessKey, secretKey } = server;
    client = new Client({ endPoint: hostname, port: Number(port), useSSL: false, accessKey, secretKey });
    await client.makeBucket(bucket);
  });
  after(() => server[Symbol.asyncDispose]());

  test("many small files come back byte for byte, are listed and deleted", async () => {
    for (const [at, { name, bytes }] of SMALL_FILES.entries()) {
      await client.putObject(bucket, name, Buffer.from(deterministicBytes(at, bytes)), bytes, {
        "X-Amz-Meta-At": String(at),
      });
    }
    for (const [at, { name, bytes }] of SMALL_FILES.entries()) {
      const got = await buffer(await client.getObject(bucket, name));
      assert.equal(sha256(got), sha256(deterministicBytes(at, bytes)), name);
      assert.equal((await client.statObject(bucket, name)).metaData["at"], String(at));
    }
    const listed: string[] = [];
    for await (const item of client.listObjectsV2(bucket, "", true)) listed.push(item.name);
    assert.deepEqual(new Set(listed), new Set(SMALL_FILES.map(({ name }) => name)));
    await client.removeObjects(bucket, listed);
    assert.deepEqual(await client.listObjectsV2(bucket, "", true).toArray(), []);
  });

  test("200 MB go up in parts and come back byte for byte", async () => {
    const bytes = deterministicBytes(3, LARGE_BYTES);
    await client.putObject(bucket, "large", Readable.from(Buffer.from(bytes.buffer)), bytes.length);
    assert.equal(sha256(await buffer(await client.getObject(bucket, "large"))), sha256(bytes));
    const part = await buffer(await client.getPartialObject(bucket, "large", 70_000_000, 1234));
    assert.equal(sha256(part), sha256(bytes.subarray(70_000_000, 70_001_234)));
  });

  test("presigned links work", async () => {
    const put = await client.presignedPutObject(bucket, "by link", 60);
    assert.equal((await fetch(put, { method: "PUT", body: "linked" })).status, 200);
    assert.equal(await (await fetch(await client.presignedGetObject(bucket, "by link", 60))).text(), "linked");
  });
});
