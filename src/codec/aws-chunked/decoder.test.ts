import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { concatBytes, text, utf8 } from "../../std/bytes.ts";
import { ChunkedDecoder, type ChunkedDecoderOptions, ChunkedEncoder, type ChunkVerifier } from "./index.ts";

const signature = "0".repeat(64);
const bogusSha256 = { update: () => {}, digest: () => new Uint8Array(32) };

function verifierThat(chunks: boolean, trailer: boolean): ChunkVerifier {
  return { verifyChunk: () => chunks, verifyTrailer: () => trailer };
}

function decoder(options: Partial<ChunkedDecoderOptions> = {}): ChunkedDecoder {
  return new ChunkedDecoder({
    decodedLength: undefined,
    signed: undefined,
    trailer: true,
    trailerNames: [],
    ...options,
  });
}

const signed = (chunks = true, trailer = true): Partial<ChunkedDecoderOptions> => ({
  signed: { verifier: verifierThat(chunks, trailer), sha256: () => bogusSha256 },
});

/** The body's data and trailers; every way to cut it in two gives the same. */
function decode(body: string, options: Partial<ChunkedDecoderOptions> = {}): { data: string; trailers: object } {
  const whole = utf8(body);
  let result: { data: string; trailers: object } | undefined;
  for (let cut = 0; cut <= whole.length; cut++) {
    const one = decoder(options);
    const parts = [...one.push(whole.subarray(0, cut)), ...one.push(whole.subarray(cut))];
    assert.ok(parts.every((part) => part.length > 0));
    const here = { data: text(concatBytes(parts)), trailers: Object.fromEntries(one.end()) };
    if (result === undefined) result = here;
    else assert.deepEqual(here, result);
  }
  return result!;
}

/** Fails with this code for the whole body and for every way to cut it in two. */
function fails(body: string, code: string, options: Partial<ChunkedDecoderOptions> = {}): void {
  const whole = utf8(body);
  for (let cut = 0; cut <= whole.length; cut++) {
    const one = decoder(options);
    assert.throws(
      () => {
        one.push(whole.subarray(0, cut));
        one.push(whole.subarray(cut));
        one.end();
      },
      { code },
      JSON.stringify(body),
    );
  }
}

