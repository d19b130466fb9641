import assert from "node:assert/strict";
import { test } from "node:test";
import { AshlarError } from "../../std/errors.ts";
import { RequestHeaders } from "../http/index.ts";
import { refuseUnbuiltHeaders } from "./refused-headers.ts";

function refusal(name: string, value: string): string | undefined {
  try {
    refuseUnbuiltHeaders(new RequestHeaders([name, value]));
    return undefined;
  } catch (error) {
    assert(error instanceof AshlarError);
    return error.code;
  }
}

test("a header of a feature that is not built is refused, never ignored", () => {
  const headers: readonly (readonly [string, string])[] = [
    ["x-amz-server-side-encryption", "AES256"],
    ["x-amz-server-side-encryption", "aws:kms"],
    ["x-amz-server-side-encryption-customer-algorithm", "AES256"],
    ["x-amz-server-side-encryption-customer-key", "k"],
    ["x-amz-server-side-encryption-context", "k"],
    ["x-amz-copy-source-server-side-encryption-customer-key", "k"],
    ["x-amz-object-lock-mode", "COMPLIANCE"],
    ["x-amz-object-lock-retain-until-date", "2030-01-01T00:00:00Z"],
    ["x-amz-object-lock-legal-hold", "ON"],
    ["x-amz-bucket-object-lock-enabled", "true"],
    ["x-amz-write-offset-bytes", "0"],
    ["x-amz-rename-source", "b/k"],
    ["x-amz-mfa", "serial 123456"],
    ["x-amz-checksum-sha512", "AAAA"],
    ["x-amz-object-ownership", "ObjectWriter"],
  ];
  for (const [name, value] of headers) assert.equal(refusal(name, value), "NotImplemented", name);
});

test("what asks for nothing passes", () => {
  const headers: readonly (readonly [string, string])[] = [
    ["x-amz-acl", "private"],
    ["x-amz-acl", "bucket-owner-full-control"],
    ["x-amz-object-lock-legal-hold", "OFF"],
    ["x-amz-bucket-object-lock-enabled", "False"],
    ["x-amz-object-ownership", "BucketOwnerEnforced"],
    ["x-amz-bypass-governance-retention", "true"],
    ["x-amz-request-payer", "requester"],
    ["x-amz-checksum-mode", "ENABLED"],
    ["x-amz-meta-server-side-encryption", "AES256"],
    ["x-amz-te", "append-md5"],
  ];
  for (const [name, value] of headers) assert.equal(refusal(name, value), undefined, name);
});

test("access is not given by ACLs", () => {
  for (const acl of ["public-read", "public-read-write", "authenticated-read", "aws-exec-read", "log-delivery-write"]) {
    assert.equal(refusal("x-amz-acl", acl), "AccessControlListNotSupported", acl);
  }
  assert.equal(refusal("x-amz-grant-read", 'id="x"'), "AccessControlListNotSupported");
  assert.equal(refusal("x-amz-acl", "public-ready"), "InvalidArgument");
  assert.equal(refusal("x-amz-object-ownership", "nobody"), "InvalidArgument");
});
