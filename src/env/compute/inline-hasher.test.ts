import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { describe, test } from "node:test";
import { AssertionError } from "../../std/assert.ts";
import { toHex } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { Prng } from "../../std/prng.ts";
import { InlineHasher } from "./inline-hasher.ts";

describe("an inline hasher", () => {
  test("without a pace takes everything in at once", async () => {
    const hasher = new InlineHasher(["md5"]);
    assert.equal(hasher.update(new Uint8Array(1_000_000)), undefined);
    assert.equal(toHex((await hasher.digest()).get("md5")!), md5(new Uint8Array(1_000_000)));
  });

  test("gives way after every turn's share, also within one long update", async () => {
    let turns = 0;
    const pace = {
      turnBytesMax: 100,
      async nextTurn() {
        turns++;
      },
    };
    const hasher = new InlineHasher(["md5"], pace);
    const bytes = new Prng(1).bytes(1000);
    assert.equal(hasher.update(bytes.subarray(0, 60)), undefined);
    assert.equal(hasher.update(bytes.subarray(60, 100)), undefined);
    await hasher.update(bytes.subarray(100, 101));
    assert.equal(turns, 1);
    assert.equal(hasher.update(bytes.subarray(101, 200)), undefined);
    await hasher.update(bytes.subarray(200));
    assert.equal(turns, 9);
    assert.equal(toHex((await hasher.digest()).get("md5")!), md5(bytes));
  });

  test("disposed of while it gives way, it refuses the update", async () => {
    const turn = Promise.withResolvers<void>();
    const hasher = new InlineHasher(["md5"], { turnBytesMax: 10, nextTurn: () => turn.promise });
    const update = hasher.update(new Uint8Array(11)) as Promise<void>;
    assert.throws(() => hasher.update(new Uint8Array(1)), AssertionError);
    hasher[Symbol.dispose]();
    turn.resolve();
    await assert.rejects(update, (error) => hasCode(error, "HASHER_DISPOSED"));
  });
});

function md5(bytes: Uint8Array): string {
  return createHash("md5").update(bytes).digest("hex");
}
