import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { copySourceOf } from "./copy-source.ts";

test("bucket and key are read with and without a leading slash, and unescaped once", () => {
  const cases: readonly (readonly [string, string, string])[] = [
    ["b/k", "b", "k"],
    ["/b/k", "b", "k"],
    ["b/a%20b%2Bc/../x//y%2520", "b", "a b+c/../x//y%20"],
    ["b/dir%2Fk", "b", "dir/k"],
    ["b%2Fdir%2Fk", "b", "dir/k"],
    ["b//k", "b", "/k"],
    ["b/a+b", "b", "a+b"],
    ["b/a?b", "b", "a?b"],
  ];
  for (const [text, bucket, key] of cases) {
    assert.deepEqual(copySourceOf(text), { bucket, key, versionId: undefined }, text);
  }
});

test("a version stands behind the key", () => {
  assert.deepEqual(copySourceOf("b/k?versionId=null"), { bucket: "b", key: "k", versionId: "null" });
  assert.deepEqual(copySourceOf("b/a?b?versionId=1"), { bucket: "b", key: "a?b", versionId: "1" });
  assert.equal(copySourceOf("b/k?versionId=").versionId, undefined);
});

test("without a bucket or a key it is an InvalidArgument", () => {
  for (const text of ["", "/", "b", "/b", "b/", "/b/", "//k", "arn:aws:s3:us-east-1:1:accesspoint/x/object/k"]) {
    assert.throws(
      () => copySourceOf(text),
      (error) => hasCode(error, "InvalidArgument"),
      text,
    );
  }
  assert.throws(
    () => copySourceOf("b/%ff"),
    (error) => hasCode(error, "InvalidURI"),
  );
});
