import { xmlFailure } from "./errors.ts";

const NAMED: ReadonlyMap<string, string> = new Map([
  ["amp", "&"],
  ["lt", "<"],
  ["gt", ">"],
  ["quot", '"'],
  ["apos", "'"],
]);

/** The longest reference is `&#x10FFFF;`, and a few zeros do no harm. */
const NAME_MAX = 16;

/**
 * Replaces the five named entities and character references; any other reference is malformed. References to control
 * characters, which XML 1.0 forbids, are taken: keys may hold them, and clients write them so.
 */
export function decodeEntities(text: string): string {
  let out = "";
  let copied = 0;
  for (let at = text.indexOf("&"); at !== -1; at = text.indexOf("&", copied)) {
    const name = text.slice(at + 1, at + 1 + NAME_MAX).split(";", 1)[0]!;
    const end = at + 1 + name.length;
    const character = text[end] === ";" ? (NAMED.get(name) ?? characterOf(name)) : undefined;
    if (character === undefined) throw xmlFailure("MALFORMED_XML", { what: "An entity is unknown.", data: { name } });
    out += text.slice(copied, at) + character;
    copied = end + 1;
  }
  return copied === 0 ? text : out + text.slice(copied);
}

function characterOf(name: string): string | undefined {
  if (!name.startsWith("#")) return undefined;
  const hexadecimal = /^#x[0-9A-Fa-f]{1,8}$/.test(name);
  if (!hexadecimal && !/^#[0-9]{1,8}$/.test(name)) return undefined;
  const code = hexadecimal ? Number.parseInt(name.slice(2), 16) : Number(name.slice(1));
  if (code === 0 || code > 0x10ffff || (code >= 0xd800 && code <= 0xdfff)) return undefined;
  return String.fromCodePoint(code);
}
