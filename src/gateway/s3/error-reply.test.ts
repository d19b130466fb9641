import assert from "node:assert/strict";
import { test } from "node:test";
import { parseXml } from "../../codec/xml/index.ts";
import { objectFailure } from "../../service/objects/index.ts";
import { text } from "../../std/bytes.ts";
import { toS3Error } from "./error-map.ts";
import { errorReply } from "./error-reply.ts";
import { s3Failure } from "./errors.ts";
import { malformedReply } from "./malformed.ts";

const PLACE = { method: "GET", resource: "/bucket/key", requestId: "ID", hostId: "HOST", bucket: "bucket", key: "key" };

function told(error: unknown, method = "GET"): { status: number; headers: string[]; body: string } {
  const { status, headers, body } = errorReply(toS3Error(error), { ...PLACE, method });
  return { status, headers, body: body instanceof Uint8Array ? text(body) : "" };
}

test("the body names code, message, what it is about, and the request", () => {
  const { status, headers, body } = told(objectFailure("OBJECT_MISSING"));
  assert.equal(status, 404);
  assert.deepEqual(headers, ["Content-Type", "application/xml", "Content-Length", String(body.length)]);
  assert.equal(
    body,
    '<?xml version="1.0" encoding="UTF-8"?>\n<Error><Code>NoSuchKey</Code><Message>The specified key does not exist.</Message>' +
      "<Key>key</Key><Resource>/bucket/key</Resource><RequestId>ID</RequestId><HostId>HOST</HostId></Error>",
  );
});

test("HEAD and 304 have no body", () => {
  assert.equal(told(objectFailure("OBJECT_MISSING"), "HEAD").body, "");
  const unchanged = told(
    objectFailure("NOT_MODIFIED", { data: { etag: "abc", versionId: "v", lastModifiedMillis: 0 } }),
  );
  assert.equal(unchanged.status, 304);
  assert.equal(unchanged.body, "");
  assert.deepEqual(unchanged.headers, [
    ...["x-amz-version-id", "v", "ETag", '"abc"', "Last-Modified", "Thu, 01 Jan 1970 00:00:00 GMT"],
  ]);
});

test("a delete marker is told apart from a key that never was", () => {
  const hidden = told(objectFailure("OBJECT_MISSING", { data: { deleteMarker: true, versionId: "v" } }));
  assert.deepEqual(hidden.headers.slice(0, 4), ["x-amz-delete-marker", "true", "x-amz-version-id", "v"]);
  const marker = told(objectFailure("IS_DELETE_MARKER", { data: { versionId: "v" } }));
  assert.equal(marker.status, 405);
  assert.deepEqual(marker.headers.slice(0, 6), [
    "x-amz-delete-marker",
    "true",
    "x-amz-version-id",
    "v",
    "Allow",
    "DELETE",
  ]);
});

test("a client that should come back later is told when", () => {
  for (const code of ["SlowDown", "ServiceUnavailable"] as const) {
    const { status, headers } = told(s3Failure(code));
    assert.equal(status, 503);
    assert.deepEqual(headers.slice(0, 2), ["Retry-After", "1"]);
  }
});

test("a bucket that an error is about is the one that it names", () => {
  assert.match(
    told(objectFailure("BUCKET_MISSING", { data: { bucket: "other" } })).body,
    /<BucketName>other<\/BucketName>/,
  );
  assert.match(told(objectFailure("BUCKET_MISSING")).body, /<BucketName>bucket<\/BucketName>/);
});

test("facts from below are elements only where S3 has a name for them", () => {
  const { body } = told(
    s3Failure("InvalidArgument", { data: { ArgumentName: "a", internal: "secret", "Bad Name": "x" } }),
  );
  assert.match(body, /<ArgumentName>a<\/ArgumentName>/);
  assert.doesNotMatch(body, /secret|Bad Name/);
});

test("what was signed is shown in hexadecimal too, and no fact is longer than 16 KiB", () => {
  const { body } = told(s3Failure("SignatureDoesNotMatch", { data: { stringToSign: "a\nb" } }));
  assert.match(body, /<StringToSign>a\nb<\/StringToSign><StringToSignBytes>61 0a 62<\/StringToSignBytes>/);
  assert(told(s3Failure("InvalidArgument", { data: { ArgumentValue: "x".repeat(100_000) } })).body.length < 20_000);
});

test("whatever a fact holds, the body is XML", () => {
  for (const value of [
    "\u0000\u0001\n",
    "<&>\"'",
    "\ud800",
    "😀",
    undefined,
    null,
    5,
    ["a", "b"],
    { toString: () => "x" },
  ]) {
    const { body } = told(s3Failure("InvalidArgument", { data: { ArgumentValue: value } }));
    const bytes = new TextEncoder().encode(body);
    assert.equal(parseXml(bytes, { bytesMax: bytes.length }).required("Code").text(), "InvalidArgument");
  }
});

test("what is no HTTP gets an error of S3 and the end of its connection", () => {
  for (const status of [400, 408, 431] as const) {
    const { headers, body } = malformedReply(status);
    assert.equal(parseXml(body, { bytesMax: body.length }).name, "Error");
    assert.deepEqual(headers.slice(-4), ["Content-Length", String(body.length), "Connection", "close"]);
  }
});
