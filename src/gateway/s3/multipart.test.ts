import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { crc32 } from "node:zlib";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import type { TestAnswer } from "./testing/exchange.ts";
import { codeOf, openTestS3, type TestS3, xmlOf } from "./testing/fixture.ts";

const PART = 5 * 1024 * 1024;

type Headers = Readonly<Record<string, string>>;

interface Part {
  readonly number: number;
  readonly etag: string;
  readonly extra?: string;
}

describe("multipart uploads", () => {
  let s3: TestS3;
  before(async () => {
    s3 = await openTestS3();
    await s3.objects.createBucket("bucket", "root");
  });
  after(async () => {
    await s3[Symbol.asyncDispose]();
  });

  const send = (method: string, target: string, body?: string | Uint8Array, headers: Headers = {}) =>
    s3.signed({ method, target: `/bucket/${target}`, headers, ...(body !== undefined && { body }) });
  const begin = async (key: string, headers: Headers = {}): Promise<string> => {
    const answer = await send("POST", `${key}?uploads`, undefined, headers);
    assert.equal(answer.status, 200, answer.text);
    return xmlOf(answer).required("UploadId").text();
  };
  const putPart = (key: string, id: string, number: number, body: string | Uint8Array, headers: Headers = {}) =>
    send("PUT", `${key}?partNumber=${number}&uploadId=${id}`, body, headers);
  const document = (parts: readonly Part[]): string =>
    `<CompleteMultipartUpload xmlns="http://s3.amazonaws.com/doc/2006-03-01/">${parts
      .map(
        ({ number, etag, extra = "" }) => `<Part><PartNumber>${number}</PartNumber><ETag>${etag}</ETag>${extra}</Part>`,
      )
      .join("")}</CompleteMultipartUpload>`;
  const complete = (key: string, id: string, parts: readonly Part[], headers: Headers = {}): Promise<TestAnswer> =>
    send("POST", `${key}?uploadId=${id}`, document(parts), headers);

  test("parts that come out of order become one object", async () => {
    const [one, two] = [deterministicBytes(1, PART), deterministicBytes(2, 100)];
    const id = await begin("whole", { "content-type": "text/x", "x-amz-meta-a": "b", "x-amz-tagging": "t=1" });
    const second = await putPart("whole", id, 2, two);
    const first = await putPart("whole", id, 1, one);
    const done = await complete("whole", id, [
      { number: 1, etag: first.headers.get("etag")!.replaceAll('"', "&quot;") },
      { number: 2, etag: second.headers.get("etag")!.slice(1, -1) },
    ]);
    assert.equal(done.status, 200, done.text);
    const result = xmlOf(done);
    assert.equal(result.name, "CompleteMultipartUploadResult");
    assert.equal(result.required("Location").text(), "http://s3.test:9000/bucket/whole");
    assert.match(result.required("ETag").text(), /^"[0-9a-f]{32}-2"$/);
    const read = await send("GET", "whole");
    assert.equal(read.body.length, PART + 100);
    assert(Buffer.concat([one, two]).equals(read.body));
    assert.equal(read.headers.get("content-type"), "text/x");
    assert.equal(read.headers.get("x-amz-meta-a"), "b");
    assert.equal(read.headers.get("x-amz-tagging-count"), "1");
  });

  test("a part can be read by its number", async () => {
    const part = await send("GET", "whole?partNumber=2");
    assert.equal(part.status, 206);
    assert.equal(part.body.length, 100);
    assert.equal(part.headers.get("x-amz-mp-parts-count"), "2");
    assert.equal(part.headers.get("content-range"), `bytes ${PART}-${PART + 99}/${PART + 100}`);
    const head = await send("HEAD", "whole?partNumber=1");
    assert.equal(head.headers.get("content-length"), String(PART));
    assert.equal(codeOf(await send("GET", "whole?partNumber=3")), "InvalidPart");
    assert.equal(codeOf(await send("GET", "whole?partNumber=0")), "InvalidArgument");
  });

  test("an upload that was completed or never begun is NoSuchUpload", async () => {
    assert.equal(codeOf(await putPart("whole", "none", 1, "x")), "NoSuchUpload");
    assert.equal(codeOf(await complete("whole", "none", [{ number: 1, etag: "0" }])), "NoSuchUpload");
    assert.equal(codeOf(await send("GET", "whole?uploadId=none")), "NoSuchUpload");
    assert.equal(codeOf(await send("DELETE", "whole?uploadId=none")), "NoSuchUpload");
  });

  test("what does not fit together completes nothing", async () => {
    const id = await begin("unfit");
    const first = (await putPart("unfit", id, 1, "small")).headers.get("etag")!;
    const second = (await putPart("unfit", id, 2, "last")).headers.get("etag")!;
    const one = { number: 1, etag: first };
    const two = { number: 2, etag: second };
    assert.equal(codeOf(await complete("unfit", id, [one, two])), "EntityTooSmall");
    assert.equal(codeOf(await complete("unfit", id, [two, one])), "InvalidPartOrder");
    assert.equal(codeOf(await complete("unfit", id, [one, one])), "InvalidPartOrder");
    assert.equal(codeOf(await complete("unfit", id, [{ number: 3, etag: first }])), "InvalidPart");
    assert.equal(codeOf(await complete("unfit", id, [{ number: 1, etag: second }])), "InvalidPart");
    assert.equal(codeOf(await complete("unfit", id, [])), "MalformedXML");
    assert.equal(codeOf(await complete("unfit", id, [{ number: 0, etag: first }])), "InvalidArgument");
    assert.equal(codeOf(await send("POST", `unfit?uploadId=${id}`, "<Complete")), "MalformedXML");
    assert.equal(codeOf(await send("POST", `unfit?uploadId=${id}`)), "MalformedXML");
    const unknown = document([{ ...one, extra: "<ChecksumMD2>AA==</ChecksumMD2>" }]);
    assert.equal(codeOf(await send("POST", `unfit?uploadId=${id}`, unknown)), "MalformedXML");
    assert.equal((await complete("unfit", id, [one])).status, 200, "the upload has outlived all that");
  });

  test("part numbers beyond 10,000 are refused, and so are parts above 5 GiB", async () => {
    const id = await begin("limits");
    assert.equal(codeOf(await putPart("limits", id, 10_001, "x")), "InvalidArgument");
    const tooLarge = await putPart("limits", id, 1, "x", { "content-length": String(5 * 1024 ** 3 + 1) });
    assert.equal(codeOf(tooLarge), "EntityTooLarge");
  });

  test("an aborted upload is gone", async () => {
    const id = await begin("aborted");
    await putPart("aborted", id, 1, "x");
    assert.equal((await send("DELETE", `aborted?uploadId=${id}`)).status, 204);
    assert.equal(codeOf(await send("GET", `aborted?uploadId=${id}`)), "NoSuchUpload");
    assert.equal((await send("GET", "aborted")).status, 404);
  });

  test("parts are listed in pages", async () => {
    const id = await begin("parts", { "x-amz-checksum-algorithm": "CRC32" });
    for (const number of [3, 1, 7]) await putPart("parts", id, number, `part ${number}`);
    const numbersIn = (answer: TestAnswer) =>
      xmlOf(answer)
        .all("Part")
        .map((part) => part.required("PartNumber").text());
    const all = await send("GET", `parts?uploadId=${id}`);
    assert.deepEqual(numbersIn(all), ["1", "3", "7"]);
    const root = xmlOf(all);
    assert.equal(root.required("Initiator").required("ID").text(), "root");
    assert.equal(root.required("ChecksumAlgorithm").text(), "CRC32");
    assert.equal(root.required("ChecksumType").text(), "COMPOSITE");
    assert.equal(root.required("MaxParts").text(), "1000");
    const part = root.all("Part")[0]!;
    assert.equal(part.required("Size").text(), "6");
    const sum = Buffer.alloc(4);
    sum.writeUInt32BE(crc32("part 1"));
    assert.equal(part.required("ChecksumCRC32").text(), sum.toString("base64"));
    const page = await send("GET", `parts?uploadId=${id}&max-parts=2`);
    assert.deepEqual(numbersIn(page), ["1", "3"]);
    assert.equal(xmlOf(page).required("IsTruncated").text(), "true");
    const marker = xmlOf(page).required("NextPartNumberMarker").text();
    const rest = await send("GET", `parts?uploadId=${id}&part-number-marker=${marker}`);
    assert.deepEqual(numbersIn(rest), ["7"]);
    assert.equal(xmlOf(rest).required("IsTruncated").text(), "false");
    assert.deepEqual(numbersIn(await send("GET", `parts?uploadId=${id}&max-parts=0`)), []);
    assert.equal(codeOf(await send("GET", `parts?uploadId=${id}&part-number-marker=x`)), "InvalidArgument");
  });

  test("uploads are listed in pages, folded at a delimiter", async () => {
    await s3.objects.createBucket("uploads", "root");
    const keys = ["a/1", "a/2", "b", "c c", "d"];
    for (const key of keys) {
      await s3.signed({ method: "POST", target: `/uploads/${encodeURIComponent(key)}?uploads` });
    }
    const list = async (query: string) => xmlOf(await s3.signed({ method: "GET", target: `/uploads?uploads${query}` }));
    const keysIn = (root: Awaited<ReturnType<typeof list>>) =>
      root.all("Upload").map((upload) => upload.required("Key").text());
    assert.deepEqual(keysIn(await list("")), keys);
    const folded = await list("&delimiter=%2F&encoding-type=url");
    assert.deepEqual(keysIn(folded), ["b", "c%20c", "d"]);
    assert.equal(folded.required("CommonPrefixes").required("Prefix").text(), "a/");
    const seen: string[] = [];
    let marker = "";
    for (;;) {
      const page = await list(`&max-uploads=2${marker}`);
      seen.push(...keysIn(page));
      if (page.required("IsTruncated").text() === "false") break;
      const key = encodeURIComponent(page.required("NextKeyMarker").text());
      marker = `&key-marker=${key}&upload-id-marker=${page.required("NextUploadIdMarker").text()}`;
    }
    assert.deepEqual(seen, keys);
  });

  test("checksums of parts make the checksum of the whole, composite or full", async () => {
    const crcOf = (content: string | Uint8Array): string => {
      const sum = Buffer.alloc(4);
      sum.writeUInt32BE(crc32(content));
      return sum.toString("base64");
    };
    const bodies = [deterministicBytes(3, PART), new TextEncoder().encode("the rest")];
    for (const type of ["COMPOSITE", "FULL_OBJECT"]) {
      const headers = { "x-amz-checksum-algorithm": "CRC32", "x-amz-checksum-type": type };
      const id = await begin("sums", headers);
      const parts: Part[] = [];
      for (const [at, body] of bodies.entries()) {
        const put = await putPart("sums", id, at + 1, body, { "x-amz-checksum-crc32": crcOf(body) });
        assert.equal(put.headers.get("x-amz-checksum-crc32"), crcOf(body), put.text);
        const extra = `<ChecksumCRC32>${crcOf(body)}</ChecksumCRC32>`;
        parts.push({ number: at + 1, etag: put.headers.get("etag")!, extra });
      }
      const joined = Buffer.concat(bodies.map((body) => Buffer.from(crcOf(body), "base64")));
      const expected = type === "COMPOSITE" ? `${crcOf(joined)}-2` : crcOf(Buffer.concat(bodies));
      const wrong = await complete("sums", id, parts, {
        "x-amz-checksum-crc32": "AAAAAA==",
        "x-amz-checksum-type": type,
      });
      assert.equal(codeOf(wrong), "BadDigest");
      const done = await complete("sums", id, parts, { "x-amz-checksum-crc32": expected, "x-amz-checksum-type": type });
      assert.equal(done.status, 200, done.text);
      assert.equal(xmlOf(done).required("ChecksumCRC32").text(), expected);
      assert.equal(xmlOf(done).required("ChecksumType").text(), type);
      const read = await send("HEAD", "sums", undefined, { "x-amz-checksum-mode": "ENABLED" });
      assert.equal(read.headers.get("x-amz-checksum-crc32"), expected);
      assert.equal(read.headers.get("x-amz-checksum-type"), type);
      const part = await send("GET", "sums?partNumber=2", undefined, { "x-amz-checksum-mode": "ENABLED" });
      assert.equal(part.headers.get("x-amz-checksum-crc32"), crcOf(bodies[1]!), "a part has its own");
      assert.equal(part.headers.get("x-amz-checksum-type"), type);
    }
  });

  test("a part's checksum that is not its own is refused", async () => {
    const id = await begin("bad-sum", { "x-amz-checksum-algorithm": "SHA256" });
    const refused = await putPart("bad-sum", id, 1, "x", { "x-amz-checksum-sha256": `${"A".repeat(43)}=` });
    assert.equal(codeOf(refused), "BadDigest");
    const type = await send("POST", "bad-type?uploads", undefined, {
      "x-amz-checksum-algorithm": "SHA256",
      "x-amz-checksum-type": "FULL_OBJECT",
    });
    assert.equal(codeOf(type), "InvalidRequest");
  });

  test("the size that a client announces for the whole is checked", async () => {
    const id = await begin("sized");
    const etag = (await putPart("sized", id, 1, "12345")).headers.get("etag")!;
    const wrong = await complete("sized", id, [{ number: 1, etag }], { "x-amz-mp-object-size": "6" });
    assert.equal(wrong.status, 400);
    const right = await complete("sized", id, [{ number: 1, etag }], { "x-amz-mp-object-size": "5" });
    assert.equal(right.status, 200);
  });

  test("an object's parts and checksum can be asked for without the object", async () => {
    const attributes = (target: string, wanted: string, headers: Headers = {}) =>
      send("GET", `${target}?attributes`, undefined, { "x-amz-object-attributes": wanted, ...headers });
    const all = xmlOf(await attributes("sums", "ETag,Checksum,ObjectParts,StorageClass,ObjectSize"));
    assert.match(all.required("ETag").text(), /^[0-9a-f]{32}-2$/);
    assert.equal(all.required("Checksum").required("ChecksumType").text(), "FULL_OBJECT");
    assert.equal(all.required("ObjectSize").text(), String(PART + 8));
    assert.equal(all.required("StorageClass").text(), "STANDARD");
    const parts = all.required("ObjectParts");
    assert.equal(parts.required("PartsCount").text(), "2");
    assert.deepEqual(
      parts.all("Part").map((part) => [part.required("PartNumber").text(), part.required("Size").text()]),
      [
        ["1", String(PART)],
        ["2", "8"],
      ],
    );
    const paged = xmlOf(await attributes("sums", "ObjectParts", { "x-amz-max-parts": "1" })).required("ObjectParts");
    assert.equal(paged.required("IsTruncated").text(), "true");
    assert.equal(paged.required("NextPartNumberMarker").text(), "1");
    const next = { "x-amz-max-parts": "1", "x-amz-part-number-marker": "1" };
    const rest = xmlOf(await attributes("sums", "ObjectParts", next)).required("ObjectParts");
    assert.equal(rest.required("Part").required("PartNumber").text(), "2");
    assert.equal(rest.required("IsTruncated").text(), "false");
    await send("PUT", "simple", "x");
    const simple = await attributes("simple", "ETag, ObjectParts");
    assert.equal(xmlOf(simple).optional("ObjectParts"), undefined);
    assert.equal(simple.headers.get("last-modified"), "Sat, 21 Nov 2026 12:00:00 GMT");
    assert.equal(codeOf(await attributes("simple", "Color")), "InvalidArgument");
    assert.equal(codeOf(await attributes("simple", "")), "InvalidArgument");
    assert.equal(codeOf(await attributes("missing", "ETag")), "NoSuchKey");
  });

  test("nothing of all this was a surprise to the server", () => {
    assert.deepEqual(s3.unexpected, []);
  });
});
