import { assert } from "../std/assert.ts";

const SEGMENT_CHARACTERS_MAX = 255;

/**
 * Names of files, folders and indexes: relative, "/" between the segments, never out of the root. They come from our
 * own code, so a bad one is a bug. The same rule holds on every platform, so backslashes and colons are refused too.
 */
export function checkName(name: string): void {
  assert(name.length > 0, "a name is not empty");
  for (const segment of name.split("/")) {
    assert(segment.length > 0, "a name is relative and has no empty segment");
    assert(segment.length <= SEGMENT_CHARACTERS_MAX, "a segment of a name is at most 255 characters long");
    assert(segment !== "." && segment !== "..", "a name stays inside its root");
    assert(!/[\0\\:]/.test(segment), "a name has no NUL, backslash or colon");
  }
}

/** A folder is named like a file; the root itself is the empty name. */
export function checkFolder(folder: string): void {
  if (folder !== "") checkName(folder);
}

export function folderOf(name: string): string {
  const slash = name.lastIndexOf("/");
  return slash < 0 ? "" : name.slice(0, slash);
}

export function baseOf(name: string): string {
  return name.slice(name.lastIndexOf("/") + 1);
}

/** Positions and lengths in a file are unsigned integers that a number holds exactly. */
export function checkExtent(position: number, length: number): void {
  assert(Number.isSafeInteger(position + length), "a position in a file is a safe integer");
  assert(position >= 0, "a position in a file is not negative");
  assert(length >= 0, "a length in a file is not negative");
}
