// Bodies that real clients sent, each with the signature of the request's head and everything that their chain is made
// of. The chain is computed here in its plainest form, so that it proves the one in codec/sigv4 as little as it needs
// it.

import assert from "node:assert/strict";
import { createHash, createHmac } from "node:crypto";
import { readFileSync } from "node:fs";
import { describe, test } from "node:test";
import { concatBytes } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import { ChunkedDecoder, ChunkedEncoder, type ChunkSigner, type ChunkVerifier } from "./index.ts";

interface Stream {
  readonly client: string;
  readonly mode: string;
  readonly trailer: string | null;
  readonly decodedLength: number;
  readonly timestamp: string;
  readonly scope: string;
  readonly seedSignature: string;
  readonly data: { repeat: string; length: number; then?: string; thenLength?: number };
  /** The framing as text; a number stands for that many bytes of the data. */
  readonly pieces: readonly (string | number)[];
}

const streams: readonly Stream[] = JSON.parse(
  readFileSync(new URL("./testdata/streams.json", import.meta.url), "utf8"),
);
const EMPTY = createHash("sha256").digest("hex");

function hmac(key: string | Buffer, message: string): Buffer {
  return createHmac("sha256", key).update(message).digest();
}

function chainOf(stream: Stream): ChunkSigner & ChunkVerifier {
  let key: string | Buffer = "AWS4wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY";
  for (const part of stream.scope.split("/")) key = hmac(key, part);
  let signature = stream.seedSignature;
  const next = (kind: string, covered: string): string => {
    const text = `AWS4-HMAC-SHA256-${kind}\n${stream.timestamp}\n${stream.scope}\n${signature}\n${covered}`;
    signature = hmac(key, text).toString("hex");
    return signature;
  };
  const signChunk = (sha256: Uint8Array): string => next("PAYLOAD", `${EMPTY}\n${Buffer.from(sha256).toString("hex")}`);
  const signTrailer = (lines: string): string => next("TRAILER", createHash("sha256").update(lines).digest("hex"));
  return {
    signChunk,
    signTrailer,
    verifyChunk: (given, sha256) => given === signChunk(sha256),
    verifyTrailer: (given, lines) => given === signTrailer(lines),
  };
}

function bodyOf(stream: Stream): { body: Uint8Array; data: Uint8Array } {
  const { repeat, length, then = "", thenLength = 0 } = stream.data;
  const data = Buffer.concat([
    Buffer.from(repeat.repeat(Math.ceil(length / repeat.length))).subarray(0, length),
    Buffer.from(then.repeat(thenLength)),
  ]);
  let at = 0;
  const pieces = stream.pieces.map((piece) => {
    if (typeof piece === "string") return Buffer.from(piece);
    at += piece;
    return data.subarray(at - piece, at);
  });
  return { body: concatBytes(pieces), data };
}

function decoderOf(stream: Stream): ChunkedDecoder {
  const signed = stream.mode.startsWith("STREAMING-AWS4-HMAC-SHA256");
  return new ChunkedDecoder({
    decodedLength: stream.decodedLength,
    signed: signed ? { verifier: chainOf(stream), sha256: runningSha256 } : undefined,
    trailer: stream.mode.endsWith("-TRAILER"),
    trailerNames: stream.trailer === null ? [] : [stream.trailer],
  });
}

function runningSha256(): { update(bytes: Uint8Array): void; digest(): Uint8Array } {
  const hash = createHash("sha256");
  return { update: (bytes) => void hash.update(bytes), digest: () => hash.digest() };
}

describe("bodies of real clients", () => {
  for (const stream of streams) {
    const { body, data } = bodyOf(stream);

    test(`${stream.client} (${stream.mode}) decodes to its data and trailers, however it is cut`, () => {
      const prng = new Prng(1);
      const sizes = [() => body.length, () => 1, () => 1 + prng.below(100), () => 1 + prng.below(20_000)];
      for (const size of data.length > 10_000 ? sizes.slice(2) : sizes) {
        const decoder = decoderOf(stream);
        const decoded: Uint8Array[] = [];
        for (let at = 0; at < body.length; ) {
          const end = Math.min(body.length, at + size());
          decoded.push(...decoder.push(body.subarray(at, end)));
          at = end;
        }
        const trailers = decoder.end();
        assert.ok(Buffer.from(data).equals(concatBytes(decoded)));
        assert.deepEqual([...trailers.keys()], stream.trailer === null ? [] : [stream.trailer]);
      }
    });

    if (!stream.mode.startsWith("STREAMING-AWS4")) continue;
    test(`${stream.client} fails with one bit changed in data, chunk signature or trailer`, () => {
      const text = Buffer.from(body).toString("latin1");
      const places = [text.indexOf("\r\n") + 2, text.lastIndexOf("chunk-signature=") + 16];
      if (stream.trailer !== null)
        places.push(text.lastIndexOf("x-amz-checksum") + 25, text.lastIndexOf("signature:") + 12);
      for (const place of places) {
        const changed = body.slice();
        changed[place]! ^= 1;
        const decoder = decoderOf(stream);
        assert.throws(() => decoder.push(changed), { code: "CHUNK_SIGNATURE_MISMATCH" });
      }
    });

    test(`${stream.client} is what our encoder makes of the same chunks`, () => {
      const sha256 = (bytes: Uint8Array): Uint8Array => createHash("sha256").update(bytes).digest();
      const encoder = new ChunkedEncoder({ signer: chainOf(stream), sha256 });
      const made: Uint8Array[] = [];
      let at = 0;
      for (const piece of stream.pieces) {
        if (typeof piece !== "number") continue;
        made.push(...encoder.chunk(data.subarray(at, at + piece)));
        at += piece;
      }
      const decoder = decoderOf(stream);
      decoder.push(body);
      made.push(...encoder.end(decoder.end()));
      // minio-go's line ends in the trailer are its own.
      const theirs = Buffer.from(body)
        .toString("latin1")
        .replace("\n\r\nx-amz-trailer-signature", "\r\nx-amz-trailer-signature");
      assert.ok(theirs === Buffer.from(concatBytes(made)).toString("latin1"));
    });
  }
});
