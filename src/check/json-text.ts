import { checkFailure } from "./errors.ts";

const DEPTH_MAX = 100;

/** The text of a JSON value with its members in the order of their names: equal values have equal texts. */
export function jsonText(value: unknown): string {
  return textAt(value, 0);
}

function textAt(value: unknown, depth: number): string {
  if (value === undefined || value === null) return "null";
  if (typeof value !== "object") return JSON.stringify(value);
  if (depth === DEPTH_MAX) throw checkFailure("HISTORY_VALUE", { what: "A value is nested too deeply." });
  if (Array.isArray(value)) return `[${value.map((item) => textAt(item, depth + 1)).join(",")}]`;
  const members = Object.entries(value).sort(([left], [right]) => (left < right ? -1 : 1));
  return `{${members.map(([name, item]) => `${JSON.stringify(name)}:${textAt(item, depth + 1)}`).join(",")}}`;
}
