import {
  type PayloadMode,
  parseAuthorization,
  type RequestHead,
  type SigningKeys,
  verifySignature,
} from "../../codec/sigv4/index.ts";
import type { Clock } from "../../env/index.ts";
import type { Access, RootPrincipal, Session, UserPrincipal } from "../../service/access/index.ts";
import { toHex } from "../../std/bytes.ts";
import type { HttpCall } from "../http/index.ts";
import { sessionTokenIn } from "./cookie.ts";
import { apiFailure } from "./errors.ts";
import { readBody, UNPROVED_BYTES_MAX } from "./input.ts";
import { isForeignFetch, requireOwnOrigin } from "./origin.ts";

/** Who makes a request, proved. */
export interface Caller {
  readonly principal: RootPrincipal | UserPrincipal;
  /** Of a request that a cookie authorizes. */
  readonly session: Session | undefined;
  /** Of the signature's scope. */
  readonly region: string | undefined;
  /** What the signature says about the body. */
  readonly payload: PayloadMode;
}

export interface AuthenticationParts {
  readonly access: Access;
  readonly keys: SigningKeys;
  readonly clock: Clock;
}

const SERVICES: readonly string[] = ["ashlar"];
const UNSIGNED: PayloadMode = { kind: "unsigned", value: "UNSIGNED-PAYLOAD" };

/** What a request brings: JSON, which is read into memory, or bytes that stream. */
export type BodyForm = "json" | "stream";

export interface Proof {
  readonly caller: Caller;
  /** Where it had to be read for the signature. */
  readonly body: Uint8Array | undefined;
}

/**
 * Proves who sent the request: by its signature, else by its session. Nothing of the body is read for that, except where a signature
 * of JSON does not declare its hash: then a little is. Rejects with SIGN_IN_REQUIRED, CREDENTIAL_REFUSED, ORIGIN_REFUSED, or as a
 * signature does.
 */
export async function authenticate(call: HttpCall, form: BodyForm, parts: AuthenticationParts): Promise<Proof> {
  const head = headAsSigned(call);
  const payloadHashRequired = form === "stream";
  const authorization = parseAuthorization(head, { services: SERVICES, legacyV2: false, payloadHashRequired });
  if (authorization.kind === "anonymous") return { caller: await bySession(call, parts), body: undefined };
  if (authorization.kind === "v2" || authorization.form === "query") {
    throw apiFailure("CREDENTIAL_REFUSED", { what: "The API takes signatures in the Authorization header only." });
  }
  const { accessKey, sessionToken, payload, scope } = authorization;
  const credential = await parts.access.findCredential(accessKey, sessionToken);
  if (!credential.found || credential.principal.type === "anonymous") {
    const reason = credential.found ? "unknown" : credential.reason;
    throw apiFailure("CREDENTIAL_REFUSED", { data: { accessKeyId: accessKey.slice(0, 128), reason } });
  }
  const body = payload.kind === "undeclared" ? await readBody(call, UNPROVED_BYTES_MAX) : undefined;
  verifySignature(parts.keys, authorization, head, {
    secretKey: credential.secret,
    now: parts.clock.now(),
    ...(body !== undefined && { bodySha256: toHex(parts.keys.sha256.hash(body)) }),
  });
  const caller = { principal: credential.principal, session: undefined, region: scope.region, payload };
  return { caller, body };
}

/**
 * A signed request's JSON is signed too: what an operator orders is not left to the network. Throws CREDENTIAL_REFUSED where the body
 * is another one, or not covered.
 */
export function requireSignedBody({ session, payload }: Caller, body: Uint8Array, keys: SigningKeys): void {
  if (session !== undefined || payload.kind === "undeclared") return;
  if (payload.kind === "sha256" && payload.sha256 === toHex(keys.sha256.hash(body))) return;
  throw apiFailure("CREDENTIAL_REFUSED", {
    what:
      payload.kind === "sha256"
        ? "The body is not the one that was signed."
        : "The signature has to cover the body: send its SHA-256 in x-amz-content-sha256.",
  });
}

/** Whether the request even claims to come from somebody. */
export function hasCredential({ headers, exchange }: HttpCall): boolean {
  return headers.has("authorization") || headers.has("cookie") || exchange.target.includes("X-Amz-");
}

async function bySession(call: HttpCall, { access }: AuthenticationParts): Promise<Caller> {
  const token = sessionTokenIn(call.headers.get("cookie"));
  if (token === undefined || isForeignFetch(call)) throw apiFailure("SIGN_IN_REQUIRED");
  const { method } = call.exchange;
  if (method !== "GET" && method !== "HEAD") requireOwnOrigin(call);
  const signedIn = await access.signedIn(token);
  if (signedIn === undefined || signedIn.principal.type === "anonymous") {
    throw apiFailure("SIGN_IN_REQUIRED", { what: "The session has ended." });
  }
  return { principal: signedIn.principal, session: signedIn.session, region: undefined, payload: UNSIGNED };
}

/** A trusted proxy may have put its own name into Host; what the client signed is the one that it sent. */
function headAsSigned({ exchange, origin, headers }: HttpCall): RequestHead {
  if (origin.host === headers.get("host")) return exchange;
  const rawHeaders = exchange.rawHeaders.slice();
  for (let at = 0; at < rawHeaders.length; at += 2) {
    if (rawHeaders[at]!.toLowerCase() === "host") rawHeaders[at + 1] = origin.host ?? "";
  }
  return { method: exchange.method, target: exchange.target, rawHeaders };
}
