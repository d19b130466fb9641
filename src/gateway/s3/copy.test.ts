import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import { codeOf, openTestS3, type TestS3, xmlOf } from "./testing/fixture.ts";

type Headers = Readonly<Record<string, string>>;

describe("copies", () => {
  let s3: TestS3;
  before(async () => {
    s3 = await openTestS3();
    for (const bucket of ["source", "target"]) await s3.objects.createBucket(bucket, "root");
    await s3.signed({
      method: "PUT",
      target: "/source/a%20b%2Bc",
      body: "hello",
      headers: {
        "content-type": "text/plain",
        "x-amz-meta-a": "1",
        "x-amz-tagging": "t=1",
        "x-amz-storage-class": "STANDARD_IA",
      },
    });
  });
  after(async () => {
    await s3[Symbol.asyncDispose]();
  });

  const copy = (target: string, headers: Headers = {}) =>
    s3.signed({
      method: "PUT",
      target: `/target/${target}`,
      headers: { "x-amz-copy-source": "source/a%20b%2Bc", ...headers },
    });
  const head = (key: string) => s3.signed({ method: "HEAD", target: `/target/${key}` });

  test("a copy has the source's bytes, metadata and tags", async () => {
    const copied = await copy("plain");
    assert.equal(copied.status, 200, copied.text);
    assert.equal(xmlOf(copied).name, "CopyObjectResult");
    assert.equal(xmlOf(copied).required("ETag").text(), '"5d41402abc4b2a76b9719d911017c592"');
    const { headers } = await head("plain");
    assert.equal(headers.get("content-type"), "text/plain");
    assert.equal(headers.get("x-amz-meta-a"), "1");
    assert.equal(headers.get("x-amz-tagging-count"), "1");
    assert.equal((await s3.signed({ method: "GET", target: "/target/plain" })).text, "hello");
  });

  test("with REPLACE it has the request's metadata and tags instead", async () => {
    await copy("replaced", {
      "x-amz-metadata-directive": "REPLACE",
      "x-amz-tagging-directive": "REPLACE",
      "x-amz-meta-b": "2",
      "content-type": "text/x",
    });
    const { headers } = await head("replaced");
    assert.equal(headers.get("content-type"), "text/x");
    assert.equal(headers.has("x-amz-meta-a"), false);
    assert.equal(headers.get("x-amz-meta-b"), "2");
    assert.equal(headers.has("x-amz-tagging-count"), false);
  });

  test("a storage class can be changed on the way", async () => {
    await copy("class", { "x-amz-storage-class": "REDUCED_REDUNDANCY" });
    const { headers } = await head("class");
    assert.equal(headers.get("x-amz-storage-class"), "REDUCED_REDUNDANCY");
    assert.equal(headers.get("x-amz-meta-a"), "1", "the rest is the source's");
    await copy("standard", { "x-amz-storage-class": "STANDARD" });
    assert.equal((await head("standard")).headers.has("x-amz-storage-class"), false);
  });

  test("an object copied to itself must change in some way", async () => {
    const self = (headers: Headers) =>
      s3.signed({
        method: "PUT",
        target: "/target/plain",
        headers: { "x-amz-copy-source": "/target/plain", ...headers },
      });
    const same = await self({});
    assert.equal(same.status, 400);
    assert.equal(codeOf(same), "InvalidRequest");
    assert.equal((await self({ "x-amz-metadata-directive": "REPLACE", "x-amz-meta-c": "3" })).status, 200);
    assert.equal((await head("plain")).headers.get("x-amz-meta-c"), "3");
  });

  test("an old version can be copied over the newest", async () => {
    await s3.objects.createBucket("versions", "root");
    await s3.objects.setVersioning("versions", "enabled");
    const first = await s3.signed({ method: "PUT", target: "/versions/k", body: "old" });
    await s3.signed({ method: "PUT", target: "/versions/k", body: "new" });
    const id = first.headers.get("x-amz-version-id")!;
    const copied = await s3.signed({
      method: "PUT",
      target: "/versions/k",
      headers: { "x-amz-copy-source": `versions/k?versionId=${id}` },
    });
    assert.equal(copied.headers.get("x-amz-copy-source-version-id"), id);
    assert.notEqual(copied.headers.get("x-amz-version-id"), id);
    assert.equal((await s3.signed({ method: "GET", target: "/versions/k" })).text, "old");
  });

  test("a source that is not there, or an argument that makes no sense, copies nothing", async () => {
    assert.equal(codeOf(await copy("x", { "x-amz-copy-source": "source/missing" })), "NoSuchKey");
    assert.equal(codeOf(await copy("x", { "x-amz-copy-source": "nowhere/k" })), "NoSuchBucket");
    assert.equal(codeOf(await copy("x", { "x-amz-copy-source": "source" })), "InvalidArgument");
    assert.equal(codeOf(await copy("x", { "x-amz-metadata-directive": "MERGE" })), "InvalidArgument");
    assert.equal(codeOf(await copy("x", { "x-amz-tagging-directive": "MERGE" })), "InvalidArgument");
    assert.equal((await head("x")).status, 404);
  });

  test("an upload can be made of pieces of objects", async () => {
    const content = deterministicBytes(9, 6 * 1024 * 1024);
    await s3.signed({ method: "PUT", target: "/source/large", body: content });
    const begun = await s3.signed({ method: "POST", target: "/target/pieces?uploads" });
    const id = xmlOf(begun).required("UploadId").text();
    const copyPart = (number: number, headers: Headers) =>
      s3.signed({
        method: "PUT",
        target: `/target/pieces?partNumber=${number}&uploadId=${id}`,
        headers: { "x-amz-copy-source": "source/large", ...headers },
      });
    const first = await copyPart(1, {});
    assert.equal(xmlOf(first).name, "CopyPartResult", first.text);
    const second = await copyPart(2, { "x-amz-copy-source-range": "bytes=10-19" });
    for (const range of ["bytes=0-", "bytes=9-2", "0-9", "bytes=hello-world"]) {
      assert.equal(codeOf(await copyPart(3, { "x-amz-copy-source-range": range })), "InvalidArgument", range);
    }
    assert.equal(codeOf(await copyPart(3, { "x-amz-copy-source-range": "bytes=0-99999999" })), "InvalidRange");
    const parts = [first, second].map(
      (part, at) =>
        `<Part><PartNumber>${at + 1}</PartNumber><ETag>${xmlOf(part).required("ETag").text()}</ETag></Part>`,
    );
    const body = `<CompleteMultipartUpload>${parts.join("")}</CompleteMultipartUpload>`;
    const done = await s3.signed({ method: "POST", target: `/target/pieces?uploadId=${id}`, body });
    assert.equal(done.status, 200, done.text);
    const read = await s3.signed({ method: "GET", target: "/target/pieces" });
    assert(Buffer.concat([content, content.subarray(10, 20)]).equals(read.body));
  });

  test("nothing of all this was a surprise to the server", () => {
    assert.deepEqual(s3.unexpected, []);
  });
});
