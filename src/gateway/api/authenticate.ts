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

/**
 * Proves who sent the request: by its signature, else by its session. `body` is what it brought along where that has been read; a
 * body that streams has to be declared in the head. Rejects with SIGN_IN_REQUIRED, CREDENTIAL_REFUSED, ORIGIN_REFUSED, or as a
 * signature does.
 */
export async function authenticate(
  call: HttpCall,
  body: Uint8Array | undefined,
  parts: AuthenticationParts,
): Promise<Caller> {
  const head = headAsSigned(call);
  const authorization = parseAuthorization(head, {
    services: SERVICES,
    legacyV2: false,
    payloadHashRequired: body === undefined,
  });
  if (authorization.kind === "anonymous") return bySession(call, parts);
  if (authorization.kind === "v2" || authorization.form === "query") {
    throw apiFailure("CREDENTIAL_REFUSED", { what: "The API takes signatures in the Authorization header only." });
  }
  const { accessKey, sessionToken, payload, scope } = authorization;
  const credential = await parts.access.findCredential(accessKey, sessionToken);
  if (!credential.found || credential.principal.type === "anonymous") {
    const reason = credential.found ? "unknown" : credential.reason;
    throw apiFailure("CREDENTIAL_REFUSED", { data: { accessKeyId: accessKey.slice(0, 128), reason } });
  }
  const bodySha256 = body === undefined ? undefined : toHex(parts.keys.sha256.hash(body));
  verifySignature(parts.keys, authorization, head, {
    secretKey: credential.secret,
    now: parts.clock.now(),
    ...(bodySha256 !== undefined && { bodySha256 }),
  });
  if (bodySha256 !== undefined) checkBody(payload, bodySha256);
  return { principal: credential.principal, session: undefined, region: scope.region, payload };
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

/** A signed request's JSON is signed too: what an operator orders is not left to the network. */
function checkBody(payload: PayloadMode, bodySha256: string): void {
  if (payload.kind === "undeclared") return;
  if (payload.kind === "sha256" && payload.sha256 === bodySha256) return;
  throw apiFailure("CREDENTIAL_REFUSED", {
    what:
      payload.kind === "sha256"
        ? "The body is not the one that was signed."
        : "The signature has to cover the body: send its SHA-256 in x-amz-content-sha256.",
  });
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
