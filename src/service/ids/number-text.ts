import type { NumberBlock } from "../../core/id/index.ts";
import { utf8 } from "../../std/bytes.ts";

/** The numbers of blocks in decimal digits. */
export function textsOf(blocks: readonly NumberBlock[]): string[] {
  const texts: string[] = [];
  for (const { first, size } of blocks) {
    // Numbers are several times cheaper than bigints.
    const isSafe = first + BigInt(size) <= BigInt(Number.MAX_SAFE_INTEGER);
    if (isSafe) for (let at = Number(first), end = at + size; at < end; at++) texts.push(String(at));
    else for (let at = 0; at < size; at++) texts.push(String(first + BigInt(at)));
  }
  return texts;
}

/** Each with a line feed behind it. */
export function linesOf(blocks: readonly NumberBlock[]): Uint8Array {
  return utf8(`${textsOf(blocks).join("\n")}\n`);
}
