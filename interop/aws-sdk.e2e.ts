import assert from "node:assert/strict";
import { Readable } from "node:stream";
import { after, before, describe, test } from "node:test";
import * as s3 from "@aws-sdk/client-s3";
import { Upload } from "@aws-sdk/lib-storage";
import { createPresignedPost } from "@aws-sdk/s3-presigned-post";
import { getSignedUrl } from "@aws-sdk/s3-request-presigner";
import { deterministicBytes } from "../src/testing/deterministic-bytes.ts";
import { type ServerProcess, startServerProcess } from "../src/testing/server-process.ts";
import { LARGE_BYTES, SMALL_FILES, sha256 } from "./client.ts";

describe("@aws-sdk/client-s3 at its default settings", () => {
  let server: ServerProcess;
  let client: s3.S3Client;
  const Bucket = "sdk-bucket";

  before(async () => {
    server = await startServerProcess();
    client = new s3.S3Client({
      endpoint: server.s3,
      region: "eu-central-1",
      forcePathStyle: true,
      credentials: { accessKeyId: server.accessKey, secretAccessKey: server.secretKey },
    });
    await client.send(new s3.CreateBucketCommand({ Bucket }));
  });
  after(async () => {
    client.destroy();
    await server[Symbol.asyncDispose]();
  });

  const bytesOf = async (Key: string, more: Partial<s3.GetObjectCommandInput> = {}): Promise<Uint8Array> => {
    const got = await client.send(new s3.GetObjectCommand({ Bucket, Key, ...more }));
    return got.Body!.transformToByteArray();
  };

  test("many small files come back byte for byte, are listed in byte order and deleted", async () => {
    for (const [at, { name, bytes }] of SMALL_FILES.entries()) {
      const Body = deterministicBytes(at, bytes);
      await client.send(new s3.PutObjectCommand({ Bucket, Key: name, Body, Metadata: { at: String(at) } }));
    }
    const listed: string[] = [];
    for await (const page of s3.paginateListObjectsV2({ client, pageSize: 40 }, { Bucket })) {
      listed.push(...(page.Contents ?? []).map((item) => item.Key!));
    }
    const names = SMALL_FILES.map(({ name }) => name).sort((left, right) =>
      Buffer.compare(Buffer.from(left), Buffer.from(right)),
    );
    assert.deepEqual(listed, names);
    for (const [at, { name, bytes }] of SMALL_FILES.entries()) {
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key: name }));
      assert.equal(sha256(await got.Body!.transformToByteArray()), sha256(deterministicBytes(at, bytes)), name);
      assert.equal(got.Metadata!["at"], String(at));
    }
    const gone = await client.send(
      new s3.DeleteObjectsCommand({ Bucket, Delete: { Objects: names.map((Key) => ({ Key })), Quiet: true } }),
    );
    assert.deepEqual(gone.Errors ?? [], []);
    assert.equal((await client.send(new s3.ListObjectsV2Command({ Bucket }))).KeyCount, 0);
  });

  test("a stream of unknown length is chunked with a trailing checksum", async () => {
    const bytes = deterministicBytes(5, 70_000);
    const Body = Readable.from([Buffer.from(bytes.subarray(0, 1000)), Buffer.from(bytes.subarray(1000))]);
    await client.send(new s3.PutObjectCommand({ Bucket, Key: "stream", Body, ContentLength: bytes.length }));
    assert.equal(sha256(await bytesOf("stream")), sha256(bytes));
    const head = await client.send(new s3.HeadObjectCommand({ Bucket, Key: "stream", ChecksumMode: "ENABLED" }));
    assert.equal(typeof head.ChecksumCRC32, "string");
    assert.equal(head.ContentEncoding, undefined);
  });

  test("lib-storage uploads 200 MB in parts, and ranges and parts of it are right", async () => {
    const bytes = deterministicBytes(6, LARGE_BYTES);
    const upload = new Upload({
      client,
      params: { Bucket, Key: "large", Body: Readable.from(slices(bytes)) },
      partSize: 16 << 20,
    });
    const done = await upload.done();
    assert.match(done.ETag!, /^"[0-9a-f]{32}-13"$/);
    assert.equal(sha256(await bytesOf("large")), sha256(bytes));
    const range = await bytesOf("large", { Range: "bytes=16777000-16778000" });
    assert.equal(sha256(range), sha256(bytes.subarray(16_777_000, 16_778_001)));
    const second = await client.send(new s3.GetObjectCommand({ Bucket, Key: "large", PartNumber: 2 }));
    assert.equal(second.PartsCount, 13);
    assert.equal(sha256(await second.Body!.transformToByteArray()), sha256(bytes.subarray(16 << 20, 32 << 20)));
    const attributes = await client.send(
      new s3.GetObjectAttributesCommand({
        Bucket,
        Key: "large",
        ObjectAttributes: ["ObjectSize", "ObjectParts", "Checksum"],
      }),
    );
    assert.equal(attributes.ObjectSize, LARGE_BYTES);
    assert.equal(attributes.ObjectParts?.TotalPartsCount, 13);
  });

  test("every checksum algorithm is verified on the way in and given back", async () => {
    for (const ChecksumAlgorithm of ["CRC32", "CRC32C", "CRC64NVME", "SHA1", "SHA256"] as const) {
      const Key = `checksum-${ChecksumAlgorithm}`;
      const Body = deterministicBytes(7, 10_000);
      const put = await client.send(new s3.PutObjectCommand({ Bucket, Key, Body, ChecksumAlgorithm }));
      const got = await client.send(new s3.GetObjectCommand({ Bucket, Key, ChecksumMode: "ENABLED" }));
      const name = `Checksum${ChecksumAlgorithm}` as const;
      assert.ok(put[name], ChecksumAlgorithm);
      assert.equal(got[name], put[name]);
      assert.equal(sha256(await got.Body!.transformToByteArray()), sha256(Body));
    }
    const wrong = new s3.PutObjectCommand({ Bucket, Key: "wrong", Body: "body", ChecksumCRC32: "AAAAAA==" });
    await assert.rejects(client.send(wrong), { name: "BadDigest" });
    await assert.rejects(client.send(new s3.HeadObjectCommand({ Bucket, Key: "wrong" })), { name: "NotFound" });
  });

  test("presigned links and POST forms work with nothing but fetch", async () => {
    const link = await getSignedUrl(client, new s3.PutObjectCommand({ Bucket, Key: "by link" }), { expiresIn: 60 });
    assert.equal((await fetch(link, { method: "PUT", body: "linked" })).status, 200);
    const read = await getSignedUrl(client, new s3.GetObjectCommand({ Bucket, Key: "by link" }), { expiresIn: 60 });
    assert.equal(await (await fetch(read)).text(), "linked");
    const forged = read.replace(/(X-Amz-Signature=)(.)/, (_, name, digit) => `${name}${digit === "0" ? "1" : "0"}`);
    assert.equal((await fetch(forged)).status, 403);
    const post = await createPresignedPost(client, {
      Bucket,
      Key: "forms/${filename}",
      Conditions: [["starts-with", "$key", "forms/"]],
    });
    const form = new FormData();
    for (const [name, value] of Object.entries(post.fields)) form.append(name, value);
    form.append("file", new Blob(["from a form"]), "page.txt");
    const answer = await fetch(post.url, { method: "POST", body: form });
    assert.equal(answer.status, 204, await answer.text());
    assert.equal(Buffer.from(await bytesOf("forms/page.txt")).toString(), "from a form");
  });

  test("conditional writes, copies, tags and versions answer as S3 does", async () => {
    const Key = "conditional";
    const first = await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "1", IfNoneMatch: "*" }));
    await assert.rejects(client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "2", IfNoneMatch: "*" })), {
      name: "PreconditionFailed",
    });
    await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "2", IfMatch: first.ETag! }));
    await assert.rejects(client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "3", IfMatch: first.ETag! })), {
      name: "PreconditionFailed",
    });
    await client.send(
      new s3.CopyObjectCommand({
        Bucket,
        Key: "copy",
        CopySource: `${Bucket}/${Key}`,
        Tagging: "a=b",
        TaggingDirective: "REPLACE",
      }),
    );
    const tags = await client.send(new s3.GetObjectTaggingCommand({ Bucket, Key: "copy" }));
    assert.deepEqual(tags.TagSet, [{ Key: "a", Value: "b" }]);
    await client.send(new s3.PutBucketVersioningCommand({ Bucket, VersioningConfiguration: { Status: "Enabled" } }));
    await client.send(new s3.PutObjectCommand({ Bucket, Key, Body: "versioned" }));
    await client.send(new s3.DeleteObjectCommand({ Bucket, Key }));
    await assert.rejects(client.send(new s3.GetObjectCommand({ Bucket, Key })), { name: "NoSuchKey" });
    const { Versions = [], DeleteMarkers = [] } = await client.send(
      new s3.ListObjectVersionsCommand({ Bucket, Prefix: Key }),
    );
    assert.equal(Versions.length, 2);
    assert.equal(DeleteMarkers.length, 1);
    assert.equal(Buffer.from(await bytesOf(Key, { VersionId: "null" })).toString(), "2");
    await client.send(new s3.DeleteObjectCommand({ Bucket, Key, VersionId: DeleteMarkers[0]!.VersionId! }));
    assert.equal(Buffer.from(await bytesOf(Key)).toString(), "versioned");
  });
});

function* slices(bytes: Uint8Array): Generator<Buffer> {
  for (let at = 0; at < bytes.length; at += 1 << 20) yield Buffer.from(bytes.subarray(at, at + (1 << 20)));
}
