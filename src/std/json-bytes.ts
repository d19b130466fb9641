// Byte strings in JSON. One that is UTF-8 may stand as plain text, any one as {"base64": "..."}; a string in JSON has no
// other meaning, so nothing is ambiguous. What is written takes the form that reads and packs better: text, unless it
// holds control characters, of which JSON makes six bytes each.

import { fromBase64, strictText, toBase64, utf8 } from "./bytes.ts";

export type JsonBytes = string | { readonly base64: string };

/** Text in JSON takes at most twice as many bytes as it has; base64 four for three. */
export const JSON_BYTES_FACTOR_MAX = 2;

export function jsonOfBytes(bytes: Uint8Array): JsonBytes {
  const text = strictText(bytes);
  return text === undefined || CONTROL.test(text) ? { base64: toBase64(bytes) } : text;
}

/** Undefined where the value is no byte string: a lone surrogate is no text, and base64 is strict, with its padding. */
export function bytesOfJson(value: unknown): Uint8Array | undefined {
  if (typeof value === "string") return value.isWellFormed() ? utf8(value) : undefined;
  if (typeof value !== "object" || value === null || Array.isArray(value)) return undefined;
  const { base64, ...others } = value as { readonly base64?: unknown };
  if (typeof base64 !== "string" || Object.keys(others).length > 0) return undefined;
  return fromBase64(base64);
}

/** All but tab, line feed and carriage return, which JSON writes with two bytes. */
// biome-ignore lint/suspicious/noControlCharactersInRegex: they are what it looks for
const CONTROL = /[\u0000-\u0008\u000b\u000c\u000e-\u001f]/;
