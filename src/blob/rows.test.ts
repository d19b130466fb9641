import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import { utf8 } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { TABLES } from "../store/index.ts";
import { addDamage, decodeLedger, emptyLedger, encodeLedger } from "./ledger.ts";
import {
  deadAddress,
  decodeDropTime,
  decodeMark,
  encodeDrop,
  encodeMark,
  needleOfSuffix,
  needleSuffix,
} from "./needle-rows.ts";
import { BLOB_OPTIONS, blobOptions } from "./options.ts";
import {
  decodeCounter,
  decodeVolumeRow,
  encodeCounter,
  encodeVolumeRow,
  type VolumeRow,
  volumeAddress,
  volumeOfKey,
} from "./volume-row.ts";

const ROW: VolumeRow = {
  state: "sealed",
  kind: "extents",
  generation: 3,
  epoch: 7,
  writer: "node-a",
  members: ["node-a", "node-b"],
  tag: utf8("12345678"),
  createdMillis: 1_700_000_000_000,
  switchedMillis: 1_700_000_000_001,
  durable: 2 ** 33,
  gapBytes: 4096,
};

describe("rows about volumes and needles", () => {
  test("come back as they were written", () => {
    deepEqual(decodeVolumeRow(1, encodeVolumeRow(ROW)), ROW);
    equal(decodeCounter(encodeCounter(4_294_967_295)), 4_294_967_295);
    equal(volumeOfKey(volumeAddress(258).key), 258);
    equal(decodeDropTime(encodeDrop(1_700_000_000_000)), 1_700_000_000_000);
    const mark = { state: "garbage" as const, run: 0xffff_ffff, sequence: 12, slotBytes: 8_400_000, timeMillis: 5 };
    deepEqual(decodeMark(encodeMark(mark)), mark);
    const name = { volume: 4_294_967_295, needle: 4_294_967_294 };
    deepEqual(needleOfSuffix(needleSuffix(name)), name);
    equal(needleOfSuffix(utf8("short")), undefined);
    deepEqual(deadAddress(utf8("owner"), name).table, TABLES.dead);
  });

  test("of a later version are refused by name", () => {
    const newer = (bytes: Uint8Array): Uint8Array => bytes.map((byte, at) => (at === 0 ? 99 : byte));
    for (const decode of [
      () => decodeVolumeRow(1, newer(encodeVolumeRow(ROW))),
      () => decodeCounter(newer(encodeCounter(3))),
      () => decodeDropTime(newer(encodeDrop(3))),
      () => decodeMark(newer(encodeMark({ state: "pending", run: 1, sequence: 1, slotBytes: 1, timeMillis: 1 }))),
    ]) {
      throws(decode, (error) => hasCode(error, "VOLUME_FORMAT_NEWER"));
    }
  });

  test("a ledger comes back, and one of another version starts anew", () => {
    const ledger = emptyLedger();
    Object.assign(ledger, {
      verifiedMillis: 9,
      verifiedBytes: 2 ** 34,
      scrubCursor: 5,
      scrubbedBytes: 7,
      sweepCursor: 8,
      sweptMillis: 4,
    });
    addDamage(ledger.damage, 11);
    addDamage(ledger.scrubDamage, 12);
    deepEqual(decodeLedger(encodeLedger(ledger)), ledger);
    deepEqual(decodeLedger(encodeLedger(ledger).map((byte, at) => (at === 0 ? 9 : byte))), emptyLedger());
  });

  test("a ledger names a needle once and lists no more than it has room for", () => {
    const { damage } = emptyLedger();
    for (let needle = 0; needle < 1000; needle++) ok(addDamage(damage, needle));
    equal(addDamage(damage, 5), false);
    equal(damage.count, 1000);
    equal(damage.needles.length, 256);
  });
});

describe("options of the volumes", () => {
  test("have defaults inside of their ranges, and a text", () => {
    const options = blobOptions();
    for (const [name, entry] of Object.entries(BLOB_OPTIONS)) {
      equal(options[name as keyof typeof options], entry.default);
      ok(entry.default >= entry.min && entry.default <= entry.max, name);
      ok(/[a-z].*\.$/.test(entry.text), name);
    }
  });

  test("are refused outside of them, and where two do not fit together", () => {
    for (const bad of [
      { volumeBytes: 1 },
      { extentBytes: 1.5 },
      { spaceReservePercent: 51 },
      { readSliceBytes: Number.NaN },
      { volumeBytes: 16_777_216, extentBytes: 16_777_216 },
    ]) {
      throws(
        () => blobOptions(bad),
        (error) => hasCode(error, "BLOB_OPTION_INVALID"),
      );
    }
  });
});
