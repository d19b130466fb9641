import { RegExpRouter } from "hono/router/reg-exp-router";
import { apiFailure } from "./errors.ts";
import { invalid } from "./validate.ts";

// Which operation a request means. Of hono only the router is used: its Request and Response would cost a web stream and a normalised
// URL a request, and a normalised URL is no longer the one that was signed.

export interface RoutedEntry {
  readonly name: string;
  readonly method: string;
  /** With parameters as in `/v1/buckets/{bucket}`. */
  readonly path: string;
}

export interface Routed<Entry> {
  readonly entry: Entry;
  /** Of the path, unescaped. */
  readonly parameters: Readonly<Record<string, string>>;
}

export class Routes<Entry extends RoutedEntry> {
  readonly #router: RegExpRouter<Entry> = new RegExpRouter();
  readonly #methods: ReadonlySet<string>;

  constructor(entries: readonly Entry[]) {
    for (const entry of entries) this.#router.add(entry.method, entry.path.replace(/\{(\w+)\}/g, ":$1"), entry);
    this.#methods = new Set(entries.map(({ method }) => method));
  }

  /** Throws ROUTE_MISSING, METHOD_NOT_ALLOWED, and INPUT_INVALID for escapes that are not UTF-8. HEAD finds what GET does. */
  find(method: string, path: string): Routed<Entry> {
    const found = this.#match(method === "HEAD" ? "GET" : method, path);
    if (found !== undefined) return found;
    const allowed = this.allowed(path);
    if (allowed.length === 0) throw apiFailure("ROUTE_MISSING", { data: { path: path.slice(0, 200) } });
    throw apiFailure("METHOD_NOT_ALLOWED", { data: { method: method.slice(0, 20), allowed } });
  }

  /** The methods that the path takes, for an Allow header. */
  allowed(path: string): readonly string[] {
    const methods = [...this.#methods].filter((method) => this.#router.match(method, path)[0].length > 0);
    if (methods.includes("GET")) methods.push("HEAD");
    return methods.length === 0 ? methods : [...methods, "OPTIONS"].sort();
  }

  #match(method: string, path: string): Routed<Entry> | undefined {
    const [handlers, stash] = this.#router.match(method, path);
    const first = handlers[0];
    if (first === undefined) return undefined;
    const parameters: Record<string, string> = {};
    for (const [name, place] of Object.entries(first[1])) {
      parameters[name] = unescapePath(typeof place === "number" ? stash![place]! : place, name);
    }
    return { entry: first[0], parameters };
  }
}

function unescapePath(escaped: string, name: string): string {
  try {
    return decodeURIComponent(escaped);
  } catch {
    throw invalid(`path.${name}`, "has escapes that are not UTF-8");
  }
}
