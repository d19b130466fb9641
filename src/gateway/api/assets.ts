// The console's files, as a browser gets them. In a clone the console's sources are TypeScript: a request for `x.js` is answered with
// `x.ts`, its types taken out; an installed package holds the finished `x.js`. Files are read once and kept.

import { strictText, toBase64, utf8 } from "../../std/bytes.ts";

export interface AssetSource {
  /** The file's bytes, or undefined where there is none for a browser. Names have "/" between folders, and no segment begins with a dot. */
  read(name: string): Promise<Uint8Array | undefined>;
  /** Takes the types out of TypeScript; absent where the files are finished. */
  readonly stripTypes?: (source: string) => string;
}

export interface Asset {
  readonly bytes: Uint8Array;
  readonly contentType: string;
  /** With quotes. */
  readonly etag: string;
}

const CONTENT_TYPES: Readonly<Record<string, string>> = {
  html: "text/html; charset=utf-8",
  js: "text/javascript; charset=utf-8",
  css: "text/css; charset=utf-8",
  svg: "image/svg+xml",
  png: "image/png",
  ico: "image/x-icon",
  json: "application/json",
  txt: "text/plain; charset=utf-8",
  woff2: "font/woff2",
};

/** A segment begins with a letter or digit, so neither `..` nor a hidden file is ever asked for. */
const NAME = /^(?:[A-Za-z0-9][\w.-]*\/)*[A-Za-z0-9][\w.-]*\.([a-z0-9]+)$/;
const ASSETS_MAX = 500;

export class Assets {
  readonly #source: AssetSource;
  readonly #hash: (bytes: Uint8Array) => Uint8Array;
  readonly #kept: Map<string, Asset> = new Map();

  /** `hash` is SHA-256. */
  constructor(source: AssetSource, hash: (bytes: Uint8Array) => Uint8Array) {
    this.#source = source;
    this.#hash = hash;
  }

  /** `path` is what stands behind /app/. A path without an extension is a page of the console's own: the browser gets the console. */
  async find(path: string): Promise<Asset | undefined> {
    const last = path.slice(path.lastIndexOf("/") + 1);
    const name = last.includes(".") ? path : "index.html";
    const known = this.#kept.get(name);
    if (known !== undefined) return known;
    const extension = NAME.exec(name)?.[1];
    const contentType = extension === undefined ? undefined : CONTENT_TYPES[extension];
    const bytes = contentType === undefined ? undefined : await this.#read(name);
    if (bytes === undefined) return undefined;
    const asset = { bytes, contentType: contentType!, etag: `"${toBase64(this.#hash(bytes).subarray(0, 15))}"` };
    if (this.#kept.size < ASSETS_MAX) this.#kept.set(name, asset);
    return asset;
  }

  async #read(name: string): Promise<Uint8Array | undefined> {
    const { stripTypes } = this.#source;
    const bytes = await this.#source.read(name);
    if (bytes !== undefined || stripTypes === undefined || !name.endsWith(".js")) return bytes;
    const typed = await this.#source.read(`${name.slice(0, -3)}.ts`);
    const source = typed === undefined ? undefined : strictText(typed);
    return source === undefined ? undefined : utf8(stripTypes(source));
  }
}

/**
 * What the console's page may do: load and call what comes from this server, and nothing else; no inline script, no frame around it,
 * no form that leads away.
 */
export const PAGE_HEADERS: readonly string[] = [
  "Content-Security-Policy",
  [
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self' data:",
    "font-src 'self'",
    "connect-src 'self'",
    "manifest-src 'self'",
    "base-uri 'none'",
    "form-action 'none'",
    "frame-ancestors 'none'",
  ].join("; "),
  "X-Frame-Options",
  "DENY",
  "Referrer-Policy",
  "same-origin",
  "Cross-Origin-Opener-Policy",
  "same-origin",
  "Permissions-Policy",
  "camera=(), geolocation=(), microphone=(), payment=()",
];
