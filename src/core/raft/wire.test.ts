import assert from "node:assert/strict";
import { describe, test } from "node:test";
import fc from "fast-check";
import { hasCode } from "../../std/errors.ts";
import { decodeConfChange, encodeConfChange, LEAVE_JOINT } from "./conf-change.ts";
import { configurationOf } from "./configuration.ts";
import { type EntryType, type Message, type MessageType, newMessage } from "./messages.ts";
import {
  decodeConfiguration,
  decodeEntry,
  decodeHardState,
  decodeMessage,
  encodeConfiguration,
  encodeEntry,
  encodeHardState,
  encodeMessage,
} from "./wire.ts";

const number = fc.maxSafeNat();
const bytes = fc.uint8Array({ maxLength: 100 });
const ids = fc.uniqueArray(fc.integer({ min: 1, max: 50 }), { maxLength: 5 });
const entry = fc.record({
  term: number,
  index: number,
  type: fc.nat({ max: 3 }).map((type) => type as EntryType),
  data: bytes,
});
const configuration = fc
  .record({ voters: ids, votersOutgoing: ids, learners: ids, learnersNext: ids, joining: ids, witnesses: ids })
  .chain((lists) =>
    fc.record({ autoLeave: fc.boolean(), commitQuorum: fc.nat(9), incarnation: number }).map((rest) =>
      configurationOf({
        ...lists,
        ...rest,
        rejoined: lists.learners.map((id) => ({ id, incarnation: rest.incarnation })),
      }),
    ),
  )
  .map(({ ...whole }) => {
    delete (whole as { incarnation?: number }).incarnation;
    return whole;
  });
const message: fc.Arbitrary<Message> = fc
  .record({
    type: fc.nat({ max: 26 }).map((type) => type as MessageType),
    to: number,
    from: number,
    term: number,
    logTerm: number,
    index: number,
    commit: number,
    vote: number,
    reject: fc.boolean(),
    rejectHint: number,
    incarnation: number,
    entries: fc.array(entry, { maxLength: 4 }),
    snapshot: fc.option(fc.record({ index: number, term: number, configuration, data: bytes }), { nil: undefined }),
    context: bytes,
  })
  .map((fields) => ({ ...newMessage(fields.type, fields.to), ...fields }));

/** Copies, as decoded data may be a view of what it came from. */
const plain = (value: unknown): unknown => JSON.parse(JSON.stringify(value));

describe("bytes of messages and records", () => {
  test("what is written is read back", () => {
    fc.assert(fc.property(message, (one) => assert.deepEqual(plain(decodeMessage(encodeMessage(one))), plain(one))));
    fc.assert(fc.property(entry, (one) => assert.deepEqual(plain(decodeEntry(encodeEntry(one))), plain(one))));
    fc.assert(
      fc.property(configuration, (one) => {
        assert.deepEqual(plain(decodeConfiguration(encodeConfiguration(one))), plain(one));
      }),
    );
    const hardState = { term: 3, vote: 2, commit: 9, incarnation: 2 ** 40, isLost: true };
    assert.deepEqual(decodeHardState(encodeHardState(hardState)), hardState);
  });

  test("bytes that are cut short, longer, or of another version are malformed, and nothing else is thrown", () => {
    fc.assert(
      fc.property(message, fc.nat(), (one, seed) => {
        const whole = encodeMessage(one);
        const isMalformed = (error: unknown): boolean => hasCode(error, "MALFORMED");
        assert.throws(() => decodeMessage(whole.slice(0, seed % whole.length)), isMalformed);
        assert.throws(() => decodeMessage(Uint8Array.of(...whole, 0)), isMalformed);
        assert.throws(() => decodeMessage(Uint8Array.of(99, ...whole.slice(1))), isMalformed);
      }),
    );
  });

  test("any bytes are read or refused", () => {
    for (const decode of [decodeMessage, decodeEntry, decodeConfiguration, decodeHardState, decodeConfChange]) {
      fc.assert(
        fc.property(fc.uint8Array({ maxLength: 60 }), (tail) => {
          try {
            decode(Uint8Array.of(1, ...tail));
          } catch (error) {
            assert(hasCode(error, "MALFORMED"));
          }
        }),
      );
    }
  });

  test("leaving a joint configuration takes no bytes", () => {
    assert.equal(encodeConfChange(LEAVE_JOINT).length, 0);
    assert.equal(decodeConfChange(new Uint8Array(0)), LEAVE_JOINT);
  });
});
