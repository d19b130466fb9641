import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import type { TestAnswer } from "./testing/exchange.ts";
import { codeOf, openTestS3, type TestS3 } from "./testing/fixture.ts";

const BEFORE = "Sat, 21 Nov 2026 11:59:59 GMT";
const SAME = "Sat, 21 Nov 2026 12:00:00 GMT";
const AFTER = "Sat, 21 Nov 2026 12:00:01 GMT";
const ETAG = '"5d41402abc4b2a76b9719d911017c592"';
const OTHER = '"00000000000000000000000000000000"';

type Headers = Readonly<Record<string, string>>;

describe("conditions", () => {
  let s3: TestS3;
  before(async () => {
    s3 = await openTestS3();
    await s3.objects.createBucket("bucket", "root");
    await s3.signed({ method: "PUT", target: "/bucket/k", body: "hello" });
  });
  after(async () => {
    await s3[Symbol.asyncDispose]();
  });

  const outcome = (answer: TestAnswer): string =>
    answer.body.length > 0 && answer.status >= 400 ? `${answer.status} ${codeOf(answer)}` : String(answer.status);

  test("a read follows the order of RFC 9110, section 13.2.2", async () => {
    const cases: readonly (readonly [Headers, number])[] = [
      [{ "if-match": ETAG }, 200],
      [{ "if-match": `${OTHER}, ${ETAG}` }, 200],
      [{ "if-match": "*" }, 200],
      [{ "if-match": OTHER }, 412],
      [{ "if-none-match": ETAG }, 304],
      [{ "if-none-match": "*" }, 304],
      [{ "if-none-match": OTHER }, 200],
      [{ "if-modified-since": BEFORE }, 200],
      [{ "if-modified-since": SAME }, 304],
      [{ "if-modified-since": AFTER }, 304],
      [{ "if-unmodified-since": BEFORE }, 412],
      [{ "if-unmodified-since": SAME }, 200],
      [{ "if-unmodified-since": AFTER }, 200],
      [{ "if-match": ETAG, "if-unmodified-since": BEFORE }, 200],
      [{ "if-none-match": OTHER, "if-modified-since": AFTER }, 200],
      [{ "if-none-match": ETAG, "if-modified-since": BEFORE }, 304],
      [{ "if-match": OTHER, "if-none-match": ETAG }, 412],
      [{ "if-match": ETAG, "if-none-match": ETAG }, 304],
      [{ "if-modified-since": "not a date" }, 200],
    ];
    for (const method of ["GET", "HEAD"]) {
      for (const [headers, status] of cases) {
        const answer = await s3.signed({ method, target: "/bucket/k", headers });
        assert.equal(answer.status, status, `${method} ${JSON.stringify(headers)}`);
        if (status === 304) {
          assert.equal(answer.headers.get("etag"), ETAG);
          assert.equal(answer.body.length, 0);
        }
      }
    }
  });

  test("a condition is looked at before the range", async () => {
    const answer = await s3.signed({
      method: "GET",
      target: "/bucket/k",
      headers: { "if-none-match": ETAG, range: "bytes=99-" },
    });
    assert.equal(answer.status, 304);
  });

  test("a write holds to If-Match and If-None-Match", async () => {
    const put = (key: string, headers: Headers) =>
      s3.signed({ method: "PUT", target: `/bucket/${key}`, body: "hello", headers });
    const cases: readonly (readonly [string, Headers, string])[] = [
      ["k", { "if-none-match": "*" }, "412 PreconditionFailed"],
      ["k", { "if-none-match": ETAG }, "412 PreconditionFailed"],
      ["k", { "if-none-match": OTHER }, "200"],
      ["k", { "if-match": OTHER }, "412 PreconditionFailed"],
      ["k", { "if-match": ETAG }, "200"],
      ["k", { "if-match": ETAG.slice(1, -1) }, "200"],
      ["k", { "if-match": "*" }, "200"],
      ["new", { "if-match": "*" }, "404 NoSuchKey"],
      ["new", { "if-match": ETAG }, "404 NoSuchKey"],
      ["new", { "if-none-match": "*" }, "200"],
      ["new", { "if-none-match": "*" }, "412 PreconditionFailed"],
    ];
    for (const [key, headers, expected] of cases) {
      assert.equal(outcome(await put(key, headers)), expected, `${key} ${JSON.stringify(headers)}`);
    }
  });

  test("a copy holds to the conditions of both ends", async () => {
    const copy = (headers: Headers) =>
      s3.signed({ method: "PUT", target: "/bucket/copy", headers: { "x-amz-copy-source": "bucket/k", ...headers } });
    const cases: readonly (readonly [Headers, string])[] = [
      [{ "x-amz-copy-source-if-match": ETAG }, "200"],
      [{ "x-amz-copy-source-if-match": OTHER }, "412 PreconditionFailed"],
      [{ "x-amz-copy-source-if-none-match": ETAG }, "412 PreconditionFailed"],
      [{ "x-amz-copy-source-if-none-match": OTHER }, "200"],
      [{ "x-amz-copy-source-if-modified-since": AFTER }, "412 PreconditionFailed"],
      [{ "x-amz-copy-source-if-unmodified-since": BEFORE }, "412 PreconditionFailed"],
      [{ "x-amz-copy-source-if-unmodified-since": AFTER }, "200"],
      [{ "if-none-match": "*" }, "412 PreconditionFailed"],
      [{ "if-match": ETAG }, "200"],
      [{ "if-match": OTHER }, "412 PreconditionFailed"],
    ];
    for (const [headers, expected] of cases) {
      assert.equal(outcome(await copy(headers)), expected, JSON.stringify(headers));
    }
  });

  test("a completed upload holds to If-Match and If-None-Match", async () => {
    const complete = async (key: string, headers: Headers): Promise<string> => {
      const { uploadId } = await s3.objects.createUpload({
        bucket: "bucket",
        key,
        owner: "root",
        metadata: { user: new Map() },
      });
      const part = await s3.signed({
        method: "PUT",
        target: `/bucket/${key}?partNumber=1&uploadId=${uploadId}`,
        body: "hello",
      });
      const body = `<CompleteMultipartUpload><Part><PartNumber>1</PartNumber><ETag>${part.headers.get("etag")}</ETag></Part></CompleteMultipartUpload>`;
      return outcome(await s3.signed({ method: "POST", target: `/bucket/${key}?uploadId=${uploadId}`, body, headers }));
    };
    assert.equal(await complete("mp", { "if-match": "*" }), "404 NoSuchKey");
    assert.equal(await complete("mp", { "if-none-match": "*" }), "200");
    assert.equal(await complete("mp", { "if-none-match": "*" }), "412 PreconditionFailed");
    assert.equal(await complete("mp", { "if-match": OTHER }), "412 PreconditionFailed");
    assert.equal(await complete("mp", { "if-match": "*" }), "200");
  });

  test("a delete holds to entity tag, size and time, and what is not there is as good as deleted", async () => {
    const cases: readonly (readonly [Headers, string])[] = [
      [{ "if-match": OTHER }, "412 PreconditionFailed"],
      [{ "x-amz-if-match-size": "6" }, "412 PreconditionFailed"],
      [{ "x-amz-if-match-last-modified-time": BEFORE }, "412 PreconditionFailed"],
      [{ "if-match": ETAG, "x-amz-if-match-size": "5", "x-amz-if-match-last-modified-time": SAME }, "204"],
      [{ "x-amz-if-match-size": "five" }, "400 InvalidArgument"],
    ];
    await s3.signed({ method: "PUT", target: "/bucket/deleted", body: "hello" });
    for (const [headers, expected] of cases) {
      const answer = await s3.signed({ method: "DELETE", target: "/bucket/deleted", headers });
      assert.equal(outcome(answer), expected, JSON.stringify(headers));
    }
  });

  test("nothing of all this was a surprise to the server", () => {
    assert.deepEqual(s3.unexpected, []);
  });
});