describe("an aws-chunked body", () => {
  test("is its chunks' data, in any case and with leading zeros in the sizes", () => {
    assert.deepEqual(decode("5\r\nhello\r\n00B\r\n, wonderful\r\n0\r\n\r\n"), {
      data: "hello, wonderful",
      trailers: {},
    });
  });

  test("may be empty", () => {
    assert.deepEqual(decode("0\r\n\r\n", { decodedLength: 0 }), { data: "", trailers: {} });
  });

  test("is handed out as slices of what came in", () => {
    const body = utf8("5\r\nhello\r\n0\r\n\r\n");
    const [slice] = decoder().push(body);
    assert.equal(slice!.buffer, body.buffer);
  });

  test("an extension of an unsigned chunk is ignored", () => {
    assert.equal(decode("2;a=b\r\nok\r\n0;chunk-signature=x\r\n\r\n").data, "ok");
  });

  test("has its trailers read, their names in lower case and their values without space around", () => {
    const { trailers } = decode("0\r\nX-Amz-Checksum-CRC32: AAAAAA== \r\nx-b:1 2\r\n\r\n", {
      trailerNames: ["x-amz-checksum-crc32", "x-b"],
    });
    assert.deepEqual(trailers, { "x-amz-checksum-crc32": "AAAAAA==", "x-b": "1 2" });
  });

  test("that breaks off anywhere is incomplete", () => {
    const body = utf8("5\r\nhello\r\n0\r\nx-a:1\r\n\r\n");
    for (let length = 0; length < body.length; length++) {
      const one = decoder({ trailerNames: ["x-a"] });
      one.push(body.subarray(0, length));
      assert.throws(() => one.end(), { code: "INCOMPLETE_BODY" });
    }
  });

  test("that is longer or shorter than announced is incomplete", () => {
    assert.equal(decode("5\r\nhello\r\n0\r\n\r\n", { decodedLength: 5 }).data, "hello");
    fails("5\r\nhello\r\n0\r\n\r\n", "INCOMPLETE_BODY", { decodedLength: 6 });
    fails("5\r\nhello\r\n0\r\n\r\n", "INCOMPLETE_BODY", { decodedLength: 4 });
    fails("2\r\nhe\r\n3\r\nllo\r\n0\r\n\r\n", "INCOMPLETE_BODY", { decodedLength: 4 });
  });

  test("framed in any other way is malformed", () => {
    const bodies = [
      "\r\n",
      "x\r\n",
      "-1\r\n",
      "5 \r\nhello\r\n",
      "5\nhello\r\n",
      "5\r\nhello5\r\n",
      "5\r\nhello\n\n",
      "5\r\nhello\r\r",
    ];
    for (const body of [
      ...bodies,
      ";a\r\n",
      "0x5\r\n",
      "12345678901234\r\n",
      `5;${"x".repeat(300)}\r\n`,
      "5".repeat(300),
    ]) {
      fails(body, "CHUNK_MALFORMED");
    }
    fails("0\r\n\r\nmore", "CHUNK_MALFORMED");
    fails("0\r\n\r\n0\r\n\r\n", "CHUNK_MALFORMED");
  });

  test("has chunks within the limits", () => {
    fails("5\r\n", "CHUNK_SIZE_INVALID", { chunkBytesMax: 4 });
    fails("140000001\r\n", "CHUNK_SIZE_INVALID");
    assert.equal(decode("5\r\nhello\r\n1\r\n!\r\n0\r\n\r\n", { chunkBytesMin: 5, chunkBytesMax: 5 }).data, "hello!");
    fails("1\r\n!\r\n5\r\nhello\r\n0\r\n\r\n", "CHUNK_SIZE_INVALID", { chunkBytesMin: 5 });
  });
});

describe("a trailer", () => {
  const announced = { trailerNames: ["x-a"] };

  test("that was not announced, is missing, comes twice or is no field is malformed", () => {
    fails("0\r\nx-b:1\r\n\r\n", "TRAILER_MALFORMED", announced);
    fails("0\r\n\r\n", "TRAILER_MALFORMED", announced);
    fails("0\r\nx-a:1\r\nx-a:1\r\n\r\n", "TRAILER_MALFORMED", announced);
    for (const line of ["x-a", "x-a:", ":1", "x a:1", "x-a:\u0001", "x-a:1\u0000", " x-a:1", "x-a :1"]) {
      fails(`0\r\n${line}\r\n\r\n`, "TRAILER_MALFORMED", announced);
    }
  });

  test("has no place in the form without", () => {
    fails("0\r\nx-a:1\r\n\r\n", "TRAILER_MALFORMED", { ...announced, trailer: false });
    fails("0\r\nx-amz-trailer-signature:1\r\n\r\n", "TRAILER_MALFORMED", { trailer: false });
  });

  test("is limited in bytes, in lines and in number", () => {
    const long = (length: number): Uint8Array => utf8(`0\r\nx-a:${"v".repeat(length)}\r\n\r\n`);
    const one = decoder(announced);
    one.push(long(8_192 - 8));
    assert.equal(one.end().get("x-a")!.length, 8_184);
    for (const length of [8_192 - 7, 20_000]) {
      assert.throws(() => decoder(announced).push(long(length)), { code: "TRAILER_MALFORMED" });
    }
    const names = Array.from({ length: 17 }, (_, at) => `x-${at}`);
    const lines = names.map((name) => `${name}:1\r\n`).join("");
    assert.throws(() => decoder({ trailerNames: names }).push(utf8(`0\r\n${lines}\r\n`)), {
      code: "TRAILER_MALFORMED",
    });
    const blanks = decoder({ ...signed(), ...announced });
    const flood = `0;chunk-signature=${signature}\r\nx-a:1\r\n${"\r\n".repeat(5_000)}`;
    assert.throws(() => blanks.push(utf8(flood)), { code: "TRAILER_MALFORMED" });
  });

  test("of a signed body needs its signature, before or behind an empty line", () => {
    const head = `0;chunk-signature=${signature}\r\n`;
    const options = { ...signed(), ...announced };
    assert.deepEqual(decode(`${head}x-a:1\r\nx-amz-trailer-signature:${signature}\r\n\r\n`, options).trailers, {
      "x-a": "1",
    });
    assert.deepEqual(decode(`${head}x-a:1\n\r\nx-amz-trailer-signature:${signature}\r\n\r\n`, options).trailers, {
      "x-a": "1",
    });
    fails(`${head}x-a:1\r\n\r\n`, "INCOMPLETE_BODY", options);
    const twice = `x-amz-trailer-signature:${signature}\r\n`.repeat(2);
    fails(`${head}x-a:1\r\n${twice}\r\n`, "TRAILER_MALFORMED", options);
    const wrong = { ...signed(true, false), ...announced };
    fails(`${head}x-a:1\r\nx-amz-trailer-signature:${signature}\r\n\r\n`, "CHUNK_SIGNATURE_MISMATCH", wrong);
  });
});

