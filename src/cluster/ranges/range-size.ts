// How large a range is, and where its middle is, from one walk over its rows. The walk goes table by table, so the middle
// is found among samples: each key of it stands for as many bytes.

import { compareBytes } from "../../std/bytes.ts";
import { decodeKeyBound, encodeKeyBound } from "../../store/index.ts";

const SAMPLES_MAX = 1024;
const STEP_BYTES = 1024;

export class RangeSize {
  #bytes = 0;
  /** Encoded bounds of keys, one for each `#stepBytes`. */
  #samples: Uint8Array[] = [];
  #stepBytes = STEP_BYTES;
  #sinceSample = 0;

  get bytes(): number {
    return this.#bytes;
  }

  /** A row as it stands in the Index. Those of the machine's own count, and are no place to cut at. */
  add(row: Uint8Array, bytes: number): void {
    this.#bytes += bytes;
    if (row[0] === 0) return;
    const bound = encodeKeyBound(decodeKeyBound(row.subarray(1)));
    this.#sinceSample += bytes;
    if (this.#samples.length === 0) this.#samples.push(bound);
    for (; this.#sinceSample >= this.#stepBytes; this.#sinceSample -= this.#stepBytes) {
      this.#samples.push(bound);
      if (this.#samples.length < SAMPLES_MAX) continue;
      this.#samples = this.#samples.filter((_, at) => at % 2 === 0);
      this.#stepBytes *= 2;
    }
  }

  /** The key that begins the second half; undefined where there is but one key. */
  middle(): Uint8Array | undefined {
    const sorted = [...this.#samples].sort(compareBytes);
    const bound = sorted.slice(sorted.length >>> 1).find((one) => compareBytes(one, sorted[0]!) > 0);
    return bound && decodeKeyBound(bound);
  }
}
