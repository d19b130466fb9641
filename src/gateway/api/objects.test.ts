import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { InlineCompute } from "../../env/sim/index.ts";
import { equalBytes, toBase64, utf8 } from "../../std/bytes.ts";
import { crc32c, crc32ToBytes } from "../../std/checksums/index.ts";
import { sourceOf } from "../../std/source.ts";
import type { HttpCall } from "../http/index.ts";
import { RequestHeaders } from "../http/index.ts";
import type { Caller } from "./authenticate.ts";
import { openWorld, type World } from "./testing/world.ts";
import { COLLECTED_PART_BYTES, Uploads } from "./upload.ts";

const object = (key: string, more = "") => `/v1/buckets/photos/object?key=${encodeURIComponent(key)}${more}`;

async function openPhotos(): Promise<World> {
  const world = await openWorld();
  await world.objects.createBucket("photos", "root");
  return world;
}

function bytesOf(length: number): Uint8Array {
  const bytes = new Uint8Array(length);
  for (let at = 0; at < length; at++) bytes[at] = (at * 31) % 251;
  return bytes;
}

/** deepEqual takes its time over millions of numbers. */
function assertSame(found: Uint8Array, expected: Uint8Array): void {
  assert.ok(equalBytes(found, expected), `${found.length} bytes, ${expected.length} expected`);
}

