const LINE_FEED = 0x0a;

/**
 * Collects one line at a time out of pieces of input, in linear time even for pieces of one byte. A line that lies
 * within one piece is not copied. Its line feed is not part of it.
 */
export class LineReader {
  readonly #buffer: Uint8Array;
  #length = 0;
  /**
   * What the last call of `read` completed, valid until the next one; undefined where the line goes on in the next
   * piece.
   */
  line: Uint8Array | undefined;

  constructor(lineBytesMax: number) {
    this.#buffer = new Uint8Array(lineBytesMax);
  }

  /** Reads on from a position and returns the one behind what it took; -1 where the line is longer than allowed. */
  read(bytes: Uint8Array, from: number): number {
    const found = bytes.indexOf(LINE_FEED, from);
    const end = found === -1 ? bytes.length : found;
    this.line = undefined;
    if (this.#length + end - from > this.#buffer.length) return -1;
    if (found !== -1 && this.#length === 0) {
      this.line = bytes.subarray(from, end);
      return end + 1;
    }
    this.#buffer.set(bytes.subarray(from, end), this.#length);
    this.#length += end - from;
    if (found === -1) return end;
    this.line = this.#buffer.subarray(0, this.#length);
    this.#length = 0;
    return end + 1;
  }
}
