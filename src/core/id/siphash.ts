import { assert } from "../../std/assert.ts";

// SipHash-2-4 (Aumasson and Bernstein, "SipHash: a fast short-input PRF", 2012): a keyed hash of 64 bits that nobody who
// lacks the key can tell from chance. In 32-bit words, since bigints are an order of magnitude slower.

/** The state's four 64-bit words, each as its low and its high half; the result is left in the first two. */
export type SipState = Uint32Array;

/** A key of 16 bytes as four 32-bit words. */
export function sipKey(key: Uint8Array): Uint32Array {
  assert(key.length === 16, "a key of SipHash has 16 bytes");
  const view = new DataView(key.buffer, key.byteOffset, key.length);
  return Uint32Array.from([0, 4, 8, 12], (at) => view.getUint32(at, true));
}

export function sipState(): SipState {
  return new Uint32Array(8);
}

/** Hashes any bytes; the hash's low and high words are in `state[0]` and `state[1]`. */
export function sipHash(state: SipState, key: Uint32Array, bytes: Uint8Array): void {
  const view = new DataView(bytes.buffer, bytes.byteOffset, bytes.length);
  sipBegin(state, key);
  let at = 0;
  for (; at + 8 <= bytes.length; at += 8) sipBlock(state, view.getUint32(at, true), view.getUint32(at + 4, true));
  const last = [0, 0];
  for (let index = 0; at + index < bytes.length; index++) last[index >> 2]! |= bytes[at + index]! << ((index & 3) * 8);
  sipEnd(state, last[0]!, last[1]! | (bytes.length << 24));
}

export function sipBegin(state: SipState, key: Uint32Array): void {
  for (let at = 0; at < 8; at++) state[at] = key[at & 3]! ^ BEGINNING[at]!;
}

/** Eight bytes of the message. */
export function sipBlock(state: SipState, low: number, high: number): void {
  state[6]! ^= low;
  state[7]! ^= high;
  rounds(state, 2);
  state[0]! ^= low;
  state[1]! ^= high;
}

/** What is left of the message, at most seven bytes, with the message's length in the highest byte. */
export function sipEnd(state: SipState, low: number, high: number): void {
  sipBlock(state, low, high);
  state[4]! ^= 0xff;
  rounds(state, 4);
  state[0] = state[0]! ^ state[2]! ^ state[4]! ^ state[6]!;
  state[1] = state[1]! ^ state[3]! ^ state[5]! ^ state[7]!;
}

/** "somepseudorandomlygeneratedbytes", as the low and the high half of each word. */
const BEGINNING = Uint32Array.of(
  ...[0x70736575, 0x736f6d65, 0x6e646f6d, 0x646f7261],
  ...[0x6e657261, 0x6c796765, 0x79746573, 0x74656462],
);

function rounds(state: SipState, count: number): void {
  let [l0, h0, l1, h1] = [state[0]!, state[1]!, state[2]!, state[3]!];
  let [l2, h2, l3, h3] = [state[4]!, state[5]!, state[6]!, state[7]!];
  for (let round = 0; round < count; round++) {
    // v0 += v1; v1 = (v1 <<< 13) ^ v0; v0 <<<= 32
    let sum = (l0 >>> 0) + (l1 >>> 0);
    h0 = (h0 + h1 + (sum > 0xffff_ffff ? 1 : 0)) | 0;
    l0 = sum | 0;
    let turned = ((h1 << 13) | (l1 >>> 19)) ^ h0;
    l1 = ((l1 << 13) | (h1 >>> 19)) ^ l0;
    h1 = turned;
    turned = h0;
    h0 = l0;
    l0 = turned;
    // v2 += v3; v3 = (v3 <<< 16) ^ v2
    sum = (l2 >>> 0) + (l3 >>> 0);
    h2 = (h2 + h3 + (sum > 0xffff_ffff ? 1 : 0)) | 0;
    l2 = sum | 0;
    turned = ((h3 << 16) | (l3 >>> 16)) ^ h2;
    l3 = ((l3 << 16) | (h3 >>> 16)) ^ l2;
    h3 = turned;
    // v0 += v3; v3 = (v3 <<< 21) ^ v0
    sum = (l0 >>> 0) + (l3 >>> 0);
    h0 = (h0 + h3 + (sum > 0xffff_ffff ? 1 : 0)) | 0;
    l0 = sum | 0;
    turned = ((h3 << 21) | (l3 >>> 11)) ^ h0;
    l3 = ((l3 << 21) | (h3 >>> 11)) ^ l0;
    h3 = turned;
    // v2 += v1; v1 = (v1 <<< 17) ^ v2; v2 <<<= 32
    sum = (l2 >>> 0) + (l1 >>> 0);
    h2 = (h2 + h1 + (sum > 0xffff_ffff ? 1 : 0)) | 0;
    l2 = sum | 0;
    turned = ((h1 << 17) | (l1 >>> 15)) ^ h2;
    l1 = ((l1 << 17) | (h1 >>> 15)) ^ l2;
    h1 = turned;
    turned = h2;
    h2 = l2;
    l2 = turned;
  }
  state[0] = l0;
  state[1] = h0;
  state[2] = l1;
  state[3] = h1;
  state[4] = l2;
  state[5] = h2;
  state[6] = l3;
  state[7] = h3;
}
