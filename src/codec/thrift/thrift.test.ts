import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { concatBytes, fromHex, toHex, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import {
  applicationException,
  decodeMessage,
  encodeFrame,
  encodeMessage,
  fieldOf,
  openMessage,
  type ThriftErrorCode,
  ThriftFrameParser,
  type ThriftLimits,
  type ThriftMessage,
} from "./index.ts";
import { thriftMessages } from "./testing/arbitrary.ts";

const LIMITS: ThriftLimits = { stringBytesMax: 1_000, depthMax: 16 };
const CALL = { kind: "call", name: "get_id", sequence: 7, isStrict: true } as const;

function refuses(hex: string, code: ThriftErrorCode, limits: ThriftLimits = LIMITS): void {
  throws(
    () => decodeMessage(fromHex(hex.replaceAll(" ", ""))!, limits),
    (error) => hasCode(error, code),
  );
}

function framesOf(chunks: readonly Uint8Array[], frameBytesMax = 1_000) {
  const frames: string[] = [];
  const parser = new ThriftFrameParser(frameBytesMax, (frame) => frames.push(toHex(frame)));
  let failure: ThriftErrorCode | undefined;
  for (const chunk of chunks) failure = parser.take(chunk)?.code;
  return { frames, failure };
}

describe("messages of the binary protocol", () => {
  test("a call has the bytes that the format's description gives it, with either header", () => {
    const body = [{ id: 1, value: { type: "binary", value: utf8("me") } }] as const;
    const text = "0b 0001 00000002 6d65 00";
    const strict = `80010001 00000006 6765745f6964 00000007 ${text}`;
    const old = `00000006 6765745f6964 01 00000007 ${text}`;
    equal(toHex(encodeMessage({ ...CALL, body })), strict.replaceAll(" ", ""));
    equal(toHex(encodeMessage({ ...CALL, isStrict: false, body })), old.replaceAll(" ", ""));
    deepEqual(decodeMessage(fromHex(strict.replaceAll(" ", ""))!, LIMITS), { ...CALL, body });
    deepEqual(decodeMessage(fromHex(old.replaceAll(" ", ""))!, LIMITS), { ...CALL, isStrict: false, body });
  });

  test("every message comes back as it was sent", () => {
    fc.assert(
      fc.property(thriftMessages(), (message: ThriftMessage) => {
        deepEqual(decodeMessage(encodeMessage(message), { stringBytesMax: 100, depthMax: 64 }), message);
      }),
    );
  });

  test("no beginning of a message is a message", () => {
    fc.assert(
      fc.property(thriftMessages(), fc.nat(), (message: ThriftMessage, cut: number) => {
        const bytes = encodeMessage(message);
        throws(
          () => decodeMessage(bytes.subarray(0, cut % bytes.length), { stringBytesMax: 100, depthMax: 64 }),
          (error) => hasCode(error, "MESSAGE_MALFORMED"),
        );
      }),
    );
  });

  test("what is no message is refused", () => {
    refuses("", "MESSAGE_MALFORMED");
    refuses("80020001 00000000 00000001 00", "MESSAGE_MALFORMED"); // another version
    refuses("80010005 00000000 00000001 00", "MESSAGE_MALFORMED"); // no such kind
    refuses("80010001 ffffffff 00000001 00", "MESSAGE_MALFORMED"); // a name of less than nothing
    refuses("80010001 00000001 ff 00000001 00", "MESSAGE_MALFORMED"); // a name that is no UTF-8
    refuses("80010001 00000000 00000001 01 0001 00", "MESSAGE_MALFORMED"); // no such type
    refuses("80010001 00000000 00000001 00 00", "MESSAGE_MALFORMED"); // something behind its end
  });

  test("a container that is longer than its frame is refused before memory is set aside for it", () => {
    refuses("80010001 00000000 00000001 0f 0001 02 7fffffff", "MESSAGE_MALFORMED");
    refuses(
      "80010001 00000000 00000001 0d 0001 0a 0a 00000002 0000000000000000 0000000000000000 00",
      "MESSAGE_MALFORMED",
    );
    refuses("80010001 00000000 00000001 0e 0001 02 ffffffff", "MESSAGE_MALFORMED");
  });

  test("a text is at most as long as the limit says, names too", () => {
    const body = [{ id: 1, value: { type: "binary", value: new Uint8Array(1_001) } }] as const;
    const long = toHex(encodeMessage({ ...CALL, body }));
    refuses(long, "VALUE_TOO_LARGE");
    refuses(toHex(encodeMessage({ ...CALL, name: "x".repeat(1_001), body: [] })), "VALUE_TOO_LARGE");
    equal(decodeMessage(fromHex(long)!, { ...LIMITS, stringBytesMax: 1_001 }).body.length, 1);
  });

  test("values are nested at most as deeply as the limit says", () => {
    const nested = (depth: number) => `80010001 00000000 00000001 ${"0c 0001".repeat(depth)} ${"00".repeat(depth)} 00`;
    equal(decodeMessage(fromHex(nested(15).replaceAll(" ", ""))!, LIMITS).body.length, 1);
    refuses(nested(16), "VALUE_TOO_LARGE");
  });

  test("of a message with a bad body the header is known", () => {
    const bytes = encodeMessage({ ...CALL, body: [] });
    bytes[bytes.length - 1] = 1;
    const { header, body } = openMessage(bytes, LIMITS);
    deepEqual(header, CALL);
    throws(body, (error) => hasCode(error, "MESSAGE_MALFORMED"));
  });

  test("a field of another type than is asked for is another field", () => {
    const fields = [{ id: 1, value: { type: "i32", value: 5 } }] as const;
    equal(fieldOf(fields, 1, "binary"), undefined);
    equal(fieldOf(fields, 1, "i32")?.value, 5);
  });

  test("an application exception is a message with a text and a number", () => {
    const { kind, name, sequence, body } = applicationException(CALL, "unknownMethod", "no such method");
    deepEqual([kind, name, sequence, fieldOf(body, 2, "i32")?.value], ["exception", "get_id", 7, 1]);
  });
});

describe("frames", () => {
  const frame = encodeFrame({ ...CALL, body: [] });

  test("come out one by one, however the stream was cut", () => {
    const stream = concatBytes([frame, Uint8Array.of(0, 0, 0, 0), frame]);
    const expected = [toHex(frame.subarray(4)), "", toHex(frame.subarray(4))];
    for (let length = 1; length <= stream.length; length++) {
      const chunks: Uint8Array[] = [];
      for (let at = 0; at < stream.length; at += length) chunks.push(stream.subarray(at, at + length));
      deepEqual(framesOf(chunks), { frames: expected, failure: undefined }, `chunks of ${length}`);
    }
  });

  test("that are longer than the limit are refused by their length alone, and nothing is taken behind it", () => {
    deepEqual(framesOf([frame, Uint8Array.of(0, 0, 3, 0xe9), frame]), {
      frames: [toHex(frame.subarray(4))],
      failure: "FRAME_TOO_LARGE",
    });
    equal(framesOf([Uint8Array.of(0xff, 0xff, 0xff, 0xff)]).failure, "FRAME_TOO_LARGE");
    ok(framesOf([Uint8Array.of(0, 0, 3, 0xe8)]).failure === undefined);
  });

  test("a client that sends none is recognised", () => {
    deepEqual(framesOf([encodeMessage({ ...CALL, body: [] })]), { frames: [], failure: "UNFRAMED" });
  });
});
