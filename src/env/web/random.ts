import type { Random } from "../env.ts";

/** What one call of the platform gives at most. */
const CALL_BYTES_MAX = 65_536;

/** The platform's generator. */
export class WebRandom implements Random {
  readonly #word = new Uint32Array(1);

  bytes(length: number): Uint8Array {
    const bytes = new Uint8Array(length);
    for (let at = 0; at < length; at += CALL_BYTES_MAX) {
      crypto.getRandomValues(bytes.subarray(at, Math.min(length, at + CALL_BYTES_MAX)));
    }
    return bytes;
  }

  u32(): number {
    return crypto.getRandomValues(this.#word)[0]!;
  }
}
