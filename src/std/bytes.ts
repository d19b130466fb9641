// Helpers over Uint8Array. Nothing here knows Node's Buffer, so that all of it runs in a browser too.

const encoder = new TextEncoder();
const decoder = new TextDecoder();
const strictDecoder = new TextDecoder("utf-8", { fatal: true, ignoreBOM: true });

export const EMPTY: Uint8Array = new Uint8Array(0);

export function utf8(text: string): Uint8Array {
  return text.length <= HEAP_ARRAY_BYTES_MAX ? (shortAscii(text) ?? encoder.encode(text)) : encoder.encode(text);
}

/** Keys and names are short and mostly ASCII: a loop has them several times sooner than the encoder. */
function shortAscii(text: string): Uint8Array | undefined {
  const bytes = new Uint8Array(text.length);
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code >= 0x80) return undefined;
    bytes[at] = code;
  }
  return bytes;
}

/** Decodes UTF-8; invalid sequences become U+FFFD. */
export function text(bytes: Uint8Array): string {
  return decoder.decode(bytes);
}

/** Decodes UTF-8, or returns undefined where the bytes are not valid UTF-8. */
export function strictText(bytes: Uint8Array): string | undefined {
  try {
    return strictDecoder.decode(bytes);
  } catch {
    return undefined;
  }
}

/** Order of unsigned bytes, shorter first where one is a prefix of the other: negative, zero or positive. */
export function compareBytes(left: Uint8Array, right: Uint8Array): number {
  const shared = Math.min(left.length, right.length);
  for (let at = 0; at < shared; at++) {
    const difference = left[at]! - right[at]!;
    if (difference !== 0) return difference;
  }
  return left.length - right.length;
}

export function equalBytes(left: Uint8Array, right: Uint8Array): boolean {
  return left.length === right.length && compareBytes(left, right) === 0;
}

export function startsWith(bytes: Uint8Array, prefix: Uint8Array): boolean {
  if (bytes.length < prefix.length) return false;
  for (let at = 0; at < prefix.length; at++) if (bytes[at] !== prefix[at]) return false;
  return true;
}

/** V8 keeps typed arrays up to this size in its own heap: they are made as cheaply as any object. */
export const HEAP_ARRAY_BYTES_MAX = 64;

/**
 * A part of bytes that nobody changes any more: a copy of a short array's, else a view. The first view of a short
 * array would move it out of V8's heap, which takes longer than copying it many times.
 */
export function partOf(bytes: Uint8Array, from: number, to: number = bytes.length): Uint8Array {
  return bytes.length <= HEAP_ARRAY_BYTES_MAX ? bytes.slice(from, to) : bytes.subarray(from, to);
}

/** Where the first byte that is not zero stands, at `from` or behind it; the length where there is none. */
export function nonZeroAt(bytes: Uint8Array, from = 0): number {
  const { length, byteOffset } = bytes;
  let at = from;
  const near = Math.min(length, from + 64);
  for (; at < near; at++) if (bytes[at] !== 0) return at;
  for (; at < length && (byteOffset + at) % 4 !== 0; at++) if (bytes[at] !== 0) return at;
  // The run is long: in words of four bytes, for which another view is worth its while.
  if (length - at >= 4) {
    const words = new Int32Array(bytes.buffer, byteOffset + at, (length - at) >> 2);
    let word = 0;
    while (word < words.length && words[word] === 0) word++;
    at += word * 4;
  }
  while (at < length && bytes[at] === 0) at++;
  return at;
}

export function concatBytes(parts: readonly Uint8Array[]): Uint8Array {
  let length = 0;
  for (const part of parts) length += part.length;
  const whole = new Uint8Array(length);
  let at = 0;
  for (const part of parts) {
    whole.set(part, at);
    at += part.length;
  }
  return whole;
}

/** The first byte string after all that begin with the prefix, or undefined where there is none (all bytes 0xff). */
export function prefixEnd(prefix: Uint8Array): Uint8Array | undefined {
  for (let at = prefix.length - 1; at >= 0; at--) {
    if (prefix[at] === 0xff) continue;
    const end = prefix.slice(0, at + 1);
    end[at]!++;
    return end;
  }
  return undefined;
}

const HEX_OF_BYTE = Array.from({ length: 256 }, (_, byte) => byte.toString(16).padStart(2, "0"));

export function toHex(bytes: Uint8Array): string {
  return hexOfPart(bytes, 0, bytes.length);
}

/** Without a view of the part. */
export function hexOfPart(bytes: Uint8Array, from: number, to: number): string {
  let out = "";
  for (let at = from; at < to; at++) out += HEX_OF_BYTE[bytes[at]!]!;
  return out;
}

/** Undefined where the text is not an even number of hexadecimal digits. */
export function fromHex(digits: string): Uint8Array | undefined {
  if (digits.length % 2 !== 0 || !/^[0-9a-fA-F]*$/.test(digits)) return undefined;
  const out = new Uint8Array(digits.length / 2);
  for (let at = 0; at < out.length; at++) out[at] = Number.parseInt(digits.slice(at * 2, at * 2 + 2), 16);
  return out;
}

const BASE64_DIGITS = utf8("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/");
const PADDING = 0x3d;

/** A table and one decoding: several times faster than a binary string and `btoa`. */
export function toBase64(bytes: Uint8Array): string {
  const out = new Uint8Array(Math.ceil(bytes.length / 3) * 4);
  let to = 0;
  for (let at = 0; at < bytes.length; at += 3) {
    const first = bytes[at]!;
    const second = bytes[at + 1] ?? 0;
    const third = bytes[at + 2] ?? 0;
    out[to++] = BASE64_DIGITS[first >> 2]!;
    out[to++] = BASE64_DIGITS[((first & 3) << 4) | (second >> 4)]!;
    out[to++] = BASE64_DIGITS[((second & 15) << 2) | (third >> 6)]!;
    out[to++] = BASE64_DIGITS[third & 63]!;
  }
  const rest = bytes.length % 3;
  if (rest !== 0) out.fill(PADDING, to - (3 - rest));
  return decoder.decode(out);
}

/** Strict standard base64 with padding; undefined where the text is anything else. */
export function fromBase64(encoded: string): Uint8Array | undefined {
  if (encoded.length % 4 !== 0 || !/^[A-Za-z0-9+/]*={0,2}$/.test(encoded)) return undefined;
  const binary = atob(encoded);
  const out = new Uint8Array(binary.length);
  for (let at = 0; at < out.length; at++) out[at] = binary.charCodeAt(at);
  return out;
}
