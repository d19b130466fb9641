import { fromBase64, toBase64 } from "../../std/bytes.ts";

/** The alphabet of RFC 4648, section 5, without padding. */
export function toBase64Url(bytes: Uint8Array): string {
  return toBase64(bytes).replaceAll("+", "-").replaceAll("/", "_").replaceAll("=", "");
}

/** Undefined where the text is not exactly what `toBase64Url` makes of some bytes: one value has one form. */
export function fromBase64Url(text: string): Uint8Array | undefined {
  const padding = "=".repeat((4 - (text.length % 4)) % 4);
  const bytes = fromBase64(text.replaceAll("-", "+").replaceAll("_", "/") + padding);
  return bytes !== undefined && toBase64Url(bytes) === text ? bytes : undefined;
}
