import assert from "node:assert/strict";
import { text, utf8 } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import { deterministicBytes } from "../../testing/deterministic-bytes.ts";

// Bodies that say which write they are of: whoever reads one knows the write, and each of its bytes.
//
//   [the write's number]\n[bytes that follow from it]
//
// So a test that runs for long keeps numbers, not bodies.

/** The largest body that a cluster keeps. */
export const REPLICATED_BYTES_MAX: number = 9 * 1024 * 1024;

const NUMBER_BYTES_MAX = 20;

/** Most are small; the large ones are rare enough to leave a busy machine time for requests. */
const LENGTHS: readonly { readonly share: number; readonly bytes: number }[] = [
  { share: 0.5, bytes: 100 },
  { share: 0.25, bytes: 4096 },
  { share: 0.2, bytes: 16 * 1024 },
  { share: 0.04, bytes: 1024 * 1024 },
  { share: 0.01, bytes: 9 * 1024 * 1024 },
];

/** Of the write of that number. The largest lengths are left out where `bytesMax` is smaller. */
export function bodyOf(write: number, bytesMax: number): Uint8Array {
  const head = utf8(`${write}\n`);
  const length = lengthOf(new Prng(write).unit(), bytesMax);
  assert.ok(head.length <= NUMBER_BYTES_MAX && length >= head.length);
  const body = deterministicBytes(write, length);
  body.set(head);
  return body;
}

/** Which write's body that is. Fails where it is no write's, or differs from it in a byte. */
export function writeOf(body: Uint8Array, bytesMax: number): number {
  const end = body.subarray(0, NUMBER_BYTES_MAX).indexOf(0x0a);
  const write = Number(text(body.subarray(0, Math.max(end, 0))));
  assert.ok(end > 0 && Number.isSafeInteger(write), `a body of ${body.length} bytes is of no write`);
  const expected = bodyOf(write, bytesMax);
  assert.equal(body.length, expected.length, `the length of write ${write}`);
  assert.equal(Buffer.compare(body, expected), 0, `the bytes of write ${write}`);
  return write;
}

function lengthOf(unit: number, bytesMax: number): number {
  const lengths = LENGTHS.filter(({ bytes }) => bytes <= bytesMax);
  let left = unit * lengths.reduce((sum, { share }) => sum + share, 0);
  return (lengths.find(({ share }) => (left -= share) < 0) ?? lengths[0]!).bytes;
}
