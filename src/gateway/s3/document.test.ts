import assert from "node:assert/strict";
import { test } from "node:test";
import type { ByteSource } from "../../std/source.ts";
import { codeOf, openTestS3, ROOT, signedRequest } from "./testing/fixture.ts";

/** A client that never ends its body. */
function endless(): { readonly source: ByteSource; readonly read: () => number } {
  let bytes = 0;
  const chunk = new Uint8Array(65_536).fill(0x20);
  return {
    source: {
      async read() {
        bytes += chunk.length;
        return chunk;
      },
      cancel() {},
    },
    read: () => bytes,
  };
}

const DOCUMENT_TARGETS = [
  ["PUT", "/bucket?versioning"],
  ["PUT", "/bucket?tagging"],
  ["PUT", "/bucket?cors"],
  ["PUT", "/bucket?policy"],
  ["PUT", "/bucket?acl"],
  ["PUT", "/bucket/k?tagging"],
  ["PUT", "/new-bucket"],
  ["POST", "/bucket?delete"],
  ["POST", "/bucket/k?uploadId=1"],
] as const;

test("a document that is longer than it says is read no further", async () => {
  await using s3 = await openTestS3();
  await s3.objects.createBucket("bucket", "root");
  for (const [method, target] of DOCUMENT_TARGETS) {
    const { source, read } = endless();
    const headers = {
      "content-length": "100",
      "content-md5": "XrY7u+Ae7tCTyyK7j1rNww==",
      "x-amz-content-sha256": "UNSIGNED-PAYLOAD",
    };
    const answer = await s3.send({ ...signedRequest({ method, target, headers }, ROOT), body: source });
    assert.equal(codeOf(answer), "IncompleteBody", `${method} ${target}`);
    assert(read() <= 2 * 65_536, `${method} ${target} read ${read()}`);
  }
});

test("a document that says that it is too long is not read at all", async () => {
  await using s3 = await openTestS3();
  await s3.objects.createBucket("bucket", "root");
  for (const [method, target] of DOCUMENT_TARGETS) {
    const { source, read } = endless();
    const headers = { "content-length": "1000000000", "content-md5": "XrY7u+Ae7tCTyyK7j1rNww==" };
    const answer = await s3.send({ ...signedRequest({ method, target, headers }, ROOT), body: source });
    assert.equal(codeOf(answer), "MaxMessageLengthExceeded", `${method} ${target}`);
    assert.equal(read(), 0);
  }
});

test("nothing is read of the body of a caller that may not send it", async () => {
  await using s3 = await openTestS3();
  await s3.objects.createBucket("bucket", "root");
  const targets = [...DOCUMENT_TARGETS, ["PUT", "/bucket/k"], ["PUT", "/bucket/k?uploadId=1&partNumber=1"]] as const;
  for (const [method, target] of targets) {
    if (target.includes("?delete")) continue;
    const { source, read } = endless();
    const rawHeaders = ["host", "s3.test", "content-length", "100"];
    const answer = await s3.send({ method, target, rawHeaders, body: source });
    assert.equal(answer.status, 403, `${method} ${target}: ${answer.text}`);
    assert.equal(read(), 0, `${method} ${target}`);
  }
});

test("a client that trickles its body is ended with RequestTimeout", async () => {
  await using s3 = await openTestS3({ bodyGraceMillis: 10_000, bodyRateMin: 100 });
  await s3.objects.createBucket("bucket", "root");
  let sent = 0;
  const source: ByteSource = {
    async read() {
      s3.clock.advance(3000);
      return sent++ < 50 ? Uint8Array.of(7) : null;
    },
    cancel() {},
  };
  const request = signedRequest({ method: "PUT", target: "/bucket/slow", headers: { "content-length": "50" } }, ROOT);
  const answer = await s3.send({ ...request, body: source });
  assert.equal(answer.status, 400);
  assert.equal(codeOf(answer), "RequestTimeout");
  assert(sent < 10);
  assert.equal((await s3.signed({ method: "GET", target: "/bucket/slow" })).status, 404);
});

test("a deeply nested document and one with a type definition are MalformedXML", async () => {
  await using s3 = await openTestS3();
  await s3.objects.createBucket("bucket", "root");
  const nested = `<Tagging>${"<TagSet>".repeat(500)}${"</TagSet>".repeat(500)}</Tagging>`;
  const entities = `<!DOCTYPE x [${Array.from({ length: 10 }, (_, at) => `<!ENTITY e${at + 1} "&e${at};&e${at};">`).join("")}]><Tagging/>`;
  for (const body of [nested, entities, "<?xml version='1.0' encoding='UTF-16'?><Tagging/>", "\u0000", "<Tagging"]) {
    const answer = await s3.signed({ method: "PUT", target: "/bucket/k?tagging", body });
    assert.equal(codeOf(answer), "MalformedXML", body.slice(0, 60));
  }
});
