// What a request asks for: Leaf's five paths, with parameters that Leaf has not.
//
//     /api/segment/get/{key}     ?size=N &format=json
//     /api/snowflake/get/{key}   ?size=N &format=json
//     /api/segment/tags          ?after=TAG &limit=N
//     /cache   /db   /decodeSnowflakeId?snowflakeId=N   &generator=NAME
//
// As in Leaf any verb will do, a slash may stand behind the path, and parameters that are not known change nothing.
// JSON is asked for by a parameter, not by Accept: clients of Leaf that would take JSON among others expect bare digits.

import { parseQuery, splitTarget } from "../../codec/sigv4/index.ts";
import { strictText } from "../../std/bytes.ts";
import { leafFailure } from "./errors.ts";
import { LEAF_LIMITS } from "./limits.ts";

export type Mode = "segment" | "snowflake";

export interface IdsRequest {
  readonly kind: Mode;
  readonly key: string;
  readonly size: number;
  readonly isJson: boolean;
}

export type LeafRequest =
  | IdsRequest
  | { readonly kind: "tags"; readonly after: string | undefined; readonly limit: number }
  | { readonly kind: "cache" }
  | { readonly kind: "db" }
  | { readonly kind: "decode"; readonly digits: string; readonly generator: string | undefined };

/** Throws KEY_NONE, KEY_MALFORMED, PATH_MISSING, PARAMETER_MISSING, PARAMETER_INVALID. */
export function parseLeafRequest(target: string): LeafRequest {
  const { path, query } = splitTarget(target);
  const parameters = new Parameters(query);
  for (const kind of MODES) {
    const prefix = PREFIXES[kind];
    if (path.startsWith(prefix)) {
      const key = keyOf(path.slice(prefix.length));
      return { kind, key, size: parameters.whole("size") ?? 1, isJson: parameters.format() === "json" };
    }
  }
  switch (path.endsWith("/") ? path.slice(0, -1) : path) {
    case "/api/segment/tags":
      return { kind: "tags", after: parameters.text("after"), limit: limitOf(parameters) };
    case "/cache":
      return { kind: "cache" };
    case "/db":
      return { kind: "db" };
    case "/decodeSnowflakeId": {
      const digits = parameters.text("snowflakeId");
      if (digits !== undefined) return { kind: "decode", digits, generator: parameters.text("generator") };
      throw leafFailure("PARAMETER_MISSING", { what: "Required String parameter 'snowflakeId' is not present" });
    }
    default:
      throw leafFailure("PATH_MISSING");
  }
}

const MODES: readonly Mode[] = ["segment", "snowflake"];
const PREFIXES: Readonly<Record<Mode, string>> = {
  segment: "/api/segment/get/",
  snowflake: "/api/snowflake/get/",
};

/** One segment of the path, whole: Leaf loses what stands behind a dot. */
function keyOf(escaped: string): string {
  const segment = escaped.endsWith("/") ? escaped.slice(0, -1) : escaped;
  if (segment === "") throw leafFailure("KEY_NONE");
  if (segment.includes("/")) throw leafFailure("PATH_MISSING");
  if (!segment.includes("%")) return segment;
  try {
    return decodeURIComponent(segment);
  } catch {
    throw leafFailure("KEY_MALFORMED");
  }
}

function limitOf(parameters: Parameters): number {
  const { pageRowsDefault, pageRowsMax } = LEAF_LIMITS;
  const limit = parameters.whole("limit") ?? pageRowsDefault;
  if (limit >= 1 && limit <= pageRowsMax) return limit;
  throw invalid("limit");
}

class Parameters {
  readonly #values: ReturnType<typeof parseQuery>;

  constructor(query: string) {
    this.#values = query === "" ? [] : parseQuery(query);
  }

  /** Throws PARAMETER_INVALID where it comes twice, or is no UTF-8. */
  text(name: string): string | undefined {
    const found = this.#values.filter((parameter) => parameter.name === name);
    if (found.length === 0) return undefined;
    const text =
      found.length === 1 ? strictText(Uint8Array.from(found[0]!.value, (byte) => byte.charCodeAt(0))) : undefined;
    if (text === undefined) throw invalid(name);
    return text;
  }

  /** Up to nine digits: what is too large for its use is refused there, by its own name. */
  whole(name: string): number | undefined {
    const text = this.text(name);
    if (text === undefined) return undefined;
    if (!/^\d{1,9}$/.test(text)) throw invalid(name);
    return Number(text);
  }

  format(): "text" | "json" {
    const format = this.text("format") ?? "text";
    if (format === "text" || format === "json") return format;
    throw invalid("format");
  }
}

function invalid(parameter: string): ReturnType<typeof leafFailure<"PARAMETER_INVALID">> {
  const what = `The parameter ${parameter} is not valid, or comes more than once.`;
  return leafFailure("PARAMETER_INVALID", { what, data: { parameter } });
}