describe("objects", () => {
  for (const length of [0, 1, 4096, 4097, 70_000, 2_000_000]) {
    test(`of ${length} bytes come back as they were sent`, async () => {
      await using world = await openPhotos();
      const body = bytesOf(length);
      const stored = await world.call("PUT", object("a"), { body, headers: { "Content-Type": "image/png" } });
      assert.equal(stored.status, 201);
      assert.equal(stored.json.sizeBytes, length);
      assert.equal(stored.json.etag, createHash("md5").update(body).digest("hex"));
      const read = await world.call("GET", object("a"));
      assert.equal(read.status, 200);
      assertSame(read.body, body);
      assert.equal(read.headers.get("content-type"), "image/png");
      assert.equal(read.headers.get("content-length"), String(length));
      assert.equal(read.headers.get("etag"), `"${stored.json.etag}"`);
    });
  }

  const KEYS = [
    "a/b",
    "a/b/c",
    "..",
    "../../etc/passwd",
    "..//x",
    "/",
    "a//b",
    " ",
    "ü/日本.txt",
    "100%",
    "a?b#c&d=e+f",
    "%2e%2e",
  ];
  test("may have any text for a key", async () => {
    await using world = await openPhotos();
    for (const [at, key] of KEYS.entries())
      assert.equal((await world.call("PUT", object(key), { body: `${at}` })).status, 201, key);
    for (const [at, key] of KEYS.entries()) assert.equal((await world.call("GET", object(key))).text, `${at}`, key);
    const { items } = (await world.call("GET", "/v1/buckets/photos/objects")).json;
    const inByteOrder = [...KEYS].sort((left, right) => Buffer.compare(Buffer.from(left), Buffer.from(right)));
    assert.deepEqual(
      items.map((item: { key: string }) => item.key),
      inByteOrder,
    );
  });

  test("are saved and never run by a browser that opens them", async () => {
    await using world = await openPhotos();
    await world.call("PUT", object("evil/page.html"), { body: "<script>", headers: { "Content-Type": "text/html" } });
    const { headers } = await world.call("GET", object("evil/page.html"));
    assert.equal(headers.get("content-disposition"), "attachment; filename*=UTF-8''page.html");
    assert.equal(headers.get("content-security-policy"), "sandbox; default-src 'none'");
    assert.equal(headers.get("x-content-type-options"), "nosniff");
    await world.call("PUT", object(`a"';\r\nX: y/b'(c).txt`), { body: "" });
    const strange = await world.call("GET", object(`a"';\r\nX: y/b'(c).txt`));
    assert.equal(strange.headers.get("content-disposition"), "attachment; filename*=UTF-8''b%27%28c%29.txt");
  });

  const RANGES: [range: string, status: number, content: string, contentRange?: string][] = [
    ["bytes=0-0", 206, "0", "bytes 0-0/10"],
    ["bytes=2-4", 206, "234", "bytes 2-4/10"],
    ["bytes=7-", 206, "789", "bytes 7-9/10"],
    ["bytes=-3", 206, "789", "bytes 7-9/10"],
    ["bytes=5-99", 206, "56789", "bytes 5-9/10"],
    ["bytes=-99", 206, "0123456789", "bytes 0-9/10"],
    ["bytes=4-2", 200, "0123456789"],
    ["bytes=0-1,4-5", 200, "0123456789"],
    ["lines=1-2", 200, "0123456789"],
    ["bytes=10-", 416, ""],
  ];
  test("are read in part", async () => {
    await using world = await openPhotos();
    await world.call("PUT", object("digits"), { body: "0123456789" });
    for (const [Range, status, content, contentRange] of RANGES) {
      const answer = await world.call("GET", object("digits"), { headers: { Range } });
      assert.equal(answer.status, status, Range);
      if (status === 416) assert.equal(answer.code, "RANGE_INVALID");
      else assert.equal(answer.text, content, Range);
      assert.equal(answer.headers.get("content-range"), contentRange, Range);
    }
  });

  test("are described without their bytes, by HEAD and as JSON", async () => {
    await using world = await openPhotos();
    const headers = { "Content-Type": "text/plain", "Cache-Control": "no-cache", "x-amz-meta-Colour": "blue" };
    await world.call("PUT", object("a/b.txt"), { body: "hello", headers });
    const head = await world.call("HEAD", object("a/b.txt"));
    assert.equal(head.status, 200);
    assert.equal(head.body.length, 0);
    assert.equal(head.headers.get("content-length"), "5");
    const { json } = await world.call("GET", "/v1/buckets/photos/object/description?key=a/b.txt");
    assert.equal(json.sizeBytes, 5);
    assert.equal(json.contentType, "text/plain");
    assert.equal(json.cacheControl, "no-cache");
    assert.deepEqual(json.metadata, { colour: "blue" });
    assert.equal(json.modifiedAt, new Date(world.time.now()).toISOString());
  });

  test("keep headers in any language, as text", async () => {
    await using world = await openPhotos();
    const onTheWire = (text: string) => Buffer.from(text).toString("latin1");
    const headers = {
      "Content-Type": onTheWire("text/plain; name=é"),
      "x-amz-meta-name": onTheWire("日本"),
      "x-amz-meta-raw": "\xff",
    };
    assert.equal((await world.call("PUT", object("a"), { body: "1", headers })).status, 201);
    const { json } = await world.call("GET", "/v1/buckets/photos/object/description?key=a");
    assert.equal(json.contentType, "text/plain; name=é");
    assert.deepEqual(json.metadata, { name: "日本", raw: "ÿ" });
    assert.equal((await world.call("GET", object("a"))).headers.get("content-type"), headers["Content-Type"]);
    const metadata = { contentType: "a\r\nSet-Cookie: x", user: new Map<string, string>() };
    const body = { source: sourceOf(utf8("2")), length: 1, expected: {} };
    await world.objects.put({ bucket: "photos", key: "b", body, metadata });
    assert.equal((await world.call("GET", object("b"))).headers.get("content-type"), "a  Set-Cookie: x");
  });

  test("hold conditions on reads and writes", async () => {
    await using world = await openPhotos();
    const { json } = await world.call("PUT", object("a"), { body: "1", headers: { "If-None-Match": "*" } });
    const etag = `"${json.etag}"`;
    const put = (headers: Record<string, string>) => world.call("PUT", object("a"), { body: "2", headers });
    assert.equal((await put({ "If-None-Match": "*" })).code, "PRECONDITION_FAILED");
    assert.equal((await put({ "If-Match": '"0123"' })).status, 412);
    const get = (headers: Record<string, string>) => world.call("GET", object("a"), { headers });
    const unchanged = await get({ "If-None-Match": etag });
    assert.equal(unchanged.status, 304);
    assert.equal(unchanged.body.length, 0);
    assert.equal((await get({ "If-Match": '"0123"' })).status, 412);
    assert.equal((await get({ "If-Modified-Since": new Date(world.time.now()).toUTCString() })).status, 304);
    assert.equal((await put({ "If-Match": etag })).status, 201);
  });

  const DIGESTS: [name: string, header: (body: Uint8Array) => string, code?: string][] = [
    ["a right SHA-256", (body) => `sha-256=:${createHash("sha256").update(body).digest("base64")}:`],
    ["a right CRC-32C", (body) => `crc32c=:${toBase64(crc32ToBytes(crc32c(body)))}:`],
    [
      "a right MD5 and SHA-256",
      (body) =>
        `md5=:${createHash("md5").update(body).digest("base64")}:, sha-256=:${createHash("sha256").update(body).digest("base64")}:`,
    ],
    ["a wrong SHA-256", () => `sha-256=:${toBase64(new Uint8Array(32))}:`, "SHA256_MISMATCH"],
    ["a wrong CRC-32C", () => `crc32c=:${toBase64(new Uint8Array(4))}:`, "CHECKSUM_MISMATCH"],
    ["a wrong MD5", () => `md5=:${toBase64(new Uint8Array(16))}:`, "DIGEST_MISMATCH"],
    ["a digest of another length", () => "sha-256=:AAAA:", "INPUT_INVALID"],
    ["a digest of an unknown kind", () => "sha-512=:AAAA:", "INPUT_INVALID"],
    ["no digest at all", () => "hello", "INPUT_INVALID"],
  ];
  for (const [name, header, code] of DIGESTS) {
    test(`with ${name} in Content-Digest are ${code === undefined ? "stored" : `refused with ${code}`}`, async () => {
      await using world = await openPhotos();
      const bytes = bytesOf(5000);
      const headers = { "Content-Digest": header(bytes), "Content-Length": "5000" };
      const answer = await world.call("PUT", object("a"), { body: sourceOf(bytes), headers });
      assert.equal(answer.code, code, answer.text);
      assert.equal((await world.call("GET", object("a"))).status, code === undefined ? 200 : 404);
    });
  }

  test("are listed like folders, page by page", async () => {
    await using world = await openPhotos();
    for (const key of ["a/1", "a/2", "b", "c/1", "d"]) await world.call("PUT", object(key), { body: key });
    const seen: string[] = [];
    for (let after: string | undefined = ""; after !== undefined; ) {
      const { json } = await world.call(
        "GET",
        `/v1/buckets/photos/objects?delimiter=/&limit=2&after=${encodeURIComponent(after)}`,
      );
      seen.push(...[...json.commonPrefixes, ...json.items.map((item: { key: string }) => item.key)].sort());
      after = json.next;
    }
    assert.deepEqual(seen, ["a/", "b", "c/", "d"]);
  });

  test("keep their versions where that is switched on", async () => {
    await using world = await openPhotos();
    await world.call("PUT", "/v1/buckets/photos/versioning", { json: { versioning: "enabled" } });
    const first = (await world.call("PUT", object("a"), { body: "1" })).json.versionId;
    await world.call("PUT", object("a"), { body: "2" });
    const deleted = await world.call("DELETE", object("a"));
    assert.equal(deleted.json.deleteMarker, true);
    assert.equal((await world.call("GET", object("a"))).status, 404);
    assert.equal((await world.call("GET", object("a", `&versionId=${first}`))).text, "1");
    const { items } = (await world.call("GET", "/v1/buckets/photos/versions?prefix=a")).json;
    assert.deepEqual(
      items.map((item: { deleteMarker: boolean; isLatest: boolean }) => [item.deleteMarker, item.isLatest]),
      [
        [true, true],
        [false, false],
        [false, false],
      ],
    );
    const page = (await world.call("GET", "/v1/buckets/photos/versions?limit=1")).json;
    const rest = (
      await world.call(
        "GET",
        `/v1/buckets/photos/versions?afterKey=${page.nextKey}&afterVersionId=${page.nextVersionId}`,
      )
    ).json;
    assert.deepEqual([...page.items, ...rest.items], items);
    assert.equal(
      (await world.call("DELETE", object("a", `&versionId=${deleted.json.versionId}`))).json.deleteMarker,
      true,
    );
    assert.equal((await world.call("GET", object("a"))).text, "2");
  });

  test("are deleted many at once, each by itself", async () => {
    await using world = await openPhotos();
    for (const key of ["a", "b"]) await world.call("PUT", object(key), { body: key });
    const json = { objects: [{ key: "a" }, { key: "missing" }, { key: "b", versionId: "not-a-version" }] };
    const answer = await world.call("POST", "/v1/buckets/photos/delete", { json });
    assert.deepEqual(
      answer.json.deleted.map((each: { key: string }) => each.key),
      ["a", "missing"],
    );
    assert.deepEqual(
      answer.json.failed.map((each: { key: string }) => each.key),
      ["b"],
    );
    assert.equal((await world.call("GET", object("b"))).status, 200);
  });

  const WRONG: [name: string, method: string, target: string, code: string, call?: object][] = [
    ["a bucket that is not there", "GET", "/v1/buckets/nowhere/object?key=a", "BUCKET_MISSING"],
    ["an object that is not there", "GET", "/v1/buckets/photos/object?key=a", "OBJECT_MISSING"],
    ["no key", "GET", "/v1/buckets/photos/object", "INPUT_INVALID"],
    ["an empty key", "GET", "/v1/buckets/photos/object?key=", "INPUT_INVALID"],
    ["a key that is too long", "PUT", object("x".repeat(1025)), "KEY_TOO_LONG", { body: "" }],
    ["a key that is no UTF-8", "GET", "/v1/buckets/photos/object?key=%FF", "INPUT_INVALID"],
    ["a parameter that is misspelled", "GET", "/v1/buckets/photos/objects?prefx=a", "INPUT_INVALID"],
    ["a parameter that is given twice", "GET", "/v1/buckets/photos/objects?prefix=a&prefix=b", "INPUT_INVALID"],
    ["a page that is too long", "GET", "/v1/buckets/photos/objects?limit=1001", "INPUT_INVALID"],
    ["a limit that is no number", "GET", "/v1/buckets/photos/objects?limit=ten", "INPUT_INVALID"],
    ["a body where there is none", "DELETE", "/v1/buckets/photos", "INPUT_INVALID", { json: {} }],
    ["a body without a length", "PUT", object("a"), "LENGTH_REQUIRED", {}],
  ];
  test("answer what is wrong with a request", async () => {
    await using world = await openPhotos();
    for (const [name, method, target, code, call] of WRONG) {
      assert.equal((await world.call(method, target, call)).code, code, name);
    }
    assert.deepEqual(world.unexpected, []);
  });
});

