// Positions of a Store of several groups:
//
//   p1-G.REV,G.REV            seen: of these groups all up to these revisions
//   p1-G.REV;G.REV,G.REV      and known: revisions that further groups have reached, so that a watch can go on from there
//   p1-G.REV,G.REV@MAP        of a watch or a scan: with the revision of the map of ranges that told of those groups
//
// Numbers are in base 36. One group alone is written as that group's own Store writes it.

import { storeFailure } from "../errors.ts";
import type { Position } from "../store.ts";

export type Revisions = ReadonlyMap<number, number>;

export interface SeenPosition {
  readonly seen: Revisions;
  readonly known?: Revisions;
  /** 0: of no map; what it says of a group holds of all that the group had at that revision. */
  readonly map?: number;
}

/** Groups that a position tells of, in each of its parts. */
export const POSITION_GROUPS_MAX = 256;

export function encodeSeen({ seen, known, map = 0 }: SeenPosition): Position {
  let text = `p1-${list(seen)}`;
  if (known !== undefined && known.size > 0) text += `;${list(known)}`;
  return map === 0 ? text : `${text}@${map.toString(36)}`;
}

/** Throws POSITION_INVALID. */
export function decodeSeen(position: Position): Required<SeenPosition> {
  const match = position.length <= LENGTH_MAX ? FORM.exec(position) : null;
  if (match === null) throw storeFailure("POSITION_INVALID", { data: { position: position.slice(0, 64) } });
  const [, seen, known, map] = match;
  return { seen: read(seen!), known: read(known ?? ""), map: map === undefined ? 0 : Number.parseInt(map, 36) };
}

const ENTRY = "[0-9a-z]{1,10}\\.[0-9a-z]{1,10}";
const FORM = new RegExp(`^p1-(${ENTRY}(?:,${ENTRY})*)(?:;(${ENTRY}(?:,${ENTRY})*))?(?:@([0-9a-z]{1,10}))?$`);
const LENGTH_MAX = POSITION_GROUPS_MAX * 2 * 22 + 16;

function list(revisions: Revisions): string {
  let text = "";
  for (const [group, revision] of revisions) {
    text += `${text === "" ? "" : ","}${group.toString(36)}.${revision.toString(36)}`;
  }
  return text;
}

function read(entries: string): Map<number, number> {
  const revisions = new Map<number, number>();
  if (entries === "") return revisions;
  for (const entry of entries.split(",")) {
    const [group, revision] = entry.split(".");
    revisions.set(Number.parseInt(group!, 36), Number.parseInt(revision!, 36));
  }
  return revisions;
}
