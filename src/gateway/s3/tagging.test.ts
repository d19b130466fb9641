import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { parseTagging } from "./tags.ts";
import type { TestAnswer } from "./testing/exchange.ts";
import { codeOf, openTestS3, type TestS3, xmlOf } from "./testing/fixture.ts";

function tagging(tags: Readonly<Record<string, string>>): string {
  const inside = Object.entries(tags).map(([key, value]) => `<Tag><Key>${key}</Key><Value>${value}</Value></Tag>`);
  return `<Tagging><TagSet>${inside.join("")}</TagSet></Tagging>`;
}

function tagsIn(answer: TestAnswer): Record<string, string> {
  const tags = xmlOf(answer).required("TagSet").all("Tag");
  return Object.fromEntries(tags.map((tag) => [tag.required("Key").text(), tag.required("Value").text()]));
}

const many = (count: number): Record<string, string> =>
  Object.fromEntries(Array.from({ length: count }, (_, at) => [`key${at}`, String(at)]));

describe("tagging", () => {
  let s3: TestS3;
  before(async () => {
    s3 = await openTestS3();
    await s3.objects.createBucket("bucket", "root");
    await s3.signed({ method: "PUT", target: "/bucket/k", body: "x" });
  });
  after(async () => {
    await s3[Symbol.asyncDispose]();
  });

  const send = (method: string, target: string, body?: string) =>
    s3.signed({ method, target: `/bucket${target}`, ...(body !== undefined && { body }) });

  test("an object's tags are put, read and deleted", async () => {
    assert.deepEqual(tagsIn(await send("GET", "/k?tagging")), {});
    assert.equal((await send("PUT", "/k?tagging", tagging({ a: "1", "b c": "é&amp;" }))).status, 200);
    assert.deepEqual(tagsIn(await send("GET", "/k?tagging=")), { a: "1", "b c": "é&" });
    assert.equal((await send("GET", "/k")).headers.get("x-amz-tagging-count"), "2");
    assert.equal((await send("DELETE", "/k?tagging")).status, 204);
    assert.deepEqual(tagsIn(await send("GET", "/k?tagging")), {});
    assert.equal((await send("GET", "/k")).text, "x", "the object is as it was");
  });

  test("a bucket's tags are there only once they are put", async () => {
    const none = await send("GET", "?tagging");
    assert.equal(none.status, 404);
    assert.equal(codeOf(none), "NoSuchTagSet");
    assert.equal((await send("PUT", "?tagging", tagging({ team: "storage" }))).status, 204);
    assert.deepEqual(tagsIn(await send("GET", "?tagging")), { team: "storage" });
    assert.equal((await send("DELETE", "?tagging")).status, 204);
    assert.equal(codeOf(await send("GET", "?tagging")), "NoSuchTagSet");
  });

  test("an object has at most 10 tags, a bucket at most 50", async () => {
    assert.equal((await send("PUT", "/k?tagging", tagging(many(10)))).status, 200);
    assert.equal(codeOf(await send("PUT", "/k?tagging", tagging(many(11)))), "InvalidTag");
    assert.equal(Object.keys(tagsIn(await send("GET", "/k?tagging"))).length, 10);
    assert.equal((await send("PUT", "?tagging", tagging(many(50)))).status, 204);
    assert.equal(codeOf(await send("PUT", "?tagging", tagging(many(51)))), "InvalidTag");
  });

  test("keys have 1 to 128 characters and values at most 256, and no key comes twice", async () => {
    for (const target of ["/k?tagging", "?tagging"]) {
      assert.equal(codeOf(await send("PUT", target, tagging({ ["k".repeat(129)]: "v" }))), "InvalidTag");
      assert.equal(codeOf(await send("PUT", target, tagging({ k: "v".repeat(257) }))), "InvalidTag");
      assert.equal(codeOf(await send("PUT", target, tagging({ "": "v" }))), "InvalidTag");
      const ok = await send("PUT", target, tagging({ ["é".repeat(128)]: "😀".repeat(256) }));
      assert(ok.status < 300, ok.text);
      const twice =
        "<Tagging><TagSet><Tag><Key>a</Key><Value>1</Value></Tag><Tag><Key>a</Key><Value>2</Value></Tag></TagSet></Tagging>";
      assert.equal(codeOf(await send("PUT", target, twice)), "InvalidTag");
    }
    assert.equal(codeOf(await send("PUT", "?tagging", tagging({ "aws:x": "v" }))), "InvalidTag");
  });

  test("what is no tagging document is MalformedXML", async () => {
    for (const body of [
      "",
      "x",
      "<Tagging/>",
      "<TagSet/>",
      "<Tagging><TagSet><Tag><Key>a</Key></Tag></TagSet></Tagging>",
    ]) {
      assert.equal(codeOf(await send("PUT", "/k?tagging", body)), "MalformedXML", body);
    }
    assert.equal(codeOf(await send("GET", "/missing?tagging")), "NoSuchKey");
    assert.equal(codeOf(await send("PUT", "/missing?tagging", tagging({ a: "1" }))), "NoSuchKey");
  });

  test("each version has tags of its own", async () => {
    await s3.objects.createBucket("versions", "root");
    await s3.objects.setVersioning("versions", "enabled");
    const put = (tags: string) =>
      s3.signed({ method: "PUT", target: "/versions/k", body: "x", headers: { "x-amz-tagging": tags } });
    const first = (await put("v=1")).headers.get("x-amz-version-id");
    await put("v=2");
    const older = await s3.signed({ method: "GET", target: `/versions/k?tagging&versionId=${first}` });
    assert.deepEqual(tagsIn(older), { v: "1" });
    assert.equal(older.headers.get("x-amz-version-id"), first);
    assert.deepEqual(tagsIn(await s3.signed({ method: "GET", target: "/versions/k?tagging" })), { v: "2" });
  });

  test("the header of a write has its tags escaped as a query", () => {
    assert.deepEqual(
      [...parseTagging("a=1&b%26=%3D+x&c")],
      [
        ["a", "1"],
        ["b&", "= x"],
        ["c", ""],
      ],
    );
    assert.equal(parseTagging("").size, 0);
    for (const text of ["a=1&a=2", "=1"]) {
      assert.throws(
        () => parseTagging(text),
        (error) => hasCode(error, "InvalidTag"),
        text,
      );
    }
    assert.throws(
      () => parseTagging("a=%ff"),
      (error) => hasCode(error, "InvalidURI"),
    );
  });

  test("nothing of all this was a surprise to the server", () => {
    assert.deepEqual(s3.unexpected, []);
  });
});
