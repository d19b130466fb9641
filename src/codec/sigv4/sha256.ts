/**
 * SHA-256, injected: codecs do not know Node. `hash` runs three times for each request, always with one part, and is
 * half of what a verification costs, so an implementation does well to have a one-shot path for that. The caller keeps
 * the result.
 */
export interface Sha256 {
  hash(...parts: Uint8Array[]): Uint8Array;
  hmac(key: Uint8Array, ...parts: Uint8Array[]): Uint8Array;
}

/** HMAC-SHA1 for Signature Version 2, which knows nothing better. */
export type HmacSha1 = (key: Uint8Array, message: Uint8Array) => Uint8Array;

export const EMPTY_SHA256: string = "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855";

const encoder = new TextEncoder();

/**
 * Writes a byte string (one character for each byte, as HTTP parsers deliver targets and headers) and returns its
 * length. The target must hold three bytes a character. Text with characters above U+00FF was never a byte string: it
 * becomes UTF-8.
 */
export function writeByteString(text: string, target: Uint8Array): number {
  const { written } = encoder.encodeInto(text, target);
  // As many bytes as characters means ASCII only, where UTF-8 and the byte string agree: nearly every request.
  if (written === text.length) return written;
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at);
    if (code > 0xff) return encoder.encodeInto(text, target).written;
    target[at] = code;
  }
  return text.length;
}
