import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { hasCode } from "../../std/errors.ts";
import { decodeToken, encodeToken } from "./listing.ts";
import type { TestAnswer } from "./testing/exchange.ts";
import { codeOf, openTestS3, type TestS3, xmlOf } from "./testing/fixture.ts";

const KEYS = ["a/b", "a/b/c", "a b+", "b", "dir/x", "dir/y", "z", "é", "😀"];

function texts(answer: TestAnswer, element: string, inside: string): string[] {
  return xmlOf(answer)
    .all(element)
    .map((entry) => entry.required(inside).text());
}

function text(answer: TestAnswer, element: string): string | undefined {
  return xmlOf(answer).optional(element)?.text();
}

describe("listings", () => {
  let s3: TestS3;
  before(async () => {
    s3 = await openTestS3();
    await s3.objects.createBucket("bucket", "root");
    for (const key of KEYS) {
      await s3.signed({ method: "PUT", target: `/bucket/${encodeURIComponent(key)}`, body: key });
    }
  });
  after(async () => {
    await s3[Symbol.asyncDispose]();
  });

  const list = (query: string) => s3.signed({ method: "GET", target: `/bucket?${query}` });

  test("version 2 gives keys in the order of their bytes, with what there is to say of each", async () => {
    const page = await list("list-type=2");
    assert.deepEqual(
      texts(page, "Contents", "Key"),
      KEYS.toSorted((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right))),
    );
    assert.equal(text(page, "KeyCount"), String(KEYS.length));
    assert.equal(text(page, "MaxKeys"), "1000");
    assert.equal(text(page, "IsTruncated"), "false");
    assert.equal(text(page, "Delimiter"), undefined);
    assert.equal(text(page, "Prefix"), "");
    const entry = xmlOf(page).all("Contents")[0]!;
    assert.deepEqual(
      entry.children.map(({ name }) => name),
      ["Key", "LastModified", "ETag", "Size", "StorageClass"],
    );
    assert.equal(entry.required("LastModified").text(), "2026-11-21T12:00:00.000Z");
    assert.match(entry.required("ETag").text(), /^"[0-9a-f]{32}"$/);
  });

  test("a delimiter folds what follows it", async () => {
    const page = await list("list-type=2&delimiter=%2F");
    assert.deepEqual(texts(page, "Contents", "Key"), ["a b+", "b", "z", "é", "😀"]);
    assert.deepEqual(texts(page, "CommonPrefixes", "Prefix"), ["a/", "dir/"]);
    assert.equal(text(page, "KeyCount"), "7");
    assert.equal(text(page, "Delimiter"), "/");
    const inside = await list("list-type=2&delimiter=%2F&prefix=a%2F");
    assert.deepEqual(texts(inside, "Contents", "Key"), ["a/b"]);
    assert.deepEqual(texts(inside, "CommonPrefixes", "Prefix"), ["a/b/"]);
  });

  test("pages of every size join to the whole listing, in version 2 by token and in version 1 by marker", async () => {
    for (const delimiter of ["", "/"]) {
      const whole = await list(`list-type=2&delimiter=${delimiter}`);
      const all = [...texts(whole, "Contents", "Key"), ...texts(whole, "CommonPrefixes", "Prefix")].toSorted();
      for (let size = 1; size <= KEYS.length + 1; size++) {
        for (const version of [1, 2]) {
          const seen: string[] = [];
          let position = "";
          for (;;) {
            const where = version === 2 ? `list-type=2&continuation-token=${position}` : `marker=${position}`;
            const page = await list(`max-keys=${size}&delimiter=${delimiter}&${where}`);
            const keys = texts(page, "Contents", "Key");
            const prefixes = texts(page, "CommonPrefixes", "Prefix");
            assert(keys.length + prefixes.length <= size);
            seen.push(...keys, ...prefixes);
            if (text(page, "IsTruncated") === "false") break;
            const next =
              version === 2 ? text(page, "NextContinuationToken") : (text(page, "NextMarker") ?? keys.at(-1));
            position = encodeURIComponent(next!);
          }
          assert.deepEqual(seen.toSorted(), all, `size ${size}, version ${version}, delimiter ${delimiter}`);
        }
      }
    }
  });

  test("version 1 names a next marker only with a delimiter, and always the owner", async () => {
    const plain = await list("max-keys=1");
    assert.equal(text(plain, "NextMarker"), undefined);
    assert.equal(text(plain, "Marker"), "");
    assert.equal(xmlOf(plain).required("Contents").required("Owner").required("ID").text(), "root");
    const folded = await list("max-keys=1&delimiter=%2F");
    assert.equal(text(folded, "NextMarker"), "a b+");
  });

  test("version 2 names the owner only if it is asked to, and echoes where it was to start", async () => {
    const page = await list("list-type=2&fetch-owner=true&start-after=b&max-keys=1");
    assert.equal(xmlOf(page).required("Contents").required("Owner").required("DisplayName").text(), "root");
    assert.equal(text(page, "StartAfter"), "b");
    assert.deepEqual(texts(page, "Contents", "Key"), ["dir/x"]);
    const token = text(page, "NextContinuationToken")!;
    const next = await list(`list-type=2&start-after=zzz&continuation-token=${token}&max-keys=1`);
    assert.deepEqual(texts(next, "Contents", "Key"), ["dir/y"], "the token goes before start-after");
    assert.equal(text(next, "ContinuationToken"), token);
  });

  test("encoding-type=url escapes every key", async () => {
    const page = await list("list-type=2&encoding-type=url&delimiter=%2F&start-after=a%20");
    assert.deepEqual(texts(page, "Contents", "Key"), ["a%20b%2B", "b", "z", "%C3%A9", "%F0%9F%98%80"]);
    assert.equal(text(page, "EncodingType"), "url");
    assert.equal(text(page, "StartAfter"), "a%20");
    assert.equal(text(page, "Delimiter"), "/");
  });

  test("no keys at all are a page too", async () => {
    for (const query of ["max-keys=0", "list-type=2&max-keys=0", "versions&max-keys=0"]) {
      const page = await list(query);
      assert.equal(page.status, 200);
      assert.equal(text(page, "IsTruncated"), "false");
      assert.deepEqual(texts(page, "Contents", "Key"), []);
    }
    assert.equal(codeOf(await s3.signed({ method: "GET", target: "/missing?max-keys=0" })), "NoSuchBucket");
    assert.equal(codeOf(await s3.signed({ method: "GET", target: "/missing?list-type=2&max-keys=0" })), "NoSuchBucket");
  });

  test("a page has at most 1,000 keys, whatever is asked for", async () => {
    assert.equal(text(await list("list-type=2&max-keys=5000"), "MaxKeys"), "1000");
  });

  test("arguments that make no sense are InvalidArgument", async () => {
    const queries = [
      ...["max-keys=blah", "max-keys=-1", "max-keys=99999999999", "encoding-type=base64"],
      ...["list-type=2&continuation-token=garbage", "list-type=2&continuation-token=1%25%25", "list-type=2&max-keys=x"],
      ...["versions&version-id-marker=1", "uploads&max-uploads=x"],
    ];
    for (const query of queries) {
      const answer = await list(query);
      assert.equal(answer.status, 400, query);
      assert.equal(codeOf(answer), "InvalidArgument", query);
    }
  });

  test("empty arguments are as good as none", async () => {
    const page = await list("list-type=2&continuation-token=&delimiter=&prefix=&start-after=&encoding-type=&max-keys=");
    assert.equal(page.status, 200);
    assert.equal(texts(page, "Contents", "Key").length, KEYS.length);
    assert.equal(text(page, "ContinuationToken"), "");
  });

  test("a token holds any key and no other text is one", () => {
    for (const key of ["", "a", "é/😀", "\u0000\n", "x".repeat(1024)]) assert.equal(decodeToken(encodeToken(key)), key);
    for (const token of ["", "2YQ", "1!", "1_w"]) {
      assert.throws(
        () => decodeToken(token),
        (error) => hasCode(error, "InvalidArgument"),
        token,
      );
    }
  });

  test("buckets are listed in pages, or all at once", async () => {
    for (const name of ["other-1", "other-2", "zebra"]) await s3.objects.createBucket(name, "root");
    const names = (answer: TestAnswer) =>
      xmlOf(answer)
        .required("Buckets")
        .all("Bucket")
        .map((bucket) => bucket.required("Name").text());
    const all = await s3.signed({ method: "GET", target: "/" });
    assert.deepEqual(names(all), ["bucket", "other-1", "other-2", "zebra"]);
    assert.equal(text(all, "ContinuationToken"), undefined);
    const first = await s3.signed({ method: "GET", target: "/?max-buckets=1&prefix=other" });
    assert.deepEqual(names(first), ["other-1"]);
    const token = text(first, "ContinuationToken")!;
    const rest = await s3.signed({ method: "GET", target: `/?max-buckets=5&prefix=other&continuation-token=${token}` });
    assert.deepEqual(names(rest), ["other-2"]);
    assert.equal(text(rest, "Prefix"), "other");
    assert.equal(codeOf(await s3.signed({ method: "GET", target: "/?max-buckets=0" })), "InvalidArgument");
  });

  test("nothing of all this was a surprise to the server", () => {
    assert.deepEqual(s3.unexpected, []);
  });
});
