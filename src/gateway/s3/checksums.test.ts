import assert from "node:assert/strict";
import { test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { RequestHeaders } from "../http/index.ts";
import {
  announcedChecksum,
  checksumText,
  contentMd5,
  pushChecksum,
  uploadChecksum,
  wholeChecksum,
} from "./checksums.ts";

const CRC32 = "AAAABQ==";
const NEVER = () => false;

function announced(...headers: string[]) {
  return announcedChecksum(new RequestHeaders(headers), NEVER);
}

test("a checksum comes in a header, as a trailer, or by name alone", () => {
  assert.deepEqual(announced("x-amz-checksum-crc32", CRC32), {
    algorithm: "crc32",
    value: new Uint8Array([0, 0, 0, 5]),
    trailer: undefined,
  });
  assert.deepEqual(announced("x-amz-trailer", "X-Amz-Checksum-SHA1"), {
    algorithm: "sha1",
    value: undefined,
    trailer: "x-amz-checksum-sha1",
  });
  for (const name of ["x-amz-sdk-checksum-algorithm", "x-amz-checksum-algorithm"]) {
    assert.deepEqual(announced(name, "CRC64NVME"), { algorithm: "crc64nvme", value: undefined, trailer: undefined });
  }
  assert.equal(announced("x-amz-date", "1"), undefined);
});

test("two checksums at once are refused", () => {
  const pairs = [
    ["x-amz-checksum-crc32", CRC32, "x-amz-checksum-crc32c", CRC32],
    ["x-amz-checksum-crc32", CRC32, "x-amz-trailer", "x-amz-checksum-crc32"],
    ["x-amz-trailer", "x-amz-checksum-crc32,x-amz-checksum-crc32c"],
  ];
  for (const headers of pairs) {
    assert.throws(
      () => announced(...headers),
      (error) => hasCode(error, "InvalidRequest"),
      headers.join(),
    );
  }
});

test("what can not be a checksum is BadDigest, an unknown trailer InvalidArgument, an unknown name InvalidRequest", () => {
  for (const value of ["", "bad", "AAAA", "AAAAAAAAAAA=", "####=="]) {
    assert.throws(
      () => announced("x-amz-checksum-crc32", value),
      (error) => hasCode(error, "BadDigest"),
      value,
    );
  }
  assert.throws(
    () => announced("x-amz-trailer", "x-amz-meta-a"),
    (error) => hasCode(error, "InvalidArgument"),
  );
  assert.throws(
    () => announced("x-amz-checksum-algorithm", "MD4"),
    (error) => hasCode(error, "InvalidRequest"),
  );
});

test("the checksum of no bytes that a signer without a body put into a link says nothing", () => {
  const empty = ["x-amz-checksum-crc32", "AAAAAA==", "x-amz-sdk-checksum-algorithm", "CRC32"];
  const fromQuery = announcedChecksum(new RequestHeaders(empty), () => true);
  assert.deepEqual(fromQuery, { algorithm: "crc32", value: undefined, trailer: undefined });
  assert.deepEqual(announced(...empty)?.value, new Uint8Array(4), "in a header it is meant");
});

test("an upload's checksum has the type that S3 takes where none is named", () => {
  const of = (...headers: string[]) => uploadChecksum(new RequestHeaders(headers));
  assert.equal(of(), undefined);
  assert.deepEqual(of("x-amz-checksum-algorithm", "CRC32"), { algorithm: "crc32", type: "composite" });
  assert.deepEqual(of("x-amz-checksum-algorithm", "crc64nvme"), { algorithm: "crc64nvme", type: "full-object" });
  assert.deepEqual(of("x-amz-checksum-algorithm", "CRC32", "x-amz-checksum-type", "FULL_OBJECT"), {
    algorithm: "crc32",
    type: "full-object",
  });
  assert.throws(
    () => of("x-amz-checksum-type", "FULL_OBJECT"),
    (error) => hasCode(error, "InvalidRequest"),
  );
  assert.throws(
    () => of("x-amz-checksum-algorithm", "CRC32", "x-amz-checksum-type", "HALF"),
    (error) => hasCode(error, "InvalidRequest"),
  );
});

test("the checksum of a whole upload is composite if it ends in the number of parts or says so", () => {
  const of = (...headers: string[]) => wholeChecksum(new RequestHeaders(headers))?.type;
  assert.equal(of("x-amz-checksum-crc32", CRC32), "full-object");
  assert.equal(of("x-amz-checksum-crc32", `${CRC32}-3`), "composite");
  assert.equal(of("x-amz-checksum-crc32", CRC32, "x-amz-checksum-type", "COMPOSITE"), "composite");
  assert.equal(of(), undefined);
});

test("a checksum is written with its type, a composite one with the number of parts", () => {
  const checksum = { algorithm: "crc32", type: "composite", value: new Uint8Array([0, 0, 0, 5]) } as const;
  assert.equal(checksumText(checksum, 3), `${CRC32}-3`);
  const headers: string[] = [];
  pushChecksum(headers, { ...checksum, type: "full-object" });
  assert.deepEqual(headers, ["x-amz-checksum-crc32", CRC32, "x-amz-checksum-type", "FULL_OBJECT"]);
});

test("Content-MD5 is 16 bytes in base64, or InvalidDigest", () => {
  assert.equal(contentMd5(new RequestHeaders(["content-md5", "XUFAKrxLKna5cZ2REBfFkg=="]))?.length, 16);
  assert.equal(contentMd5(new RequestHeaders([])), undefined);
  for (const value of ["", "YWJyYWNhZGFicmE=", "AWS HAHAHA", "XUFAKrxLKna5cZ2REBfFkg"]) {
    const wrong = () => contentMd5(new RequestHeaders(["content-md5", value]));
    assert.throws(wrong, (error) => hasCode(error, "InvalidDigest"), value);
  }
});
