import { deepEqual, equal, notEqual } from "node:assert/strict";
import { describe, test } from "node:test";
import { Copier } from "./copier.ts";

describe("Copier", () => {
  test("gives plain arrays of every length that share no byte with each other or their source", () => {
    const copier = new Copier(100, 80);
    const source = Buffer.alloc(500);
    for (let at = 0; at < source.length; at++) source[at] = at & 0xff;
    const copies: [Uint8Array, Uint8Array][] = [];
    for (const length of [0, 1, 63, 64, 65, 70, 79, 80, 81, 100, 101, 300]) {
      for (const copy of [copier.copy(source, 20, length), copier.copyOf(source.subarray(20, 20 + length))]) {
        equal(Object.getPrototypeOf(copy), Uint8Array.prototype);
        copies.push([copy, Uint8Array.from(source.subarray(20, 20 + length))]);
      }
    }
    source.fill(0xee);
    for (const [copy, expected] of copies) {
      deepEqual(copy, expected);
      copy.fill(0xdd);
    }
    notEqual(copies.length, 0);
  });
});
