import type { Authorization, AuthorizationOptions } from "./authorization.ts";
import { sigV4Failure } from "./errors.ts";
import { parseHeaderForm } from "./header-form.ts";
import { unchainedPayload } from "./payload-mode.ts";
import { hasV4Query, parseQueryForm } from "./query-form.ts";
import { authorizationHeaders, type RequestHead } from "./request.ts";
import { splitTarget } from "./target.ts";
import { hasV2Query, parseV2Header, parseV2Query } from "./v2.ts";

/** Reads who the request is from. Fails with one of SIGV4_ERRORS; without any authorization it is `anonymous`. */
export function parseAuthorization(request: RequestHead, options: AuthorizationOptions): Authorization {
  const headers = authorizationHeaders(request.rawHeaders);
  const { query } = splitTarget(request.target);
  const v4Query = hasV4Query(query);
  const v2Query = hasV2Query(query);
  const { authorization } = headers;
  if (Number(authorization !== undefined) + Number(v4Query) + Number(v2Query) > 1) {
    throw sigV4Failure("AUTHORIZATION_CONFLICT");
  }
  if (v4Query) return parseQueryForm(request, headers, query, options);
  if (v2Query || authorization?.startsWith("AWS ")) {
    requireLegacy(options);
    return v2Query ? parseV2Query(headers, query) : parseV2Header(headers, authorization!);
  }
  if (authorization !== undefined) return parseHeaderForm(request, headers, authorization, options);
  return { kind: "anonymous", payload: unchainedPayload(headers.contentSha256) };
}

function requireLegacy(options: AuthorizationOptions): void {
  if (options.legacyV2) return;
  throw sigV4Failure("AUTHORIZATION_UNSUPPORTED", {
    what: "Signature Version 2 is switched off.",
    data: { algorithm: "AWS" },
  });
}
