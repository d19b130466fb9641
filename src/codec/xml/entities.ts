import { xmlFailure } from "./errors.ts";

const NAMED: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

/**
 * Replaces the five named entities and character references; any other reference is malformed. References to control characters,
 * which XML 1.0 forbids, are taken: keys may hold them, and clients write them so.
 */
export function decodeEntities(text: string): string {
  if (!text.includes("&")) return text;
  return text.replace(/&([^;&]{0,16});?/g, (reference, name: string) => {
    const character = reference.endsWith(";") ? (characterOf(name) ?? NAMED.get(name)) : undefined;
    if (character === undefined)
      throw xmlFailure("MALFORMED_XML", { what: "An entity is unknown.", data: { reference } });
    return character;
  });
}

function characterOf(name: string): string | undefined {
  if (!name.startsWith("#")) return undefined;
  const hexadecimal = /^#x[0-9A-Fa-f]{1,8}$/.test(name);
  if (!hexadecimal && !/^#[0-9]{1,8}$/.test(name)) return undefined;
  const code = hexadecimal ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return String.fromCodePoint(code);
}
