import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import { EventStreamDecoder, encodeComment, encodeEvent, encodeRetry, type StreamEvent } from "./index.ts";

const limits = { eventCharactersMax: 1000, tooLong: () => new RangeError("too long") };

/** In pieces of these lengths, over and over. */
function decode(text: string, ...lengths: number[]): StreamEvent[] {
  const decoder = new EventStreamDecoder(limits);
  const bytes = utf8(text);
  const events: StreamEvent[] = [];
  for (let at = 0, piece = 0; at < bytes.length; piece++) {
    const length = lengths.length === 0 ? bytes.length : lengths[piece % lengths.length]!;
    events.push(...decoder.push(bytes.subarray(at, at + length)));
    at += length;
  }
  return events;
}

describe("an event stream", () => {
  test("gives back what was encoded, however it is cut", () => {
    const text = `${encodeRetry(2000)}${encodeEvent("change", '{"a":"\u00e9\ud83d\ude00"}', "p1")}${encodeComment()}${encodeEvent("end", "1")}`;
    const events = [
      { type: "change", data: '{"a":"\u00e9\ud83d\ude00"}', id: "p1" },
      { type: "end", data: "1", id: "p1" },
    ];
    assert.deepEqual(decode(text), events);
    for (let length = 1; length < 40; length++) assert.deepEqual(decode(text, length), events);
  });

  // The examples of WHATWG HTML, 9.2.6, and what stands around them.
  for (const [name, text, expected] of [
    ["joins lines of data", "data: YHOO\ndata: +2\ndata: 10\n\n", [["message", "YHOO\n+2\n10", undefined]]],
    [
      "ignores comments, keeps ids, and forgets them where one is empty",
      ": test stream\n\ndata: first event\nid: 1\n\ndata:second event\nid\n\ndata:  third event\n\n",
      [
        ["message", "first event", "1"],
        ["message", "second event", ""],
        ["message", " third event", ""],
      ],
    ],
    [
      "gives out an empty event and not one that is cut off",
      "data\n\ndata\ndata\n\ndata:",
      [
        ["message", "", undefined],
        ["message", "\n", undefined],
      ],
    ],
    [
      "takes a space behind the colon or none",
      "data:test\n\ndata: test\n\n",
      [
        ["message", "test", undefined],
        ["message", "test", undefined],
      ],
    ],
    [
      "ends lines at any of the three breaks",
      "event: a\r\ndata: 1\r\n\r\nevent: b\rdata: 2\r\r",
      [
        ["a", "1", undefined],
        ["b", "2", undefined],
      ],
    ],
    ["has no event without data", "event: a\nid: 7\n\ndata: 1\n\n", [["message", "1", "7"]]],
    ["drops a byte order mark", "\ufeffdata: 1\n\n", [["message", "1", undefined]]],
    ["knows no other fields, and no id with a zero", "foo: 1\nid: a\0b\ndata: 1\n\n", [["message", "1", undefined]]],
  ] as const) {
    test(name, () => {
      const events = expected.map(([type, data, id]) => ({ type, data, id }));
      assert.deepEqual(decode(text), events);
      for (const length of [1, 2, 3]) assert.deepEqual(decode(text, length), events, `in pieces of ${length}`);
    });
  }

  test("is cut anywhere without another result", () => {
    const prng = new Prng(5);
    const parts = ["data: ", "id: ", "event: ", "x", ":", "\n", "\r", "\r\n", "\u00e9", " "];
    for (let run = 0; run < 500; run++) {
      const text = Array.from({ length: 30 }, () => prng.pick(parts)).join("");
      const lengths = [1 + prng.below(4), 1 + prng.below(7)];
      assert.deepEqual(decode(text, ...lengths), decode(text), JSON.stringify(text));
    }
  });

  test("has a limit on one event, in one line or many, and none on the stream", () => {
    assert.throws(() => decode(`data: ${"x".repeat(1000)}`, 10), RangeError);
    assert.throws(() => decode("data: 123456789\n".repeat(100), 64), RangeError);
    assert.equal(decode("data: 123456789\n\n".repeat(500), 64).length, 500);
  });
});
