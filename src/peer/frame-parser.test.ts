import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { concatBytes, equalBytes, utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { deterministicBytes } from "../testing/deterministic-bytes.ts";
import type { PeerError } from "./errors.ts";
import { FrameParser } from "./frame-parser.ts";
import { FRAME_HEADER_BYTES, FRAME_KINDS, frameHeader } from "./wire.ts";

const LIMIT = 10_000;

describe("FrameParser", () => {
  test("finds the frames of a stream, wherever the stream is cut into two or three", () => {
    const payloads = [utf8("one"), new Uint8Array(0), deterministicBytes(1, 40), utf8("four")];
    const stream = streamOf(payloads);
    for (let first = 0; first <= stream.length; first++) {
      for (let second = first; second <= stream.length; second++) {
        const parsed = parse([stream.slice(0, first), stream.slice(first, second), stream.slice(second)]);
        deepEqual(parsed.payloads, payloads);
        equal(parsed.failure, undefined);
      }
    }
  });

  test("hands over memory that stays when the chunk is used again", () => {
    for (const length of [10, 100, 5_000, 9_000]) {
      const payload = deterministicBytes(2, length);
      for (const cut of [0, 5, FRAME_HEADER_BYTES, 17]) {
        const stream = streamOf([payload, payload]);
        const kept: Uint8Array[] = [];
        const parser = new FrameParser(LIMIT, (_, bytes) => kept.push(bytes));
        const chunks = [stream.slice(0, cut), stream.slice(cut)];
        for (const chunk of chunks) {
          equal(parser.take(chunk), undefined);
          chunk.fill(0xff);
        }
        equal(kept.length, 2);
        for (const bytes of kept) ok(equalBytes(bytes, payload));
      }
    }
  });

  test("refuses a frame that is too long before it sets memory aside, whole or cut", () => {
    const header = frameHeader(FRAME_KINDS.message, new Uint8Array(LIMIT + 1));
    for (const cut of [0, 4, 11]) {
      const { failure, payloads } = parse([header.slice(0, cut), header.slice(cut)]);
      ok(hasCode(failure, "FRAME_TOO_LARGE"));
      equal(payloads.length, 0);
    }
    const parser = new FrameParser(3, () => {});
    parser.payloadBytesMax = 4;
    equal(parser.take(streamOf([utf8("four")])), undefined);
  });

  test("refuses a frame with any one bit changed, and takes nothing behind it", () => {
    const good = streamOf([utf8("some payload")]);
    const after = streamOf([utf8("after")]);
    for (let bit = 0; bit < good.length * 8; bit++) {
      const bad = good.slice();
      bad[bit >> 3]! ^= 1 << (bit & 7);
      for (const chunks of [[concatBytes([bad, after])], [bad.slice(0, 5), bad.slice(5), after]]) {
        const { failure, payloads } = parse(chunks);
        equal(payloads.length, 0, `bit ${bit}`);
        // A shorter length would have to match the checksum by chance; a longer one waits for what does not come.
        ok(failure !== undefined || bit < 32, `bit ${bit}`);
      }
    }
  });

  test("stops in the middle of a chunk when it is told to", () => {
    const payloads: Uint8Array[] = [];
    const parser = new FrameParser(LIMIT, (_, payload) => {
      payloads.push(payload);
      parser.stop();
    });
    equal(parser.take(streamOf([utf8("a"), utf8("b")])), undefined);
    equal(parser.take(streamOf([utf8("c")])), undefined);
    deepEqual(payloads, [utf8("a")]);
  });
});

function streamOf(payloads: readonly Uint8Array[]): Uint8Array {
  return concatBytes(payloads.flatMap((payload) => [frameHeader(FRAME_KINDS.message, payload), payload]));
}

function parse(chunks: readonly Uint8Array[]): { payloads: Uint8Array[]; failure: PeerError | undefined } {
  const payloads: Uint8Array[] = [];
  const parser = new FrameParser(LIMIT, (kind, payload) => {
    equal(kind, FRAME_KINDS.message);
    payloads.push(payload);
  });
  let failure: PeerError | undefined;
  for (const chunk of chunks) failure = parser.take(chunk);
  return { payloads, failure };
}
