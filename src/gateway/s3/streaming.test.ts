import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { crc32 } from "node:zlib";
import { ChunkedEncoder } from "../../codec/aws-chunked/index.ts";
import { SigningKeys, signRequest } from "../../codec/sigv4/index.ts";
import { hmacSha256, sha256 } from "../../env/crypto.ts";
import { type ByteSource, sourceOf } from "../../std/source.ts";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";
import type { TestRequest } from "./testing/exchange.ts";
import { codeOf, HOST, openTestS3, ROOT, type TestS3 } from "./testing/fixture.ts";
import { NOW } from "./testing/memory-env.ts";

const keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 8 });

interface Streamed {
  readonly payload: string;
  readonly content: Uint8Array;
  readonly chunkBytes: number;
  readonly trailers?: ReadonlyMap<string, string>;
  readonly headers?: Readonly<Record<string, string>>;
}

const SIGNED = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD";
const SIGNED_TRAILER = "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER";
const UNSIGNED_TRAILER = "STREAMING-UNSIGNED-PAYLOAD-TRAILER";

/** A PUT of /bucket/k in chunks, as SDKs send it: without Content-Length. */
function streamed({
  payload,
  content,
  chunkBytes,
  trailers = new Map(),
  headers = {},
}: Streamed): TestRequest & { body: Uint8Array } {
  const plain: Record<string, string> = {
    host: HOST,
    "content-encoding": "aws-chunked",
    "transfer-encoding": "chunked",
    "x-amz-decoded-content-length": String(content.length),
    ...headers,
  };
  if (trailers.size > 0) plain["x-amz-trailer"] = [...trailers.keys()].join(",");
  const head = { method: "PUT", target: "/bucket/k", rawHeaders: Object.entries(plain).flat() };
  const options = { credentials: ROOT, region: "us-east-1", service: "s3", now: NOW, payload };
  const { rawHeaders, chain } = signRequest(keys, head, options);
  const encoder = new ChunkedEncoder(payload === UNSIGNED_TRAILER ? undefined : { signer: chain, sha256 });
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < content.length; at += chunkBytes)
    pieces.push(...encoder.chunk(content.subarray(at, at + chunkBytes)));
  pieces.push(...encoder.end(trailers));
  return { ...head, rawHeaders, body: Buffer.concat(pieces) };
}

/** The bytes again, in pieces of that length. */
function inPieces(bytes: Uint8Array, length: number): ByteSource {
  const pieces: Uint8Array[] = [];
  for (let at = 0; at < bytes.length; at += length) pieces.push(bytes.subarray(at, at + length));
  return sourceOf(...pieces);
}

function crcOf(content: Uint8Array): string {
  const sum = Buffer.alloc(4);
  sum.writeUInt32BE(crc32(content));
  return sum.toString("base64");
}

