import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { APPEND_THREAD, type Message, MessageType, newMessage } from "../../core/raft/index.ts";
import { toHex, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { type FrameHandler, FrameWriter, mayCome, readFrame } from "./frame.ts";

function message(type: MessageType, more: Partial<Message> = {}): Message {
  return { ...newMessage(type, 2), from: 1, term: 5, ...more };
}

type Part = readonly unknown[];

function partsOf(bytes: Uint8Array, accept = true): { readonly head: Part; readonly parts: readonly Part[] } {
  let head: Part = [];
  const parts: Part[] = [];
  const put =
    (name: string) =>
    (...values: unknown[]): void =>
      void parts.push([name, ...values]);
  const handler: FrameHandler = {
    message: put("message"),
    request: put("request"),
    piece: put("piece"),
    founding: put("founding"),
    refusal: put("refusal"),
    unsafe: put("unsafe"),
  };
  const accepts = ({ life, number }: { life: number; number: number }): boolean => {
    head = [life, number];
    return accept;
  };
  readFrame(bytes, accepts, handler);
  return { head, parts };
}

function frame(write: (writer: FrameWriter) => void): Uint8Array {
  const writer = new FrameWriter();
  writer.begin(300, 2);
  write(writer);
  return writer.finish();
}

const REQUEST = { group: 7, index: 9, term: 5, offset: 1000 };
const PIECE = { ...REQUEST, bytesTotal: 1003, bytes: utf8("abc") };
const NAME = { life: 4, sequence: 6 };
const UNSAFE = { life: 4, number: 9, why: "why" };
const APPEND = message(MessageType.append, {
  ...{ index: 8, logTerm: 4, commit: 7 },
  entries: [{ index: 9, term: 5, type: 0, data: utf8("xyz") }],
});

const GOLDEN: readonly (readonly [string, (writer: FrameWriter) => void, string, Part])[] = [
  [
    "a heartbeat",
    (to) => to.message(7, message(MessageType.heartbeat, { commit: 9 })),
    "020701020509",
    [...["message", 7, message(MessageType.heartbeat, { commit: 9 })]],
  ],
  [
    "an echo",
    (to) => to.message(7, message(MessageType.heartbeatResponse)),
    "0307010205",
    [...["message", 7, message(MessageType.heartbeatResponse)]],
  ],
  ["a request", (to) => to.request(REQUEST), "04070905e807", ["request", REQUEST]],
  ["a piece", (to) => to.piece(PIECE), "05070905e807eb0703616263", ["piece", PIECE]],
  ["a founder", (to) => to.founding(7, "foundation", 300), "060702ac02", ["founding", 7, "foundation", 300]],
  ["an unsafe change", (to) => to.unsafe(7, UNSAFE), "0807040903776879", ["unsafe", 7, UNSAFE]],
  ["a refusal", (to) => to.refusal(7, NAME), "07070406", ["refusal", 7, NAME]],
];

describe("a frame", () => {
  for (const [name, write, golden, part] of GOLDEN) {
    test(`with ${name} is these bytes, and reads as what was written`, () => {
      const bytes = frame(write);
      assert.equal(toHex(bytes), `01ac0202${golden}`);
      assert.deepEqual(partsOf(bytes), { head: [300, 2], parts: [part] });
    });
  }

  test("carries whole messages, also heartbeats that say more than most", () => {
    const plain = [APPEND, message(MessageType.heartbeat, { context: utf8("12345678") })];
    const others = [
      message(MessageType.heartbeatResponse, { reject: true }),
      message(MessageType.heartbeat, { incarnation: 5 }),
    ];
    for (const one of [...plain, ...others]) {
      assert.deepEqual(partsOf(frame((to) => to.message(7, one))).parts, [["message", 7, one]]);
    }
  });

  test("carries many parts in their order, also a long one whose memory the writer gives away", () => {
    const writer = new FrameWriter();
    for (let number = 1; number < 4; number++) {
      writer.begin(1, number);
      assert.ok(writer.isEmpty);
      for (let count = 0; count < 1000; count++) writer.request({ ...REQUEST, offset: count * number });
      writer.piece({ ...PIECE, bytes: new Uint8Array(20_000) });
      const { parts } = partsOf(writer.finish());
      assert.equal(parts.length, 1001);
      assert.deepEqual(parts[999], ["request", { ...REQUEST, offset: 999 * number }]);
    }
  });

  test("that does not count is not read", () => {
    assert.deepEqual(
      partsOf(
        frame((to) => to.request(REQUEST)),
        false,
      ).parts,
      [],
    );
  });

  test("that is cut off, or has a byte flipped, is FRAME_MALFORMED or a frame, and never another error", () => {
    const whole = frame((writer) => {
      for (const [, write] of GOLDEN) write(writer);
      writer.message(7, APPEND);
    });
    const check = (bytes: Uint8Array): boolean => {
      try {
        partsOf(bytes);
        return true;
      } catch (error) {
        assert.ok(hasCode(error, "FRAME_MALFORMED"), String(error));
        return false;
      }
    };
    let read = 0;
    for (let at = 0; at < whole.length; at++) {
      if (check(whole.subarray(0, at))) read++;
      for (let bit = 0; bit < 8; bit++) {
        const flipped = whole.slice();
        flipped[at]! ^= 1 << bit;
        check(flipped);
      }
    }
    assert.equal(read, GOLDEN.length + 1, "only a frame that ends behind a part reads as one");
  });

  test("of another version is refused by it", () => {
    assert.throws(() => partsOf(Uint8Array.of(2, 1, 1)), { code: "FRAME_MALFORMED", data: { version: 2 } });
  });
});

describe("a message", () => {
  test("comes from the node that it names, unless it is passed on to a leader", () => {
    assert.ok(mayCome(message(MessageType.append), 1));
    assert.ok(!mayCome(message(MessageType.append), 3));
    assert.ok(!mayCome(message(MessageType.voteResponse), 3));
    const question = { entries: [{ index: 0, term: 0, type: 0, data: utf8("q") }] } as const;
    assert.ok(mayCome(message(MessageType.propose), 3));
    assert.ok(mayCome(message(MessageType.readIndex, question), 3));
    assert.ok(!mayCome(message(MessageType.readIndex), 3));
  });

  test("never comes from the disk of another node, nor is one that only a node's own parts send", () => {
    assert.ok(!mayCome(message(MessageType.storageAppendResponse, { from: APPEND_THREAD }), 1));
    assert.ok(!mayCome(message(MessageType.appendResponse, { from: APPEND_THREAD }), APPEND_THREAD));
    for (const type of [MessageType.hup, MessageType.unreachable, MessageType.storageApplyResponse]) {
      assert.ok(!mayCome(message(type), 1));
    }
  });
});
