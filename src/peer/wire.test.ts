import { deepEqual, equal, ok } from "node:assert/strict";
import { describe, test } from "node:test";
import { concatBytes, toHex, utf8 } from "../std/bytes.ts";
import { crc32c } from "../std/checksums/index.ts";
import {
  decodeHello,
  decodeRefusal,
  decodeWelcome,
  FRAME_HEADER_BYTES,
  FRAME_KINDS,
  frameHeader,
  helloFrame,
  pingFrame,
  pongFrame,
  refusalFrame,
  welcomeFrame,
} from "./wire.ts";

const LIFE = Uint8Array.of(1, 2, 3, 4, 5, 6, 7, 8);

// A change here breaks the conversation of nodes of different versions: it needs a new PROTOCOL_VERSION.
const GOLDEN: Readonly<Record<string, readonly [frame: Uint8Array, hex: string]>> = {
  hello: [
    helloFrame({ life: LIFE, from: 3, to: 2 ** 40 + 5, cluster: "prod", purpose: "calls", start: 9 }),
    "32000000 01 000000 c53fb61e  4153484c41522d50 02000000 0102030405060708 0300000000000000 0500000000010000 04 70726f64 02 0900000000000000",
  ],
  welcome: [welcomeFrame(LIFE, 16_777_216), "10000000 02 000000 b80806be  02000000 0102030405060708 00000001"],
  refusal: [refusalFrame("cluster", "no"), "08000000 03 000000 955ae5b1  02000000 02 02 6e6f"],
  message: [
    concatBytes([frameHeader(FRAME_KINDS.message, utf8("frame")), utf8("frame")]),
    "05000000 04 000000 3fa8e790  6672616d65",
  ],
  ping: [pingFrame(), "00000000 05 000000 c1294f2a"],
  pong: [pongFrame(), "00000000 06 000000 f8a06d48"],
};

describe("the peer protocol", () => {
  test("has these bytes in version 2", () => {
    for (const [name, [frame, hex]] of Object.entries(GOLDEN)) equal(toHex(frame), hex.replaceAll(" ", ""), name);
  });

  test("gives back what was put in", () => {
    deepEqual(decodeHello(payloadOf("hello")), {
      life: LIFE,
      from: 3,
      to: 2 ** 40 + 5,
      cluster: "prod",
      purpose: "calls",
      start: 9,
    });
    deepEqual(decodeWelcome(payloadOf("welcome")), { life: toHex(LIFE), frameBytesMax: 16_777_216 });
    deepEqual(decodeRefusal(payloadOf("refusal")), { version: 2, reason: "cluster", text: "no" });
  });

  test("has a checksum of the header and the payload in each frame", () => {
    for (const [frame] of Object.values(GOLDEN)) {
      const sum = crc32c(concatBytes([frame.subarray(0, 8), frame.subarray(FRAME_HEADER_BYTES)]));
      equal(new DataView(frame.buffer, frame.byteOffset).getUint32(8, true), sum);
    }
  });

  test("tells a newer version's hello and refusal from nonsense", () => {
    const newer = payloadOf("hello").with(8, 3);
    deepEqual(decodeHello(newer.subarray(0, 12)), { version: 3 });
    deepEqual(decodeHello(concatBytes([newer, utf8("more")])), { version: 3 });
    const refusal = payloadOf("refusal").with(0, 7).with(4, 200);
    deepEqual(decodeRefusal(refusal), { version: 7, reason: "version", text: "no" });
  });

  test("is not taken for what it is not: cut, longer, of another magic", () => {
    for (const [name, decode] of [
      ["hello", decodeHello],
      ["welcome", decodeWelcome],
      ["refusal", decodeRefusal],
    ] as const) {
      const payload = payloadOf(name);
      for (let length = 0; length < payload.length; length++) {
        const cut = decode(payload.subarray(0, length));
        ok(cut === undefined || (name === "hello" && length === 0), `${name} cut to ${length}`);
      }
      if (name !== "refusal") equal(decode(concatBytes([payload, Uint8Array.of(0)])), undefined);
    }
    equal(decodeHello(payloadOf("hello").with(0, 1)), undefined);
    equal(decodeWelcome(payloadOf("welcome").with(0, 9)), undefined);
  });
});

function payloadOf(name: string): Uint8Array {
  return GOLDEN[name]![0].subarray(FRAME_HEADER_BYTES);
}
