const scratch = new DataView(new ArrayBuffer(8));

/** Most labels come again and again; those with positions in files do not. */
const LABELS_MAX = 4_096;
/** Of no characters. */
const EMPTY_HASH = 0x811c9dc5;
const labelHashes = new Map<string, number>();

/** FNV-1a over 32-bit words in two lanes: quick, and enough to tell two runs apart. */
export class TraceHash {
  #left = 0x811c9dc5;
  #right = 0x2d358dcc;

  add(timeMillis: number, label: string, detail: number): void {
    scratch.setFloat64(0, timeMillis);
    this.#mix(scratch.getUint32(0));
    this.#mix(scratch.getUint32(4));
    this.#mix(hashOf(label));
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

/** Those seen last, by a few of their characters: in front of the map, which costs more than the rest of the hash. */
const recentLabels: string[] = Array.from({ length: 256 }, () => "");
const recentHashes = new Int32Array(256);

/** A number that stands for a text. */
export function hashOf(label: string): number {
  const { length } = label;
  if (length === 0) return EMPTY_HASH;
  const place = (length * 31 + label.charCodeAt(0) * 7 + label.charCodeAt(length - 1)) & 255;
  if (recentLabels[place] === label) return recentHashes[place]!;
  const hash = labelHashes.get(label) ?? hashAnew(label);
  recentLabels[place] = label;
  recentHashes[place] = hash;
  return hash;
}

function hashAnew(label: string): number {
  let hash = EMPTY_HASH;
  for (let at = 0; at < label.length; at++) hash = Math.imul(hash ^ label.charCodeAt(at), 0x01000193);
  if (labelHashes.size < LABELS_MAX) labelHashes.set(label, hash);
  return hash;
}

function hex(word: number): string {
  return (word >>> 0).toString(16).padStart(8, "0");
}
