import assert from "node:assert/strict";
import { test } from "node:test";
import type { ObjectInfo } from "../../service/objects/index.ts";
import { hasCode } from "../../std/errors.ts";
import { RequestHeaders } from "../http/index.ts";
import { decodeHeader, encodeHeader, headerMetadata, pushMetadata, storageClassOf, userMetadata } from "./metadata.ts";

const wire = (text: string): string => Buffer.from(text).toString("latin1");

test("an object keeps the headers that describe it, and nothing else", () => {
  const metadata = headerMetadata(
    new RequestHeaders([
      ...["Content-Type", "text/plain", "Content-Encoding", "gzip", "Content-Disposition", "inline"],
      ...["Content-Language", "de", "Cache-Control", "no-cache", "Expires", "0", "X-Amz-Storage-Class", "STANDARD_IA"],
      ...["x-amz-website-redirect-location", "/x", "X-Amz-Meta-A", "1", "x-amz-meta-b", wire("é"), "x-amz-date", "2"],
    ]),
  );
  assert.deepEqual(metadata, {
    contentType: "text/plain",
    contentEncoding: "gzip",
    contentDisposition: "inline",
    contentLanguage: "de",
    cacheControl: "no-cache",
    expires: "0",
    websiteRedirectLocation: "/x",
    storageClass: "STANDARD_IA",
    user: new Map([
      ["a", "1"],
      ["b", "é"],
    ]),
  });
});

test("aws-chunked is how a body travelled, not what it is", () => {
  const encodingOf = (value: string) => headerMetadata(new RequestHeaders(["content-encoding", value])).contentEncoding;
  assert.equal(encodingOf("aws-chunked"), undefined);
  assert.equal(encodingOf("aws-chunked,gzip"), "gzip");
  assert.equal(encodingOf("gzip, aws-chunked"), "gzip");
  assert.equal(encodingOf("gzip,aws-chunked,br"), "gzip,br");
  assert.equal(encodingOf("gzip"), "gzip");
});

test("a header that is valid UTF-8 is that text, any other is Latin-1", () => {
  assert.equal(decodeHeader("plain"), "plain");
  assert.equal(decodeHeader(wire("żółw 😀")), "żółw 😀");
  assert.equal(decodeHeader("caf\u00e9"), "café");
});

test("text goes out as UTF-8, and as an encoded word where no header could hold it", () => {
  assert.equal(encodeHeader("plain\ttext"), "plain\ttext");
  assert.equal(encodeHeader("é"), wire("é"));
  assert.equal(encodeHeader("a\r\nSet-Cookie: x"), "=?UTF-8?B?YQ0KU2V0LUNvb2tpZTogeA==?=");
  assert.equal(encodeHeader("\u0000"), "=?UTF-8?B?AA==?=");
});

test("storage classes that can be read at once are labels, archives are not built, others are invalid", () => {
  assert.equal(storageClassOf("STANDARD"), undefined);
  assert.equal(storageClassOf(undefined), undefined);
  assert.equal(storageClassOf("GLACIER_IR"), "GLACIER_IR");
  assert.throws(
    () => storageClassOf("GLACIER"),
    (error) => hasCode(error, "NotImplemented"),
  );
  assert.throws(
    () => storageClassOf("standard"),
    (error) => hasCode(error, "InvalidStorageClass"),
  );
});

test("a name that no header can have is refused, and where another gateway stored one it is counted", () => {
  const user = new Map([
    ["good", "1"],
    ["bad name", "2"],
    ["bad\nname", "3"],
  ]);
  const headers: string[] = [];
  pushMetadata(headers, { metadata: { user } } as unknown as ObjectInfo);
  assert.deepEqual(headers.slice(2), ["x-amz-meta-good", "1", "x-amz-missing-meta", "2"]);
  for (const name of ["x-amz-meta-a b", "x-amz-meta-ä", "x-amz-meta-a:b"]) {
    assert.throws(
      () => userMetadata([[name, "v"]]),
      (error) => hasCode(error, "InvalidArgument"),
      name,
    );
  }
});

test("a signed parameter takes the place of the object's own header", () => {
  const info = { metadata: { contentType: "text/plain", user: new Map([["a", "ü"]]) } } as unknown as ObjectInfo;
  const headers: string[] = [];
  pushMetadata(headers, info, (name) => (name === "content-type" ? "a\nb" : undefined));
  assert.deepEqual(headers, ["Content-Type", "=?UTF-8?B?YQpi?=", "x-amz-meta-a", wire("ü")]);
});