describe("bodies in chunks", () => {
  let s3: TestS3;
  before(async () => {
    s3 = await openTestS3();
    await s3.objects.createBucket("bucket", "root");
  });
  after(async () => {
    await s3[Symbol.asyncDispose]();
  });

  const stored = async () =>
    s3.signed({ method: "GET", target: "/bucket/k", headers: { "x-amz-checksum-mode": "ENABLED" } });

  test("every mode stores what was meant, however the bytes are cut on the way", async () => {
    const content = deterministicBytes(5, 70_000);
    const trailers = new Map([["x-amz-checksum-crc32", crcOf(content)]]);
    const modes: readonly Streamed[] = [
      { payload: SIGNED, content, chunkBytes: 8192 },
      { payload: SIGNED, content, chunkBytes: 70_000 },
      { payload: SIGNED_TRAILER, content, chunkBytes: 65_536, trailers },
      { payload: UNSIGNED_TRAILER, content, chunkBytes: 70_000, trailers },
      { payload: UNSIGNED_TRAILER, content, chunkBytes: 1024, trailers },
    ];
    for (const mode of modes) {
      for (const pieceBytes of [1000, 65_536]) {
        await s3.signed({ method: "DELETE", target: "/bucket/k" });
        const request = streamed(mode);
        const answer = await s3.send({ ...request, body: inPieces(request.body, pieceBytes) });
        assert.equal(answer.status, 200, `${mode.payload} ${mode.chunkBytes} ${pieceBytes}: ${answer.text}`);
        const read = await stored();
        assert(Buffer.from(content).equals(read.body), `${mode.payload} ${mode.chunkBytes} ${pieceBytes}`);
        assert.equal(read.headers.has("content-encoding"), false);
        const expected = mode.trailers === undefined ? undefined : crcOf(content);
        assert.equal(read.headers.get("x-amz-checksum-crc32"), expected);
      }
    }
  });

  test("an empty body and a body of one byte have chunks too", async () => {
    for (const content of [new Uint8Array(0), Uint8Array.of(7)]) {
      for (const payload of [SIGNED, SIGNED_TRAILER, UNSIGNED_TRAILER]) {
        const trailers: ReadonlyMap<string, string> =
          payload === SIGNED ? new Map() : new Map([["x-amz-checksum-crc32", crcOf(content)]]);
        const answer = await s3.send(streamed({ payload, content, chunkBytes: 1, trailers }));
        assert.equal(answer.status, 200, `${payload}: ${answer.text}`);
        assert.deepEqual(new Uint8Array((await stored()).body), content);
      }
    }
  });

  test("other codings of the content are kept", async () => {
    const headers = { "content-encoding": "gzip,aws-chunked" };
    const content = deterministicBytes(6, 10);
    await s3.send(streamed({ payload: SIGNED, content, chunkBytes: 10, headers }));
    assert.equal((await stored()).headers.get("content-encoding"), "gzip");
  });

  test("a byte that changed on the way stores nothing", async () => {
    await s3.signed({ method: "DELETE", target: "/bucket/k" });
    const content = deterministicBytes(7, 20_000);
    const trailers = new Map([["x-amz-checksum-crc32", crcOf(content)]]);
    const modes: readonly Streamed[] = [
      { payload: SIGNED, content, chunkBytes: 8192 },
      { payload: SIGNED_TRAILER, content, chunkBytes: 8192, trailers },
      { payload: UNSIGNED_TRAILER, content, chunkBytes: 8192, trailers },
    ];
    for (const mode of modes) {
      const request = streamed(mode);
      for (const at of [5, 200, 9000, request.body.length - 100, request.body.length - 12, request.body.length - 3]) {
        const body = request.body.slice();
        body[at] = body[at]! ^ 1;
        const answer = await s3.send({ ...request, body });
        assert(answer.status >= 400 && answer.status < 500, `${mode.payload} at ${at}: ${answer.status}`);
        assert.equal((await stored()).status, 404);
      }
    }
  });

  test("a body that breaks off, or goes on, stores nothing", async () => {
    const content = deterministicBytes(8, 20_000);
    const request = streamed({ payload: SIGNED, content, chunkBytes: 8192 });
    for (const length of [0, 10, 8300, request.body.length - 2]) {
      const answer = await s3.send({ ...request, body: request.body.subarray(0, length) });
      assert.equal(answer.status, 400, `${length}: ${answer.text}`);
      assert.equal((await stored()).status, 404);
    }
    const more = await s3.send({ ...request, body: Buffer.concat([request.body, Buffer.from("more")]) });
    assert.equal(more.status, 400);
  });

  test("a length that lies, or is missing, is told", async () => {
    const content = deterministicBytes(9, 100);
    const lie = (length: string) =>
      s3.send(
        streamed({ payload: SIGNED, content, chunkBytes: 100, headers: { "x-amz-decoded-content-length": length } }),
      );
    assert.equal(codeOf(await lie("99")), "IncompleteBody");
    assert.equal(codeOf(await lie("101")), "IncompleteBody");
    assert.equal(codeOf(await lie("many")), "InvalidArgument");
    const request = streamed({ payload: SIGNED, content, chunkBytes: 100 });
    const at = request.rawHeaders.indexOf("x-amz-decoded-content-length");
    const rawHeaders = request.rawHeaders.filter((_, index) => index !== at && index !== at + 1);
    const answer = await s3.send({ ...request, rawHeaders });
    assert(answer.status === 411 || answer.status === 403, answer.text);
  });

  test("a trailer that was promised has to come, and a wrong one is BadDigest", async () => {
    const content = deterministicBytes(10, 100);
    const wrong = new Map([["x-amz-checksum-crc32", "AAAAAA=="]]);
    const answer = await s3.send(streamed({ payload: UNSIGNED_TRAILER, content, chunkBytes: 100, trailers: wrong }));
    assert.equal(codeOf(answer), "BadDigest");
    const headers = { "x-amz-trailer": "x-amz-checksum-crc32" };
    const missing = await s3.send(streamed({ payload: UNSIGNED_TRAILER, content, chunkBytes: 100, headers }));
    assert.equal(codeOf(missing), "MalformedTrailerError");
    const plain = await s3.signed({ method: "PUT", target: "/bucket/k", body: "x", headers });
    assert.equal(codeOf(plain), "InvalidRequest", "without chunks there is no place for a trailer");
  });

  test("the forms of Signature Version 4A are refused by name", async () => {
    const payload = "STREAMING-AWS4-ECDSA-P256-SHA256-PAYLOAD";
    const answer = await s3.signed({
      method: "PUT",
      target: "/bucket/k",
      body: "x",
      headers: { "x-amz-content-sha256": payload },
    });
    assert.equal(codeOf(answer), "InvalidArgument");
  });

  test("an unsigned payload is taken as it comes", async () => {
    const headers = { "x-amz-content-sha256": "UNSIGNED-PAYLOAD" };
    const answer = await s3.signed({ method: "PUT", target: "/bucket/k", body: "hello", headers });
    assert.equal(answer.status, 200, answer.text);
    assert.equal((await stored()).text, "hello");
  });

  test("nothing of all this was a surprise to the server", () => {
    assert.deepEqual(s3.unexpected, []);
  });
});
