import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { fromHex, toHex, utf8 } from "../std/bytes.ts";
import { AshlarError, hasCode } from "../std/errors.ts";
import { Prng } from "../std/prng.ts";
import { MalformedBytes } from "../std/reader.ts";
import { type Command, decodeCommand, encodeCommand } from "./command.ts";
import { prepareCommit } from "./commit-rules.ts";
import type { RangeCommand } from "./machine/range-commands.ts";

const COMMIT: Command & { readonly kind: "commit" } = {
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

const NAME = { transaction: new Uint8Array(16).fill(7), home: Uint8Array.of(18, 97, 0, 0) };

const TRANSACTION_COMMANDS: readonly Command[] = [
  { ...COMMIT, kind: "prepare", ...NAME, known: 0 },
  { kind: "prepare", ...NAME, known: undefined, ...prepareCommit({}) },
  { kind: "decide", ...NAME, revision: 300, request: undefined, keys: [NAME.home], others: [Uint8Array.of(1, 0, 0)] },
  { kind: "abort", ...NAME },
  { kind: "finish", transaction: NAME.transaction, revision: 0, keys: [NAME.home], conflict: undefined },
  {
    ...{ kind: "finish", transaction: NAME.transaction, revision: 9, keys: [] },
    conflict: { request: { session: 1, sequence: 2, acknowledged: 0 }, failedChecks: [0, 99] },
  },
  { kind: "forget", records: [NAME] },
];

const LENT_LEASE_COMMANDS: readonly Command[] = [
  { kind: "lend", lease: 300, group: 7, isEnding: true },
  { kind: "adopt", lease: 300, known: 9 },
  { kind: "give-back", lease: 300, groups: [2, 7] },
  { kind: "bury", leases: [1, 300] },
];

const COMMANDS: readonly Command[] = [
  COMMIT,
  { kind: "commit", ...prepareCommit({}) },
  { kind: "commit", ...prepareCommit({ puts: [{ table: 1, key: utf8("k"), value: new Uint8Array(262_144) }] }) },
  { kind: "grant", ttlMillis: 30_000 },
  { kind: "end", lease: Number.MAX_SAFE_INTEGER },
  { kind: "expire", lease: 7, term: 300 },
  ...rangeSteps(),
  ...LENT_LEASE_COMMANDS,
  ...TRANSACTION_COMMANDS,
];

function rangeSteps(): Command[] {
  const name = { transfer: 300, attempt: 2 };
  const interval = { from: utf8("a"), to: utf8("b") };
  const row = { key: utf8("row"), revision: 300, lease: 3 };
  const steps: RangeCommand[] = [
    { kind: "import-begin", ...name, ...interval, source: 4 },
    { kind: "import-clear", ...name },
    {
      kind: "import-rows",
      ...name,
      piece: 5,
      rows: [
        { ...row, value: utf8("v") },
        { ...row, value: undefined },
      ],
    },
    { kind: "import-finish", ...name, pieces: 6, revision: 700 },
    { kind: "import-end", ...name, isFinished: true },
    { kind: "export-begin", ...name, ...interval, target: 8 },
    { kind: "export-clean", ...name, rows: [{ key: utf8("row"), entry: 9 }] },
    { kind: "export-freeze", ...name },
    { kind: "export-end", ...name, isMoved: false },
  ];
  return steps.map((step): Command => ({ kind: "range", step }));
}

describe("commands", () => {
  test("decode to what was encoded", () => {
    for (const command of COMMANDS) assert.deepEqual(decodeCommand(encodeCommand(command)), command);
  });

  test("look like this, of versions 1 to 3", () => {
    const name = `${"07".repeat(16)}0412610000`;
    const golden: [Command, string][] = [
      [COMMIT, "010103ac02020102041261000009041262000000010512610000730576616c756501061300ff010000"],
      [{ kind: "grant", ttlMillis: 30_000 }, "0102b0ea01"],
      [{ kind: "end", lease: 300 }, "0103ac02"],
      [{ kind: "expire", lease: 300, term: 5 }, "0204ac0205"],
      [rangeSteps()[0]!, "032000ac02020161016204"],
      [rangeSteps()[2]!, "032002ac0202050203726f77ac020301017603726f77ac020300"],
      [rangeSteps()[6]!, "032006ac02020103726f7709"],
      [rangeSteps()[8]!, "032008ac020200"],
      [TRANSACTION_COMMANDS[0]!, `0310${name}01${toHex(encodeCommand(COMMIT)).slice(4)}`],
      [TRANSACTION_COMMANDS[2]!, `0311${name}ac02000104126100000103010000`],
      [TRANSACTION_COMMANDS[3]!, `0312${name}`],
      [TRANSACTION_COMMANDS[5]!, `0313${"07".repeat(16)}0900010200020063`],
      [TRANSACTION_COMMANDS[6]!, `031401${name}`],
      [LENT_LEASE_COMMANDS[0]!, "0330ac020701"],
      [LENT_LEASE_COMMANDS[1]!, "0331ac0209"],
      [LENT_LEASE_COMMANDS[2]!, "0332ac02020207"],
      [LENT_LEASE_COMMANDS[3]!, "03330201ac02"],
    ];
    for (const [command, hex] of golden) {
      assert.equal(toHex(encodeCommand(command)), hex);
      assert.deepEqual(decodeCommand(fromHex(hex)!), command);
    }
  });

  test("of a newer version are refused by that name", () => {
    const bytes = encodeCommand(COMMIT);
    bytes[0] = 4;
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
