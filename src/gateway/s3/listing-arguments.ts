import { parseLength } from "../http/index.ts";
import { invalidArgument } from "./errors.ts";
import { escapeKey, type Query } from "./query.ts";

export const LIST_LIMIT_MAX = 1000;
const INTEGER_MAX = 2_147_483_647;

/** `max-keys` and its like: a page is never longer than LIST_LIMIT_MAX, whatever is asked for. */
export function limitOf(query: Query, name: string): number {
  const text = query.get(name);
  if (text === undefined || text === "") return LIST_LIMIT_MAX;
  return Math.min(countOf(text, name), LIST_LIMIT_MAX);
}

/** A marker that counts: a part's number. */
export function markerOf(query: Query, name: string): number {
  const text = query.get(name);
  return text === undefined || text === "" ? 0 : countOf(text, name);
}

export function countOf(text: string, name: string): number {
  const count = parseLength(text);
  if (count !== undefined && count <= INTEGER_MAX) return count;
  const what = /^-\d+$/.test(text)
    ? `Argument ${name} must be an integer between 0 and ${INTEGER_MAX}`
    : `Provided ${name} not an integer or within integer range`;
  throw invalidArgument(what, name, text);
}

/** How keys are written in the answer. */
export interface Encoding {
  readonly url: boolean;
  text(key: string): string;
}

const PLAIN: Encoding = { url: false, text: (key) => key };
const URL_ENCODING: Encoding = { url: true, text: escapeKey };

export function encodingOf(query: Query): Encoding {
  const name = query.get("encoding-type");
  if (name === undefined || name === "") return PLAIN;
  if (name.toLowerCase() === "url") return URL_ENCODING;
  throw invalidArgument("Invalid Encoding Method specified in Request", "encoding-type", name);
}
