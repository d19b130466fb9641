import { equal, throws } from "node:assert/strict";
import { describe, test } from "node:test";
import { toHex } from "../../std/bytes.ts";
import { sipHash, sipKey, sipState } from "./siphash.ts";

// The vectors of its authors' reference implementation: the hash of the first N bytes of 00 01 02 ..., under the key
// 00 01 ... 0f, for N from 0 on.
const VECTORS = [
  ...["310e0edd47db6f72", "fd67dc93c539f874", "5a4fa9d909806c0d", "2d7efbd796666785"],
  ...["b7877127e09427cf", "8da699cd64557618", "cee3fe586e46c9cb", "37d1018bf50002ab"],
  ...["6224939a79f5f593", "b0e4a90bdf82009e", "f3b9dd94c5bb5d7a", "a7ad6b22462fb3f4"],
  ...["fbe50e86bc8f1e75", "903d84c02756ea14", "eef27a8e90ca23f7", "e545be4961ca29a1"],
  ...["db9bc2577fcc2a3f", "9447be2cf5e99a69", "9cd38d96f0b3c14b", "bd6179a71dc96dbb"],
  ...["98eea21af25cd6be", "c7673b2eb0cbf2d0", "883ea3e395675393", "c8ce5ccd8c030ca8"],
];

function hashOf(key: Uint8Array, bytes: Uint8Array): string {
  const state = sipState();
  sipHash(state, sipKey(key), bytes);
  const hash = new Uint8Array(8);
  new DataView(hash.buffer).setUint32(0, state[0]!, true);
  new DataView(hash.buffer).setUint32(4, state[1]!, true);
  return toHex(hash);
}

const KEY = Uint8Array.from({ length: 16 }, (_, at) => at);

describe("SipHash-2-4", () => {
  test("agrees with its authors' vectors", () => {
    for (const [length, expected] of VECTORS.entries()) {
      const message = Uint8Array.from({ length }, (_, at) => at);
      equal(hashOf(KEY, message), expected, `${length} bytes`);
    }
  });

  test("hashes bytes in the middle of a larger memory", () => {
    const memory = Uint8Array.from({ length: 40 }, (_, at) => at - 5);
    equal(hashOf(KEY, memory.subarray(5, 20)), VECTORS[15]);
  });

  test("a key has 16 bytes", () => {
    throws(() => sipKey(new Uint8Array(15)), /16 bytes/);
  });
});
