/** Places at the beginning that are left empty until the list is made shorter. */
const TAKEN_MAX = 1024;

/** Bytes that wait to be sent, in the pieces in which they came. Nothing is copied, neither in nor out. Its owner limits its length. */
export class ByteQueue {
  #pieces: Uint8Array[] = [];
  /** How many at the beginning have gone. */
  #taken = 0;
  #length = 0;

  get length(): number {
    return this.#length;
  }

  push(bytes: Uint8Array): void {
    this.#pieces.push(bytes);
    this.#length += bytes.length;
  }

  /** The next pieces, so many bytes of them or all that there are; of the last one maybe only a part. */
  take(lengthMax: number): Uint8Array[] {
    const taken: Uint8Array[] = [];
    let left = Math.min(lengthMax, this.#length);
    this.#length -= left;
    while (left > 0) {
      const piece = this.#pieces[this.#taken]!;
      if (piece.length > left) {
        taken.push(piece.subarray(0, left));
        this.#pieces[this.#taken] = piece.subarray(left);
        break;
      }
      taken.push(piece);
      this.#taken++;
      left -= piece.length;
    }
    this.#dropTaken();
    return taken;
  }

  clear(): void {
    this.#pieces = [];
    this.#taken = 0;
    this.#length = 0;
  }

  #dropTaken(): void {
    if (this.#length === 0) this.clear();
    else if (this.#taken > TAKEN_MAX && this.#taken * 2 > this.#pieces.length) {
      this.#pieces.splice(0, this.#taken);
      this.#taken = 0;
    }
  }
}
