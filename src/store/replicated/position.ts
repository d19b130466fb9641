// A position says which commits of which ranges a reader has seen: "p1-RANGE.REVISION", numbers in base 36. The form
// leaves room for several ranges behind each other; a Store of one range writes and takes exactly one.

import { storeFailure } from "../errors.ts";
import type { Position } from "../store.ts";

const FORM = /^p1-([0-9a-z]{1,11})\.([0-9a-z]{1,11})$/;

export function encodePosition(range: number, revision: number): Position {
  return `p1-${range.toString(36)}.${revision.toString(36)}`;
}

/** The revision that the position stands at in this range. Throws POSITION_INVALID. */
export function decodePosition(position: Position, range: number): number {
  const match = FORM.exec(position);
  const revision = match ? Number.parseInt(match[2]!, 36) : Number.NaN;
  if (match && Number.parseInt(match[1]!, 36) === range && Number.isSafeInteger(revision)) return revision;
  throw storeFailure("POSITION_INVALID", { data: { position: position.slice(0, 64) } });
}

/** How positions are written and read where there is one range. */
export interface Positions {
  encode(revision: number): Position;
  /** Throws POSITION_INVALID. */
  decode(position: Position): number;
}

export function positionsOf(range: number): Positions {
  return {
    encode: (revision) => encodePosition(range, revision),
    decode: (position) => decodePosition(position, range),
  };
}
