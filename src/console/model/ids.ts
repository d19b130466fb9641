import type { GeneratorInUse, IdsStatus } from "../api/shapes.ts";
import { counted, formatMillis } from "./format.ts";

/** Generators may run so far ahead of the clock; beyond, the clock was set back. */
const AHEAD_MILLIS = 100;

/** The whole of it in a sentence. */
export function idsSentence({ troubles, generators, tags }: IdsStatus): string {
  if (troubles.length > 0) return `${counted(troubles.length, "generator or tag", "generators and tags")} gave no ids.`;
  if (generators.length + tags.length === 0) return "Nobody has asked this node for ids since it started.";
  return "Whoever asked this node for ids got them.";
}

export function troubleName({ generator, tag }: IdsStatus["troubles"][number]): string {
  return tag === undefined ? `Generator ${generator}` : `Tag ${tag}`;
}

/** By how much the time of a generator's ids is ahead of the clock, and whether that is as it should be. */
export function aheadMark({ aheadMillis }: GeneratorInUse): {
  readonly tone: "quiet" | "warning";
  readonly word: string;
} {
  const word = aheadMillis === 0 ? "no" : formatMillis(aheadMillis);
  return { tone: aheadMillis > AHEAD_MILLIS ? "warning" : "quiet", word };
}
