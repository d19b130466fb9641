import { fromHex } from "../../std/bytes.ts";
import { malformed } from "./encodings.ts";

// UUIDs of RFC 9562: 16 bytes, six bits of which say what the others mean. Here four 32-bit words.
//
//      word 0    word 1     word 2     word 3
//      xxxxxxxx -xxxx-Vxxx -Wxxx-xxxx xxxxxxxx       V the version, W the variant: 8, 9, a or b

const TEXT = /^[0-9a-fA-F]{8}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{4}-[0-9a-fA-F]{12}$/;

/** Strict: 8-4-4-4-12 digits of either case, of any version. Throws MALFORMED. */
export function parseUuid(text: string): Uint8Array {
  if (!TEXT.test(text)) throw malformed("a UUID");
  return fromHex(text.replaceAll("-", ""))!;
}

/** Of 16 bytes, lower case. */
export function formatUuid(bytes: Uint8Array): string {
  if (bytes.length !== 16) throw malformed("a UUID of 16 bytes");
  const view = new DataView(bytes.buffer, bytes.byteOffset, 16);
  return uuidText(view.getUint32(0), view.getUint32(4), view.getUint32(8), view.getUint32(12));
}

export function uuidBytes(word0: number, word1: number, word2: number, word3: number): Uint8Array {
  const bytes = new Uint8Array(16);
  const words = [word0, word1, word2, word3];
  for (let at = 0; at < 16; at++) bytes[at] = words[at >> 2]! >>> (24 - (at & 3) * 8);
  return bytes;
}

const DASH = 0x2d;
/** The codes of a byte's two digits. */
const FIRST = Uint8Array.from({ length: 256 }, (_, byte) => (byte >> 4).toString(16).charCodeAt(0));
const SECOND = Uint8Array.from({ length: 256 }, (_, byte) => (byte & 15).toString(16).charCodeAt(0));

/** Lower case. All codes in one call make one flat string: several times sooner than a joining of parts, or an array. */
export function uuidText(word0: number, word1: number, word2: number, word3: number): string {
  return String.fromCharCode(
    FIRST[word0 >>> 24]!,
    SECOND[word0 >>> 24]!,
    FIRST[(word0 >>> 16) & 255]!,
    SECOND[(word0 >>> 16) & 255]!,
    FIRST[(word0 >>> 8) & 255]!,
    SECOND[(word0 >>> 8) & 255]!,
    FIRST[word0 & 255]!,
    SECOND[word0 & 255]!,
    DASH,
    FIRST[word1 >>> 24]!,
    SECOND[word1 >>> 24]!,
    FIRST[(word1 >>> 16) & 255]!,
    SECOND[(word1 >>> 16) & 255]!,
    DASH,
    FIRST[(word1 >>> 8) & 255]!,
    SECOND[(word1 >>> 8) & 255]!,
    FIRST[word1 & 255]!,
    SECOND[word1 & 255]!,
    DASH,
    FIRST[word2 >>> 24]!,
    SECOND[word2 >>> 24]!,
    FIRST[(word2 >>> 16) & 255]!,
    SECOND[(word2 >>> 16) & 255]!,
    DASH,
    FIRST[(word2 >>> 8) & 255]!,
    SECOND[(word2 >>> 8) & 255]!,
    FIRST[word2 & 255]!,
    SECOND[word2 & 255]!,
    FIRST[word3 >>> 24]!,
    SECOND[word3 >>> 24]!,
    FIRST[(word3 >>> 16) & 255]!,
    SECOND[(word3 >>> 16) & 255]!,
    FIRST[(word3 >>> 8) & 255]!,
    SECOND[(word3 >>> 8) & 255]!,
    FIRST[word3 & 255]!,
    SECOND[word3 & 255]!,
  );
}
