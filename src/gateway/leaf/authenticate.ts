// Leaf's clients send no credential, which --leaf-anonymous allows. Without it the front takes what /v1 takes, a signature; and,
// for what can not sign, HTTP Basic with an access key and its secret, which a client can have in its URL.

import { parseAuthorization, type SigningKeys, timingSafeEqual, verifySignature } from "../../codec/sigv4/index.ts";
import type { Clock } from "../../env/index.ts";
import type { Access, Action, RootPrincipal, UserPrincipal } from "../../service/access/index.ts";
import { EMPTY, fromBase64, text, toHex, utf8 } from "../../std/bytes.ts";
import type { HttpCall } from "../http/index.ts";
import { leafFailure } from "./errors.ts";

export interface LeafSigning {
  readonly access: Pick<Access, "findCredential" | "authorize">;
  readonly keys: SigningKeys;
  readonly clock: Clock;
}

export type LeafCaller = RootPrincipal | UserPrincipal;

const SERVICES: readonly string[] = ["ashlar"];

/** Rejects with CREDENTIAL_MISSING, CREDENTIAL_REFUSED, or as a signature does. */
export async function authenticate(call: HttpCall, parts: LeafSigning): Promise<LeafCaller> {
  const basic = /^Basic ([A-Za-z0-9+/=]+)$/i.exec(call.headers.get("authorization") ?? "");
  const principal = basic === null ? await bySignature(call, parts) : await byPair(basic[1]!, parts);
  call.principal = principal.name;
  return principal;
}

/** Rejects with ACCESS_DENIED. */
export function requireAllowed(
  { access }: LeafSigning,
  principal: LeafCaller,
  { headers, origin }: HttpCall,
  need: { readonly action: Action; readonly resource: string },
): void {
  const context = {
    "aws:SourceIp": origin.address,
    "aws:SecureTransport": String(origin.secure),
    "aws:UserAgent": headers.get("user-agent"),
    "aws:Referer": headers.get("referer"),
  };
  if (access.authorize(principal, { ...need, context }).decision === "allow") return;
  const { action, resource } = need;
  throw leafFailure("ACCESS_DENIED", {
    what: `The caller may not ${action} on ${resource}.`,
    data: { action, resource },
  });
}

async function byPair(encoded: string, { access, keys }: LeafSigning): Promise<LeafCaller> {
  const pair = text(fromBase64(encoded) ?? EMPTY);
  const colon = pair.indexOf(":");
  const accessKeyId = pair.slice(0, Math.max(colon, 0));
  const credential = await access.findCredential(accessKeyId);
  // Hashes are compared: the lengths of secrets must not show.
  const hash = (secret: string): string => toHex(keys.sha256.hash(utf8(secret)));
  const isRight = credential.found && timingSafeEqual(hash(pair.slice(colon + 1)), hash(credential.secret));
  if (isRight && credential.principal.type !== "anonymous") return credential.principal;
  throw refused(accessKeyId);
}

/** Of the request without its body, which is not looked at. */
async function bySignature({ exchange }: HttpCall, { access, keys, clock }: LeafSigning): Promise<LeafCaller> {
  const options = { services: SERVICES, legacyV2: false, payloadHashRequired: false };
  const authorization = parseAuthorization(exchange, options);
  if (authorization.kind === "anonymous") throw leafFailure("CREDENTIAL_MISSING");
  if (authorization.kind === "v2" || authorization.form === "query") throw refused("");
  const { accessKey, sessionToken } = authorization;
  const credential = await access.findCredential(accessKey, sessionToken);
  if (!credential.found || credential.principal.type === "anonymous") throw refused(accessKey);
  verifySignature(keys, authorization, exchange, { secretKey: credential.secret, now: clock.now() });
  return credential.principal;
}

function refused(accessKeyId: string): ReturnType<typeof leafFailure<"CREDENTIAL_REFUSED">> {
  return leafFailure("CREDENTIAL_REFUSED", { data: { accessKeyId: accessKeyId.slice(0, 128) } });
}
