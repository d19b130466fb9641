import assert from "node:assert/strict";
import { test } from "node:test";
import { BLOB_ERRORS } from "../../blob/index.ts";
import { AWS_CHUNKED_ERRORS } from "../../codec/aws-chunked/index.ts";
import { MULTIPART_FORM_ERRORS } from "../../codec/multipart-form/index.ts";
import { SIGV4_ERRORS } from "../../codec/sigv4/index.ts";
import { XML_ERRORS } from "../../codec/xml/index.ts";
import { ENV_ERRORS } from "../../env/index.ts";
import { ACCESS_ERRORS } from "../../service/access/index.ts";
import { OBJECT_ERRORS, objectFailure } from "../../service/objects/index.ts";
import { AshlarError } from "../../std/errors.ts";
import { STORE_ERRORS, storeFailure } from "../../store/index.ts";
import { HTTP_ERRORS } from "../http/index.ts";
import { ERROR_MAPS, toS3Error } from "./error-map.ts";
import { S3_ERRORS } from "./error-table.ts";
import { s3Failure } from "./errors.ts";

const LAYERS = [
  ...[HTTP_ERRORS, SIGV4_ERRORS, AWS_CHUNKED_ERRORS, XML_ERRORS, MULTIPART_FORM_ERRORS],
  ...[OBJECT_ERRORS, ACCESS_ERRORS, BLOB_ERRORS, STORE_ERRORS, ENV_ERRORS],
];

test("every code of every layer below has a code and a status of S3", () => {
  for (const code of LAYERS.flatMap((table) => Object.keys(table))) {
    const told = toS3Error(new AshlarError(code, "what", "advice"));
    assert(told.code in S3_ERRORS, code);
    assert.equal(told.status, S3_ERRORS[told.code].status, code);
    const mapped = ERROR_MAPS.some((map) => code in map);
    assert(mapped, `${code} is in no map`);
  }
});

test("a code that two layers use means one thing to a client", () => {
  const seen = new Map<string, string>();
  for (const map of ERROR_MAPS) {
    for (const [code, s3Code] of Object.entries(map)) {
      assert.equal(seen.get(code) ?? s3Code, s3Code, code);
      seen.set(code, s3Code);
    }
  }
});

test("every error of S3 that the table has is a client's or a server's error, or 304", () => {
  for (const [code, { status, what, advice }] of Object.entries(S3_ERRORS)) {
    assert(status === 304 || (status >= 400 && status <= 507), code);
    assert(what.length > 0 && advice.length > 0, code);
  }
});

test("the usual errors have the status that clients decide by", () => {
  const expected = {
    NoSuchKey: 404,
    NoSuchBucket: 404,
    AccessDenied: 403,
    SignatureDoesNotMatch: 403,
    PreconditionFailed: 412,
    NotModified: 304,
    InvalidRange: 416,
    SlowDown: 503,
    MissingContentLength: 411,
    MethodNotAllowed: 405,
    NotImplemented: 501,
    BucketNotEmpty: 409,
  } as const;
  for (const [code, status] of Object.entries(expected)) {
    assert.equal(S3_ERRORS[code as keyof typeof expected].status, status, code);
  }
});

test("what happened inside is told to nobody outside", () => {
  const damaged = toS3Error(new AshlarError("BLOB_DAMAGED", "volume 7 at 123", "advice", { path: "/data/7" }));
  assert.deepEqual(damaged, { code: "InternalError", status: 500, message: S3_ERRORS.InternalError.what, data: {} });
  const lost = toS3Error(storeFailure("ROW_DAMAGED", { data: { key: "secret" } }));
  assert.deepEqual(lost.data, {});
  const bug = toS3Error(new TypeError("cannot read properties of undefined"));
  assert.equal(bug.code, "InternalError");
  assert.equal(bug.message, S3_ERRORS.InternalError.what);
  const own = toS3Error(s3Failure("InternalError", { what: "details" }));
  assert.equal(own.message, S3_ERRORS.InternalError.what);
});

test("a code of no table at all is InternalError", () => {
  assert.equal(toS3Error(new AshlarError("UNHEARD_OF", "what", "advice")).code, "InternalError");
});

test("facts that help the client stay with the error", () => {
  const told = toS3Error(objectFailure("RANGE_INVALID", { data: { size: 5 } }));
  assert.deepEqual(told.data, { size: 5, cause: "RANGE_INVALID" });
  const argument = toS3Error(s3Failure("InvalidArgument", { what: "no", data: { ArgumentName: "a" } }));
  assert.deepEqual(argument, { code: "InvalidArgument", status: 400, message: "no", data: { ArgumentName: "a" } });
});
