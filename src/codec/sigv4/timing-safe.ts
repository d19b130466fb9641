/**
 * Compares without telling by its time where the texts differ; only a difference in length shows.
 * For signatures in hexadecimal or base64, so both sides are ASCII.
 */
export function timingSafeEqual(left: string, right: string): boolean {
  if (left.length !== right.length) return false;
  let difference = 0;
  for (let at = 0; at < left.length; at++) difference |= left.charCodeAt(at) ^ right.charCodeAt(at);
  return difference === 0;
}

/** The same for bytes and their hexadecimal text in lower case, without making the text. */
export function timingSafeEqualHex(bytes: Uint8Array, text: string): boolean {
  if (text.length !== bytes.length * 2) return false;
  let difference = 0;
  for (let at = 0; at < bytes.length; at++) {
    const byte = bytes[at]!;
    difference |= text.charCodeAt(at * 2) ^ hexDigit(byte >> 4);
    difference |= text.charCodeAt(at * 2 + 1) ^ hexDigit(byte & 15);
  }
  return difference === 0;
}

/** Writes bytes as hexadecimal text in lower case: two bytes of ASCII for each. */
export function writeHex(bytes: Uint8Array, target: Uint8Array, position: number): void {
  for (let at = 0; at < bytes.length; at++) {
    target[position + at * 2] = hexDigit(bytes[at]! >> 4);
    target[position + at * 2 + 1] = hexDigit(bytes[at]! & 15);
  }
}

/** The character code of a digit from 0 to 15; no branch and no table, so its time says nothing. */
function hexDigit(digit: number): number {
  return 48 + digit + (((9 - digit) >> 31) & 39);
}
