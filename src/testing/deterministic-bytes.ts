import { Prng } from "../std/prng.ts";

/** `length` bytes that follow from the seed; quick enough for hundreds of megabytes (a mebibyte is repeated and marked). */
export function deterministicBytes(seed: number, length: number): Uint8Array {
  const out = new Uint8Array(length);
  const block = new Prng(seed).bytes(Math.min(length, 1 << 20));
  for (let at = 0; at < length; at += block.length) {
    out.set(block.subarray(0, Math.min(block.length, length - at)), at);
    out[at] = (at / block.length) & 0xff;
    if (at + 1 < length) out[at + 1] = (at / block.length / 256) & 0xff;
  }
  return out;
}
