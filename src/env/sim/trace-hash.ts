const scratch = new DataView(new ArrayBuffer(8));

/** FNV-1a over 32-bit words in two lanes: quick, and enough to tell two runs apart. */
export class TraceHash {
  #left = 0x811c9dc5;
  #right = 0x2d358dcc;

  add(timeMillis: number, label: string, detail: number): void {
    scratch.setFloat64(0, timeMillis);
    this.#mix(scratch.getUint32(0));
    this.#mix(scratch.getUint32(4));
    for (let at = 0; at < label.length; at++) this.#mix(label.charCodeAt(at));
    this.#mix(0x1_0000);
    this.#mix(detail);
  }

  toString(): string {
    return hex(this.#left) + hex(this.#right);
  }

  #mix(word: number): void {
    this.#left = Math.imul(this.#left ^ word, 0x01000193);
    this.#left ^= this.#left >>> 15;
    this.#right = Math.imul(this.#right ^ word, 0x85ebca6b);
    this.#right ^= this.#right >>> 13;
  }
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