describe("links", () => {
  test("are signed for S3 with the caller's key", async () => {
    await using world = await openPhotos();
    const json = { key: "a b/ü.txt", expiresSeconds: 60, download: true };
    const answer = await world.call("POST", "/v1/buckets/photos/presign", { json });
    const url = new URL(answer.json.url);
    assert.equal(url.origin, "http://s3.test:9000");
    assert.equal(url.pathname, "/photos/a%20b/%C3%BC.txt");
    assert.equal(url.searchParams.get("X-Amz-Credential"), "ROOTKEY/20261121/eu-test-1/s3/aws4_request");
    assert.equal(url.searchParams.get("X-Amz-Expires"), "60");
    assert.equal(url.searchParams.get("response-content-disposition"), "attachment; filename*=UTF-8''%C3%BC.txt");
    assert.equal(answer.json.method, "GET");
    assert.equal(answer.json.expiresAt, new Date(world.time.now() + 60_000).toISOString());
  });

  test("can be made from a session, with the key that opened it", async () => {
    await using world = await openPhotos();
    const headers = { Cookie: await world.login(), Origin: "http://api.test:9100" };
    const answer = await world.call("POST", "/v1/buckets/photos/presign", {
      by: "nobody",
      headers,
      json: { key: "a", method: "PUT" },
    });
    assert.match(answer.json.url, /X-Amz-Credential=ROOTKEY%2F/);
  });

  test("are not made where they would lead elsewhere, or nowhere", async () => {
    await using world = await openWorld({ node: { endpoints: () => ({}) } });
    await world.objects.createBucket("photos", "root");
    assert.equal((await world.call("POST", "/v1/buckets/photos/presign", { json: { key: "a" } })).code, "LINK_REFUSED");
    await using other = await openPhotos();
    const answer = await other.call("POST", "/v1/buckets/photos/presign", { json: { key: "a/../b" } });
    assert.equal(answer.code, "LINK_REFUSED");
  });
});

