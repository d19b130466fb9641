// SHA-256 (FIPS 180-4) and HMAC over it in plain JavaScript: what a browser offers itself is asynchronous, and there only
// for pages that came over TLS.

import { concatBytes } from "../../std/bytes.ts";

const BLOCK_BYTES = 64;

/** The first 32 bits of the fractional parts of the cube roots of the first 64 primes. */
const ROUND_CONSTANTS = new Uint32Array(64);
/** Of the square roots of the first 8. */
const INITIAL_STATE = new Uint32Array(8);
for (let candidate = 2, found = 0; found < 64; candidate++) {
  let isPrime = true;
  for (let divisor = 2; divisor * divisor <= candidate; divisor++) if (candidate % divisor === 0) isPrime = false;
  if (!isPrime) continue;
  if (found < 8) INITIAL_STATE[found] = fraction(Math.sqrt(candidate));
  ROUND_CONSTANTS[found++] = fraction(Math.cbrt(candidate));
}

export function webSha256(...parts: readonly Uint8Array[]): Uint8Array {
  const message = parts.length === 1 ? parts[0]! : concatBytes(parts);
  const state = INITIAL_STATE.slice();
  const words = new Uint32Array(64);
  const whole = message.length - (message.length % BLOCK_BYTES);
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength);
  for (let at = 0; at < whole; at += BLOCK_BYTES) compress(state, words, view, at);
  const tail = paddedTail(message, whole);
  for (let at = 0; at < tail.byteLength; at += BLOCK_BYTES) compress(state, words, tail, at);
  const digest = new Uint8Array(32);
  const out = new DataView(digest.buffer);
  for (const [at, word] of state.entries()) out.setUint32(at * 4, word);
  return digest;
}

export function webHmacSha256(key: Uint8Array, ...parts: readonly Uint8Array[]): Uint8Array {
  const block = new Uint8Array(BLOCK_BYTES);
  block.set(key.length > BLOCK_BYTES ? webSha256(key) : key);
  const inner = webSha256(
    block.map((byte) => byte ^ 0x36),
    ...parts,
  );
  return webSha256(
    block.map((byte) => byte ^ 0x5c),
    inner,
  );
}

function fraction(root: number): number {
  return ((root - Math.floor(root)) * 0x1_0000_0000) >>> 0;
}

/** What is behind the last whole block, a one bit, zeros, and the message's length in bits. */
function paddedTail(message: Uint8Array, from: number): DataView {
  const rest = message.length - from;
  const tail = new Uint8Array(rest + 9 <= BLOCK_BYTES ? BLOCK_BYTES : 2 * BLOCK_BYTES);
  tail.set(message.subarray(from));
  tail[rest] = 0x80;
  const view = new DataView(tail.buffer);
  view.setBigUint64(tail.length - 8, BigInt(message.length) * 8n);
  return view;
}

function compress(state: Uint32Array, words: Uint32Array, block: DataView, from: number): void {
  for (let at = 0; at < 16; at++) words[at] = block.getUint32(from + at * 4);
  for (let at = 16; at < 64; at++) {
    const near = words[at - 2]!;
    const far = words[at - 15]!;
    const sum1 = rotate(near, 17) ^ rotate(near, 19) ^ (near >>> 10);
    const sum0 = rotate(far, 7) ^ rotate(far, 18) ^ (far >>> 3);
    words[at] = words[at - 16]! + sum0 + words[at - 7]! + sum1;
  }
  let [a, b, c, d, e, f, g, h] = state as unknown as [number, number, number, number, number, number, number, number];
  for (let at = 0; at < 64; at++) {
    const choice = (e & f) ^ (~e & g);
    const majority = (a & b) ^ (a & c) ^ (b & c);
    const sum1 = rotate(e, 6) ^ rotate(e, 11) ^ rotate(e, 25);
    const sum0 = rotate(a, 2) ^ rotate(a, 13) ^ rotate(a, 22);
    const first = (h + sum1 + choice + ROUND_CONSTANTS[at]! + words[at]!) | 0;
    h = g;
    g = f;
    f = e;
    e = (d + first) | 0;
    d = c;
    c = b;
    b = a;
    a = (first + sum0 + majority) | 0;
  }
  for (const [at, word] of [a, b, c, d, e, f, g, h].entries()) state[at]! += word;
}

function rotate(word: number, bits: number): number {
  return (word >>> bits) | (word << (32 - bits));
}
