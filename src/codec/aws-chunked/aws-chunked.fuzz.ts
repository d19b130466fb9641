import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { test } from "node:test";
import { runningSha256, sha256 } from "../../env/crypto.ts";
import { concatBytes, equalBytes, utf8 } from "../../std/bytes.ts";
import { AshlarError } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { fuzzRuns, simulationSeeds } from "../../testing/seeds.ts";
import { AWS_CHUNKED_ERRORS, ChunkedDecoder, ChunkedEncoder, type ChunkSigner, type ChunkVerifier } from "./index.ts";

const RUNS = fuzzRuns(1_500);
const [SEED = 1] = simulationSeeds(1);

/** A chain of another make than AWS's, which the codec can not tell. */
function chain(): ChunkSigner & ChunkVerifier {
  let before = "";
  const next = (covered: string): string => {
    before = createHash("sha256").update(`${before}/${covered}`).digest("hex");
    return before;
  };
  return {
    signChunk: (hash) => next(Buffer.from(hash).toString("hex")),
    signTrailer: (lines) => next(lines),
    verifyChunk: (signature, hash) => signature === next(Buffer.from(hash).toString("hex")),
    verifyTrailer: (signature, lines) => signature === next(lines),
  };
}

interface Case {
  readonly body: Uint8Array;
  readonly data: Uint8Array;
  readonly signed: boolean;
  readonly trailer: boolean;
}

function draw(prng: Prng): Case {
  const signed = prng.chance(0.5);
  const trailer = prng.chance(0.5);
  const encoder = new ChunkedEncoder(signed ? { signer: chain(), sha256 } : undefined);
  const chunks = Array.from({ length: prng.below(4) }, () => prng.bytes(1 + prng.below(40)));
  const trailers = new Map(trailer ? [["x-amz-checksum-crc32", "AAAAAA=="]] : []);
  const body = concatBytes([...chunks.flatMap((chunk) => encoder.chunk(chunk)), ...encoder.end(trailers)]);
  return { body, data: concatBytes(chunks), signed, trailer };
}

/** The decoded data, or the code of the error and the data that came before it. */
function decode(prng: Prng, { signed, trailer, data }: Case, body: Uint8Array): { code: string; data: Uint8Array } {
  const decoder = new ChunkedDecoder({
    decodedLength: data.length,
    signed: signed ? { verifier: chain(), sha256: runningSha256 } : undefined,
    trailer,
    trailerNames: trailer ? ["x-amz-checksum-crc32"] : [],
  });
  const decoded: Uint8Array[] = [];
  const piece = prng.pick([1, 3, 50, 10_000]);
  try {
    for (let at = 0; at < body.length; ) {
      const end = Math.min(body.length, at + 1 + prng.below(piece));
      decoded.push(...decoder.push(body.subarray(at, end)));
      at = end;
    }
    decoder.end();
    return { code: "ok", data: concatBytes(decoded) };
  } catch (error) {
    assert.ok(error instanceof AshlarError && error.code in AWS_CHUNKED_ERRORS, String(error));
    return { code: error.code, data: concatBytes(decoded) };
  }
}

function garbled(prng: Prng, body: Uint8Array): Uint8Array {
  const at = prng.below(body.length);
  const cut = at + prng.below(4);
  const piece = prng.pick([
    prng.bytes(prng.below(4)),
    utf8("\r\n"),
    utf8("0\r\n\r\n"),
    utf8("ffffffffffff\r\n"),
    body.subarray(0, at),
  ]);
  return concatBytes([body.subarray(0, at), piece, body.subarray(cut)]);
}

function seeded(run: (prng: Prng) => void): void {
  for (let seed = SEED; seed < SEED + RUNS; seed++) {
    try {
      run(new Prng(seed));
    } catch (error) {
      throw new assert.AssertionError({ message: `with ASHLAR_SIM_SEED=${seed} ASHLAR_FUZZ_RUNS=1: ${String(error)}` });
    }
  }
}

test("what was encoded is decoded, however it is cut", () => {
  seeded((prng) => {
    const drawn = draw(prng);
    const { code, data } = decode(prng, drawn, drawn.body);
    assert.equal(code, "ok");
    assert.ok(equalBytes(data, drawn.data));
  });
});

test("a garbled body has one outcome however it is cut, and never gives more data than announced", () => {
  seeded((prng) => {
    const drawn = draw(prng);
    const body = garbled(prng, drawn.body);
    const one = decode(prng, drawn, body);
    const other = decode(prng, drawn, body);
    assert.equal(one.code, other.code);
    assert.ok(one.data.length <= drawn.data.length);
    // Signed data that pass at the end are the data that were signed.
    if (drawn.signed && one.code === "ok") assert.ok(equalBytes(one.data, drawn.data));
  });
});
