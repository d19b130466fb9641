import { strictText, toHex } from "../../std/bytes.ts";

const SHORT: Readonly<Record<string, string>> = {
  "\u0007": "\\a",
  "\b": "\\b",
  "\f": "\\f",
  "\n": "\\n",
  "\r": "\\r",
  "\t": "\\t",
  "\v": "\\v",
  '"': '\\"',
  "\\": "\\\\",
};

/** Bytes as a quoted string that can be read back: printable characters as they are, all else escaped. */
export function quoted(bytes: Uint8Array): string {
  let out = '"';
  for (let at = 0; at < bytes.length; ) {
    const length = characterLength(bytes, at);
    const character = strictText(bytes.subarray(at, at + length));
    out += character === undefined ? `\\x${toHex(bytes.subarray(at, at + 1))}` : escaped(character);
    at += character === undefined ? 1 : length;
  }
  return `${out}"`;
}

/** By the first byte of its UTF-8 form; one where that is no first byte. */
function characterLength(bytes: Uint8Array, at: number): number {
  const first = bytes[at]!;
  const length = first < 0xc0 ? 1 : first < 0xe0 ? 2 : first < 0xf0 ? 3 : 4;
  return Math.min(length, bytes.length - at);
}

function escaped(character: string): string {
  const short = SHORT[character];
  if (short !== undefined) return short;
  const code = character.codePointAt(0)!;
  if (/^[\p{L}\p{M}\p{N}\p{P}\p{S} ]$/u.test(character)) return character;
  if (code < 0x80) return `\\x${code.toString(16).padStart(2, "0")}`;
  if (code < 0x10000) return `\\u${code.toString(16).padStart(4, "0")}`;
  return `\\U${code.toString(16).padStart(8, "0")}`;
}