describe("uploads of any length", () => {
  /** Parts are at least 5 MiB, but for the last. */
  const LIMIT = 6 * 1024 * 1024;

  async function put(
    world: World,
    body: Uint8Array,
    headers: Record<string, string>,
    chunks = [body],
  ): Promise<string> {
    const uploads = new Uploads(world.objects, new InlineCompute(), LIMIT);
    const call = { headers: new RequestHeaders(Object.entries(headers).flat()), body: sourceOf(...chunks) };
    const caller = { principal: { name: "root" }, payload: { kind: "unsigned", value: "" } };
    const request = {
      bucket: "photos",
      key: "a",
      call: call as unknown as HttpCall,
      caller: caller as unknown as Caller,
    };
    return (await uploads.put(request)).etag;
  }

  const stored = async (world: World): Promise<Uint8Array> => (await world.call("GET", object("a"))).body;

  for (const length of [LIMIT, LIMIT + 1, LIMIT * 2]) {
    test(`${length} bytes are ${length <= LIMIT ? "one object" : "stored in parts"} where ${LIMIT} is the limit`, async () => {
      await using world = await openPhotos();
      const body = bytesOf(length);
      const etag = await put(world, body, { "content-length": String(length) }, [
        body.subarray(0, 100_001),
        body.subarray(100_001),
      ]);
      assertSame(await stored(world), body);
      assert.equal(etag.includes("-"), length > LIMIT);
    });
  }

  for (const length of [0, 5, COLLECTED_PART_BYTES, COLLECTED_PART_BYTES + 1]) {
    test(`${length} bytes that do not say how many they are arrive whole`, async () => {
      await using world = await openPhotos();
      const body = bytesOf(length);
      await put(world, body, { "transfer-encoding": "chunked" }, [body.subarray(0, 3), body.subarray(3)]);
      assertSame(await stored(world), body);
    });
  }

  test("a digest is of the whole body, also where that is cut into parts", async () => {
    await using world = await openPhotos();
    const body = bytesOf(LIMIT + 5);
    const digest = `sha-256=:${createHash("sha256").update(body).digest("base64")}:`;
    await put(world, body, { "content-length": String(body.length), "content-digest": digest });
    const wrong = `sha-256=:${createHash("sha256").update("other").digest("base64")}:`;
    const refused = put(world, utf8("x".repeat(LIMIT + 5)), {
      "content-length": String(body.length),
      "content-digest": wrong,
    });
    await assert.rejects(refused, { code: "SHA256_MISMATCH" });
    assertSame(await stored(world), body);
  });

  test("a body that breaks off leaves neither an object nor an upload", async () => {
    await using world = await openPhotos();
    const refused = put(world, bytesOf(LIMIT + 1), { "content-length": String(LIMIT * 2) });
    await assert.rejects(refused, { code: "BODY_INCOMPLETE" });
    assert.equal((await world.call("GET", object("a"))).status, 404);
    const markers = { keyMarker: "", uploadIdMarker: undefined };
    const { items } = await world.objects.listUploads({
      bucket: "photos",
      prefix: "",
      delimiter: "",
      ...markers,
      limit: 10,
    });
    assert.deepEqual(items, []);
  });
});
