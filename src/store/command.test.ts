import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromHex, toHex, utf8 } from "../std/bytes.ts";
import { AshlarError, hasCode } from "../std/errors.ts";
import { Prng } from "../std/prng.ts";
import { MalformedBytes } from "../std/reader.ts";
import { type Command, decodeCommand, encodeCommand } from "./command.ts";
import { prepareCommit } from "./commit-rules.ts";

const COMMIT: Command = {
  kind: "commit",
  ...prepareCommit({
    lease: 3,
    request: { session: 300, sequence: 2, acknowledged: 1 },
    checks: [
      { table: 18, key: utf8("a"), revision: 9 },
      { table: 18, key: utf8("b"), absent: true },
    ],
    puts: [{ table: 18, key: utf8("a"), suffix: utf8("s"), value: utf8("value") }],
    deletes: [{ table: 19, key: Uint8Array.of(0, 1) }],
  }),
};

const COMMANDS: readonly Command[] = [
  COMMIT,
  { kind: "commit", ...prepareCommit({}) },
  { kind: "commit", ...prepareCommit({ puts: [{ table: 1, key: utf8("k"), value: new Uint8Array(262_144) }] }) },
  { kind: "grant", ttlMillis: 30_000 },
  { kind: "end", lease: Number.MAX_SAFE_INTEGER },
  { kind: "expire", lease: 7, term: 300 },
];

describe("commands", () => {
  test("decode to what was encoded", () => {
    for (const command of COMMANDS) assert.deepEqual(decodeCommand(encodeCommand(command)), command);
  });

  test("look like this, of versions 1 and 2", () => {
    const golden: [Command, string][] = [
      [COMMIT, "010103ac02020102041261000009041262000000010512610000730576616c756501061300ff010000"],
      [{ kind: "grant", ttlMillis: 30_000 }, "0102b0ea01"],
      [{ kind: "end", lease: 300 }, "0103ac02"],
      [{ kind: "expire", lease: 300, term: 5 }, "0204ac0205"],
    ];
    for (const [command, hex] of golden) {
      assert.equal(toHex(encodeCommand(command)), hex);
      assert.deepEqual(decodeCommand(fromHex(hex)!), command);
    }
  });

  test("of a newer version are refused by that name", () => {
    const bytes = encodeCommand(COMMIT);
    bytes[0] = 3;
    assert.throws(
      () => decodeCommand(bytes),
      (error) => hasCode(error, "FORMAT_NEWER"),
    );
  });

  test("that are cut or have bytes behind them are malformed", () => {
    for (const command of [COMMIT, ...COMMANDS.slice(3)]) {
      const bytes = encodeCommand(command);
      for (let length = 0; length < bytes.length; length++) {
        assert.throws(() => decodeCommand(bytes.subarray(0, length)), MalformedBytes);
      }
      assert.throws(() => decodeCommand(Uint8Array.of(...bytes, 0)), MalformedBytes);
    }
  });

  test("with random damage decode to something or fail by a known error", () => {
    const seed = 11;
    const prng = new Prng(seed);
    for (let round = 0; round < 3000; round++) {
      const bytes = encodeCommand(COMMIT);
      for (let flips = 1 + prng.below(4); flips > 0; flips--) bytes[prng.below(bytes.length)] = prng.below(256);
      try {
        decodeCommand(bytes);
      } catch (error) {
        assert.ok(error instanceof MalformedBytes || error instanceof AshlarError, `seed ${seed}, round ${round}`);
      }
    }
  });
});