describe("a signed body", () => {
  test("needs a signature on every chunk", () => {
    for (const extension of [
      "",
      ";",
      ";chunk-signature=",
      `;chunk-signature=${signature}0`,
      `;signature=${signature}`,
    ]) {
      fails(`2${extension}\r\nok\r\n`, "CHUNK_MALFORMED", signed());
    }
    fails(`2;chunk-signature=${signature.replaceAll("0", "A")}\r\nok\r\n`, "CHUNK_MALFORMED", signed());
  });

  test("fails at the chunk whose signature does not hold, the last one included", () => {
    fails(`2;chunk-signature=${signature}\r\nok\r\n`, "CHUNK_SIGNATURE_MISMATCH", signed(false));
    fails(`0;chunk-signature=${signature}\r\n\r\n`, "CHUNK_SIGNATURE_MISMATCH", signed(false));
  });

  test("hashes each chunk by itself, piece by piece", () => {
    const hashed: string[] = [];
    const sha256 = (): { update(bytes: Uint8Array): void; digest(): Uint8Array } => {
      let all = "";
      return {
        update: (bytes) => {
          all += text(bytes);
        },
        digest: () => {
          hashed.push(all);
          return new Uint8Array(32);
        },
      };
    };
    const one = decoder({ signed: { verifier: verifierThat(true, true), sha256 } });
    const header = (size: number): string => `${size};chunk-signature=${signature}\r\n`;
    for (const byte of utf8(`${header(5)}hello\r\n${header(2)}ok\r\n${header(0)}\r\n`)) one.push(Uint8Array.of(byte));
    one.end();
    assert.deepEqual(hashed, ["hello", "ok", ""]);
  });
});

describe("a decoder that has failed", () => {
  test("is not used again", () => {
    const one = decoder();
    assert.throws(() => one.push(utf8("x\r\n")), { code: "CHUNK_MALFORMED" });
    assert.throws(() => one.push(utf8("0\r\n\r\n")), { name: "AssertionError" });
    assert.throws(() => one.end(), { name: "AssertionError" });
  });
});

describe("the encoder", () => {
  test("writes what the decoder reads, trailers sorted by name", () => {
    const encoder = new ChunkedEncoder();
    const trailers = new Map([
      ["x-b", "2"],
      ["x-a", "1"],
    ]);
    const body = concatBytes([...encoder.chunk(utf8("hello, wonderful")), ...encoder.end(trailers)]);
    assert.equal(text(body), "10\r\nhello, wonderful\r\n0\r\nx-a:1\r\nx-b:2\r\n\r\n");
    assert.equal(decode(text(body), { trailerNames: ["x-a", "x-b"] }).data, "hello, wonderful");
    assert.equal(text(concatBytes(encoder.end())), "0\r\n\r\n");
  });
});
