import { deepEqual, equal, ok, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import { fromHex } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { base32, base62, hex } from "./encodings.ts";
import { explainId } from "./explain.ts";
import { IdGenerator } from "./generator.ts";
import { LAYOUTS, widthOf } from "./layout.ts";
import { UlidGenerator } from "./ulid.ts";
import { UuidTimeGenerator } from "./uuid-time.ts";
import { UuidV7Generator } from "./uuid-v7.ts";

const NOW = Date.UTC(2026, 0, 1);
const options = { nowMillis: NOW };
const random = (length: number): Uint8Array => new Uint8Array(length).fill(0x5a);
const kinds = (...found: ReturnType<typeof explainId>): string[] =>
  found.filter(({ plausibility }) => plausibility === "likely").map(({ kind }) => kind);

describe("explaining an id", () => {
  test("a fresh one of each layout is recognised, among the likely readings, with its time", () => {
    for (const layout of Object.values(LAYOUTS)) {
      const at = layout.name === "baidu" ? Date.UTC(2024, 0, 1) : NOW;
      const id = new IdGenerator({ layout, worker: 3, random: () => 0 }).next(at);
      const readings = explainId(id, { nowMillis: at });
      const found = readings.find(({ kind }) => kind === layout.name)!;
      equal(found.plausibility, "likely", layout.name);
      equal(found.time, new Date(at).toISOString());
      equal(
        found.fields.reduce((whole, { bits, value }) => (whole << BigInt(bits)) | value, 0n),
        id,
      );
      equal(
        found.fields.reduce((sum, { bits }) => sum + bits, 0),
        widthOf(layout),
      );
      ok(readings.every(({ why }) => why.endsWith(".")));
    }
  });

  test("a number comes first as the layout in which it is young, and last what lies in the future", () => {
    const id = "1541815603606036480";
    const readings = explainId(id, { nowMillis: Date.UTC(2022, 6, 1) });
    equal(readings[0]!.time, "2022-06-28T16:07:40.105Z");
    deepEqual(
      readings.slice(0, 2).map(({ kind }) => kind),
      ["twitter", "leaf"],
    );
    deepEqual(
      readings[0]!.fields.map(({ name, value }) => [name, Number(value)]),
      [
        ["time", 367_597_485_448],
        ["datacenter", 11],
        ["worker", 26],
        ["sequence", 0],
      ],
    );
    equal(readings.find(({ kind }) => kind === "discord")!.why, "Its time is in the future.");
    equal(readings.at(-1)!.plausibility, "unlikely");
  });

  test("a small number is no likely id of any kind", () => {
    deepEqual(kinds(...explainId("12345", options)), []);
    deepEqual(kinds(...explainId(0, options)), []);
  });

  test("any text of a number is read", () => {
    const id = 1_541_815_603_606_036_480n;
    const texts = [
      String(id),
      hex.encode(id, 64),
      `0x${hex.encode(id, 64)}`,
      base32.encode(id, 64),
      base62.encode(id, 64),
    ];
    for (const text of texts) deepEqual(explainId(text, options), explainId(id, options), text);
    deepEqual(explainId(fromHex(hex.encode(id, 64))!, options), explainId(id, options));
  });

  test("bytes of a layout of the other order are turned around", () => {
    const layout = { ...LAYOUTS.twitter, byteOrder: "little" } as const;
    const bytes = new IdGenerator({ layout, worker: 1 }).nextBytes(NOW);
    const [reading] = explainId(bytes, { ...options, layouts: [layout] });
    equal(reading!.time, new Date(NOW).toISOString());
  });

  test("another epoch, or a layout of one's own, is used where it is named", () => {
    const mine = { ...LAYOUTS.twitter, name: "mine", epochMillis: Date.UTC(2020, 0, 1) };
    const id = new IdGenerator({ layout: mine, worker: 9 }).next(NOW);
    deepEqual(kinds(...explainId(id, { ...options, layouts: [mine] })), ["mine"]);
    const [byEpoch] = explainId(id, { ...options, layouts: [LAYOUTS.twitter], epochMillis: mine.epochMillis });
    equal(byEpoch!.timeMillis, NOW);
  });

  test("UUIDs tell their version, and their time where they have one", () => {
    const of = (text: string) => explainId(text, options)[0]!;
    const rfc = Date.UTC(2022, 1, 22, 19, 22, 22);
    for (const [text, kind] of [
      ["c232ab00-9414-11ec-b3c8-9f6bdeced846", "uuid v1"],
      ["1EC9414C-232A-6B00-B3C8-9F6BDECED846", "uuid v6"],
      ["017f22e2-79b0-7cc3-98c4-dc0c0c07398f", "uuid v7"],
    ] as const) {
      const { kind: found, timeMillis, plausibility } = of(text);
      deepEqual([found, timeMillis, plausibility], [kind, rfc, "likely"]);
    }
    deepEqual(of("c232ab00-9414-11ec-b3c8-9f6bdeced846").fields, [
      { name: "time", bits: 60, value: 138_648_505_420_000_000n },
      { name: "clock sequence", bits: 14, value: 0x33c8n },
      { name: "node", bits: 48, value: 0x9f6bdeced846n },
    ]);
    for (const [text, kind] of [
      ["000003e8-cbb9-21ea-b201-00045a86c8a1", "uuid v2"],
      ["5df41881-3aed-3515-88a7-2f4a814cf09e", "uuid v3"],
      ["919108f7-52d1-4320-9bac-f847db4148a8", "uuid v4"],
      ["2ed6657d-e927-568b-95e1-2665a8aea6a2", "uuid v5"],
      ["2489e9ad-2ee2-8e00-8ec9-32d5f69181c0", "uuid v8"],
      ["00000000-0000-0000-0000-000000000000", "uuid nil"],
      ["ffffffff-ffff-ffff-ffff-ffffffffffff", "uuid max"],
    ] as const) {
      deepEqual([of(text).kind, of(text).timeMillis, of(text).plausibility], [kind, undefined, "likely"]);
    }
    equal(of("919108f7-52d1-f320-9bac-f847db4148a8").plausibility, "unlikely");
    equal(of("919108f7-52d1-4320-1bac-f847db4148a8").plausibility, "unlikely");
  });

  test("what our generators make is what it is explained as", () => {
    const v7 = new UuidV7Generator({ random }).next(NOW);
    const v1 = new UuidTimeGenerator({ version: 1, random }).next(NOW);
    const ulid = new UlidGenerator({ random }).next(NOW);
    for (const [text, kind] of [
      [v7, "uuid v7"],
      [v1, "uuid v1"],
      [ulid, "ulid"],
      [ulid.toLowerCase(), "ulid"],
    ] as const) {
      const [first] = explainId(text, options);
      deepEqual([first!.kind, first!.time, first!.plausibility], [kind, new Date(NOW).toISOString(), "likely"]);
    }
  });

  test("32 hexadecimal digits may be anything of 128 bits, a UUID first", () => {
    const readings = explainId("919108f752d143209bacf847db4148a8", options);
    deepEqual(
      readings.map(({ kind }) => kind),
      ["uuid v4", "ulid", "flake"],
    );
    deepEqual(kinds(...readings), ["uuid v4"]);
  });

  test("what is no id of any form is refused, however long it is", () => {
    const bad = ["", "-1", "id", "hello world", "x".repeat(26), "1".repeat(40), "a".repeat(1_000_000), "0x", "1.5"];
    for (const text of bad)
      throws(
        () => explainId(text, options),
        (error) => hasCode(error, "MALFORMED") || hasCode(error, "OUT_OF_RANGE"),
        text.slice(0, 50),
      );
    for (const other of [-1, 1.5, 2 ** 53, Number.NaN, -1n, 1n << 128n, new Uint8Array(7)])
      throws(
        () => explainId(other, options),
        (error) => hasCode(error, "MALFORMED"),
      );
  });
});
