import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { codeOf, openTestS3, type TestS3, xmlOf } from "./testing/fixture.ts";

describe("objects", () => {
  let s3: TestS3;
  before(async () => {
    s3 = await openTestS3();
    await s3.objects.createBucket("bucket", "root");
  });
  after(async () => {
    await s3[Symbol.asyncDispose]();
  });

  const put = (key: string, body: string, headers: Readonly<Record<string, string>> = {}) =>
    s3.signed({ method: "PUT", target: `/bucket/${key}`, body, headers });
  const get = (key: string, headers: Readonly<Record<string, string>> = {}) =>
    s3.signed({ method: "GET", target: `/bucket/${key}`, headers });

  test("an object comes back with what was said about it", async () => {
    const stored = await put("one", "hello", {
      "content-type": "text/plain",
      "cache-control": "no-cache",
      "content-encoding": "gzip",
      "x-amz-meta-color": "blue",
      "x-amz-tagging": "a=1&b=2",
    });
    assert.equal(stored.status, 200);
    assert.equal(stored.headers.get("etag"), '"5d41402abc4b2a76b9719d911017c592"');
    assert.equal(stored.headers.has("x-amz-version-id"), false);
    const read = await get("one");
    assert.equal(read.status, 200);
    assert.equal(read.text, "hello");
    const expected = {
      "accept-ranges": "bytes",
      etag: '"5d41402abc4b2a76b9719d911017c592"',
      "last-modified": "Sat, 21 Nov 2026 12:00:00 GMT",
      "content-type": "text/plain",
      "content-encoding": "gzip",
      "cache-control": "no-cache",
      "x-amz-meta-color": "blue",
      "x-amz-tagging-count": "2",
      "content-length": "5",
      server: "Ashlar",
      date: "Sat, 21 Nov 2026 12:00:00 GMT",
    };
    for (const [name, value] of Object.entries(expected)) assert.equal(read.headers.get(name), value, name);
    assert.match(read.headers.get("x-amz-request-id") ?? "", /^[0-9A-F]{16}$/);
    assert.match(read.headers.get("x-amz-id-2") ?? "", /^[A-Za-z0-9+/]{40}$/);
  });

  test("HEAD answers as GET does, without the body", async () => {
    await put("headed", "hello", { "x-amz-meta-a": "1" });
    const read = await get("headed");
    const head = await s3.signed({ method: "HEAD", target: "/bucket/headed" });
    assert.equal(head.status, 200);
    assert.equal(head.body.length, 0);
    const withoutId = (headers: ReadonlyMap<string, string>) =>
      [...headers].filter(([name]) => name !== "x-amz-request-id");
    assert.deepEqual(withoutId(head.headers), withoutId(read.headers));
  });

  test("keys are what their escapes mean, none is special, and one may be the prefix of another", async () => {
    const keys = ["..//x", "a/b", "a/b/c", "a/b/", "%C3%A9", "a+b", "a%20b", "a%2Fc", "%25", "%F0%9F%98%80", "%0A"];
    for (const key of keys) assert.equal((await put(key, key)).status, 200, key);
    for (const key of keys) assert.equal((await get(key)).text, key, key);
    const listed = await s3.signed({ method: "GET", target: "/bucket?list-type=2&prefix=a" });
    const names = xmlOf(listed)
      .all("Contents")
      .map((entry) => entry.required("Key").text());
    assert.deepEqual(names, ["a b", "a+b", "a/b", "a/b/", "a/b/c", "a/c"]);
  });

  test("a key of 1,024 bytes is stored, a longer one is KeyTooLongError", async () => {
    assert.equal((await put("k".repeat(1024), "x")).status, 200);
    const refused = await put("k".repeat(1025), "x");
    assert.equal(refused.status, 400);
    assert.equal(codeOf(refused), "KeyTooLongError");
  });

  test("metadata keeps its UTF-8, as SDKs send it", async () => {
    const wire = Buffer.from("żółw").toString("latin1");
    await put("meta", "x", { "x-amz-meta-animal": wire, "x-amz-meta-spaces": "a   b", "x-amz-meta-empty": "" });
    const { headers } = await get("meta");
    assert.equal(headers.get("x-amz-meta-animal"), wire);
    assert.equal(headers.get("x-amz-meta-spaces"), "a   b");
    assert.equal(headers.get("x-amz-meta-empty"), "");
    assert.equal((await s3.objects.stat({ bucket: "bucket", key: "meta" })).info.metadata.user.get("animal"), "żółw");
    const tooMuch = await put("meta", "x", { "x-amz-meta-a": "x".repeat(2100) });
    assert.equal(codeOf(tooMuch), "MetadataTooLarge");
  });

  test("ranges are partial content, and what lies outside is InvalidRange", async () => {
    await put("range", "0123456789");
    const cases: readonly (readonly [string, number, string, string | undefined])[] = [
      ["bytes=0-0", 206, "0", "bytes 0-0/10"],
      ["bytes=2-5", 206, "2345", "bytes 2-5/10"],
      ["bytes=7-", 206, "789", "bytes 7-9/10"],
      ["bytes=7-99", 206, "789", "bytes 7-9/10"],
      ["bytes=-3", 206, "789", "bytes 7-9/10"],
      ["bytes=-99", 206, "0123456789", "bytes 0-9/10"],
      ["bytes=5-2", 200, "0123456789", undefined],
      ["bytes=0-1,4-5", 200, "0123456789", undefined],
      ["lines=1-2", 200, "0123456789", undefined],
    ];
    for (const [range, status, body, contentRange] of cases) {
      const read = await get("range", { range });
      assert.equal(read.status, status, range);
      assert.equal(read.text, body, range);
      assert.equal(read.headers.get("content-range"), contentRange, range);
    }
    for (const range of ["bytes=10-", "bytes=10-12", "bytes=-0"]) {
      const refused = await get("range", { range });
      assert.equal(refused.status, 416, range);
      assert.equal(codeOf(refused), "InvalidRange");
      assert.equal(refused.headers.get("content-range"), "bytes */10");
      assert.equal(xmlOf(refused).required("ActualObjectSize").text(), "10");
    }
  });

  test("of an empty object no range can be had, and its first part is all of it", async () => {
    await put("empty", "");
    assert.equal((await get("empty")).status, 200);
    assert.equal((await get("empty", { range: "bytes=0-" })).status, 416);
    const part = await s3.signed({ method: "GET", target: "/bucket/empty?partNumber=1" });
    assert.equal(part.status, 200);
  });

  test("signed parameters set headers of the answer, and nobody unsigned may set them", async () => {
    await put("response", "x", { "content-type": "text/plain" });
    const query = "response-content-type=text%2Fhtml&response-content-disposition=attachment%3B%20filename%3D%22x%22";
    const read = await s3.signed({ method: "GET", target: `/bucket/response?${query}&response-expires=0` });
    assert.equal(read.headers.get("content-type"), "text/html");
    assert.equal(read.headers.get("content-disposition"), 'attachment; filename="x"');
    assert.equal(read.headers.get("expires"), "0");
    const split = await s3.signed({ method: "GET", target: "/bucket/response?response-content-type=a%0d%0aX:%20y" });
    assert.equal(split.headers.get("content-type")?.includes("\n"), false, "no header can be split");
  });

  test("a wrong Content-MD5, SHA-256 or checksum stores nothing", async () => {
    const cases: readonly (readonly [Readonly<Record<string, string>>, string])[] = [
      [{ "content-md5": "XrY7u+Ae7tCTyyK7j1rNww==" }, "BadDigest"],
      [{ "content-md5": "abc" }, "InvalidDigest"],
      [{ "x-amz-content-sha256": "0".repeat(64) }, "XAmzContentSHA256Mismatch"],
      [{ "x-amz-checksum-crc32": "AAAAAA==" }, "BadDigest"],
      [{ "x-amz-checksum-crc32": "bad" }, "BadDigest"],
      [{ "x-amz-checksum-crc64nvme": "AAAAAAAAAAA=" }, "BadDigest"],
      [{ "x-amz-checksum-sha1": "AAAAAAAAAAAAAAAAAAAAAAAAAAA=" }, "BadDigest"],
    ];
    for (const [headers, code] of cases) {
      const refused = await put("wrong", "hello", headers);
      assert.equal(refused.status, 400, JSON.stringify(headers));
      assert.equal(codeOf(refused), code, JSON.stringify(headers));
    }
    assert.equal((await get("wrong")).status, 404);
  });

  test("a checksum is kept, and told to those who ask for it", async () => {
    const checksums = {
      "x-amz-checksum-crc32": "NhCmhg==",
      "x-amz-checksum-crc32c": "mnG7TA==",
      "x-amz-checksum-crc64nvme": "M3eFcAZSQlc=",
      "x-amz-checksum-sha1": "qvTGHdzF6KLavt4PO0gs2a6pQ00=",
      "x-amz-checksum-sha256": "LPJNul+wow4m6DsqxbninhsWHlwfp0JecwQzYpOLmCQ=",
    };
    for (const [name, value] of Object.entries(checksums)) {
      const stored = await put("sum", "hello", { [name]: value });
      assert.equal(stored.status, 200, `${name}: ${stored.text}`);
      assert.equal(stored.headers.get(name), value);
      assert.equal(stored.headers.get("x-amz-checksum-type"), "FULL_OBJECT");
      assert.equal((await get("sum")).headers.has(name), false);
      assert.equal((await get("sum", { "x-amz-checksum-mode": "ENABLED" })).headers.get(name), value);
      const range = await get("sum", { "x-amz-checksum-mode": "ENABLED", range: "bytes=0-1" });
      assert.equal(range.headers.has(name), false, "the whole object's checksum is not the range's");
    }
  });

  test("without a length nothing is taken", async () => {
    const unknown = await put("length", "hello", { "transfer-encoding": "chunked" });
    assert.equal(unknown.status, 411);
    assert.equal(codeOf(unknown), "MissingContentLength");
    for (const length of ["-1", "x", "1e3", ""]) {
      const wrong = await put("length", "hello", { "content-length": length });
      assert.equal(wrong.status, 400, length);
    }
  });

  test("a body that is shorter or longer than its length stores nothing", async () => {
    for (const length of ["6", "4"]) {
      const refused = await put("short", "hello", { "content-length": length });
      assert.equal(refused.status, 400);
      assert.equal(codeOf(refused), "IncompleteBody", length);
    }
    assert.equal((await get("short")).status, 404);
  });

  test("an object above 5 GiB is refused before its body is read", async () => {
    const refused = await put("huge", "hello", { "content-length": String(5 * 1024 ** 3 + 1) });
    assert.equal(codeOf(refused), "EntityTooLarge");
    assert.equal(xmlOf(refused).required("ProposedSize").text(), String(5 * 1024 ** 3 + 1));
  });

  test("deleting twice is as good as once", async () => {
    await put("gone", "x");
    for (let round = 0; round < 2; round++) {
      const deleted = await s3.signed({ method: "DELETE", target: "/bucket/gone" });
      assert.equal(deleted.status, 204);
      assert.equal(deleted.headers.has("x-amz-delete-marker"), false);
    }
    const read = await get("gone");
    assert.equal(read.status, 404);
    assert.equal(codeOf(read), "NoSuchKey");
    assert.equal(xmlOf(read).required("Key").text(), "gone");
  });

  test("an error of HEAD has a status and no body", async () => {
    const missing = await s3.signed({ method: "HEAD", target: "/bucket/missing" });
    assert.equal(missing.status, 404);
    assert.equal(missing.body.length, 0);
    const bucket = await s3.signed({ method: "HEAD", target: "/missing" });
    assert.equal(bucket.status, 404);
  });

  test("a feature that is not built is refused with its name", async () => {
    const encrypted = await put("sse", "x", { "x-amz-server-side-encryption": "AES256" });
    assert.equal(encrypted.status, 501);
    assert.equal(codeOf(encrypted), "NotImplemented");
    assert.equal(xmlOf(encrypted).required("Header").text(), "x-amz-server-side-encryption");
    const retention = await s3.signed({ method: "GET", target: "/bucket/one?retention" });
    assert.equal(retention.status, 501);
    assert.equal(xmlOf(retention).required("Operation").text(), "GetObjectRetention");
    assert.equal((await get("sse")).status, 404);
  });

  test("a bucket of somebody else than expected is left alone", async () => {
    const wrong = await get("one", { "x-amz-expected-bucket-owner": "alice" });
    assert.equal(wrong.status, 403);
    assert.equal((await get("one", { "x-amz-expected-bucket-owner": "root" })).status, 200);
  });

  test("nothing of all this was a surprise to the server", () => {
    assert.deepEqual(s3.unexpected, []);
  });
});
