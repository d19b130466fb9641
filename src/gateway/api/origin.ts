import type { HttpCall } from "../http/index.ts";
import { apiFailure } from "./errors.ts";

// Requests that a browser makes by itself, with a cookie, must come from this server's own page. SameSite keeps most others away;
// this is the second lock, and it does not rest on the browser's idea of what a site is.

/** For what a cookie authorizes and what changes something. A request that tells nothing of where it comes from is refused. */
export function requireOwnOrigin(call: HttpCall): void {
  const origin = call.headers.get("origin");
  const isOwn = origin === undefined ? call.headers.get("sec-fetch-site") === "same-origin" : isOwnOrigin(call, origin);
  if (!isOwn) throw refused(origin);
}

/** For the login, which has no cookie yet: programs may leave the headers out, pages can not. */
export function refuseForeignOrigin(call: HttpCall): void {
  const origin = call.headers.get("origin");
  if (origin === undefined ? isForeignFetch(call) : !isOwnOrigin(call, origin)) throw refused(origin);
}

/** Caused by another site, also where it only reads. */
export function isForeignFetch({ headers }: HttpCall): boolean {
  const site = headers.get("sec-fetch-site");
  return site === "cross-site" || site === "same-site";
}

/** Compared by host and port: a proxy that ends TLS changes the scheme. */
function isOwnOrigin({ origin: { host } }: HttpCall, origin: string): boolean {
  const match = /^https?:\/\/([^/]+)$/i.exec(origin);
  return match !== null && host !== undefined && match[1]!.toLowerCase() === host.toLowerCase();
}

function refused(origin: string | undefined): Error {
  return apiFailure("ORIGIN_REFUSED", { data: { origin: origin?.slice(0, 200) } });
}
