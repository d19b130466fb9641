// The ranges that a cluster's keys are cut into, as a table shows them.

import type { KeyBytes, Ranges, RangeTransfer } from "../api/shapes.ts";
import { formatBytes, formatRate } from "./format.ts";

export interface RangeLine {
  readonly from: string;
  readonly to: string;
  readonly group: number;
  readonly nodes: string;
  readonly leader: string;
  readonly size: string;
  /** Commits of the whole group in a second. */
  readonly load: string;
}

/** In order of keys. Group 1 is on all nodes, and its leader is the cluster's. */
export function rangeLines({ ranges, groups }: Ranges, leader: number | undefined): readonly RangeLine[] {
  return ranges.map(({ from, to, group, bytes, commitsPerSecond }) => {
    const found = groups.find(({ id }) => id === group);
    const leads = found === undefined ? leader : found.leader;
    return {
      ...{ from: shownKey(from), to: to === undefined ? "end" : shownKey(to), group },
      nodes: found === undefined ? "all" : found.members.join(", "),
      leader: leads === undefined ? "nobody" : String(leads),
      size: bytes === undefined ? "" : formatBytes(bytes),
      load: commitsPerSecond === undefined ? "" : formatRate(commitsPerSecond),
    };
  });
}

export function moveLine({ phase, from, to, source, target, bytesBrought, reason }: RangeTransfer): string {
  if (phase === "holding") return `All keys stay where they are: ${reason}.`;
  const keys = `Keys from ${shownKey(from)} to ${to === undefined ? "end" : shownKey(to)}`;
  const brought = bytesBrought === undefined ? "" : `, ${formatBytes(bytesBrought)} brought`;
  return `${keys} go from group ${source} to group ${target}: ${PHASES[phase]}${brought} (${reason}).`;
}

const PHASES: Readonly<Record<Exclude<RangeTransfer["phase"], "holding">, string>> = {
  bringing: "being copied",
  releasing: "arrived, being deleted at their old place",
  givingUp: "given up, staying where they are",
};

/** Nothing in it moves the text around it, and no two keys of text look alike. */
export function shownKey(key: KeyBytes): string {
  if (key === "") return "begin";
  if (typeof key !== "string") return `base64:${key.base64}`;
  return key.replace(/[\\\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu, (character) => {
    return character === "\\" ? "\\\\" : `\\u{${character.codePointAt(0)!.toString(16)}}`;
  });
}
