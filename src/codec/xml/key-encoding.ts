import { utf8 } from "../../std/bytes.ts";

/**
 * A key in a listing with `encoding-type=url`: letters, digits and "-", "_", ".", "*", "/" stay, a space becomes "+",
 * and every other byte of its UTF-8 is escaped, "~" too. Clients undo it as a form.
 */
export function encodeKeyUrl(key: string): string {
  if (UNTOUCHED.test(key)) return key;
  let out = "";
  for (const byte of utf8(key)) out += ENCODED[byte]!;
  return out;
}

const UNTOUCHED = /^[A-Za-z0-9\-_.*/]*$/;

const ENCODED: readonly string[] = Array.from({ length: 256 }, (_, byte) => {
  const character = String.fromCharCode(byte);
  if (UNTOUCHED.test(character)) return character;
  return byte === 0x20 ? "+" : `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
});
