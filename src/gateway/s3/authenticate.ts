import type { RunningSha256 } from "../../codec/aws-chunked/index.ts";
import {
  type Authorization,
  type HmacSha1,
  type PayloadMode,
  parseAuthorization,
  type RequestHead,
  type SignatureChain,
  type SigningKeys,
  signatureChain,
  verifySignature,
  verifyV2Signature,
} from "../../codec/sigv4/index.ts";
import type { Clock } from "../../env/index.ts";
import { type Access, ANONYMOUS, type CredentialRefusal, type Principal } from "../../service/access/index.ts";
import type { HttpCall } from "../http/index.ts";
import type { Address } from "./address.ts";
import type { S3ErrorCode } from "./error-table.ts";
import { s3Failure } from "./errors.ts";

/** The cryptography of signatures, handed in by the composition; the keys may be shared with other gateways. */
export interface Signing {
  readonly keys: SigningKeys;
  readonly hmacSha1: HmacSha1;
  /** A new hash for each chunk of a body in signed chunks. */
  readonly sha256: () => RunningSha256;
}

/** What the gateway asks the access service. */
export type AccessPort = Pick<Access, "credential" | "findCredential" | "authorize">;

/** Who makes a request, proved, and what the signature says about its body. */
export interface Caller {
  readonly principal: Principal;
  readonly anonymous: boolean;
  /** Whom what this request creates belongs to. */
  readonly owner: string;
  /** As the condition keys s3:authType and s3:signatureversion name it. */
  readonly authType: "REST-HEADER" | "REST-QUERY-STRING" | "POST" | undefined;
  readonly signatureVersion: "AWS4-HMAC-SHA256" | "AWS" | undefined;
  readonly signedAtMillis: number | undefined;
  /** Of the signature's scope. */
  readonly region: string | undefined;
  readonly payload: PayloadMode;
  /** For a body in signed chunks. */
  readonly chain: SignatureChain | undefined;
}

export interface AuthenticationParts {
  readonly access: AccessPort;
  readonly signing: Signing;
  readonly clock: Clock;
  readonly legacyV2: boolean;
}

export const SERVICES: readonly string[] = ["s3"];

/**
 * Proves who sent the head of a request; fails with one of SIGV4_ERRORS, or as `credentialOf`. Reads nothing of the
 * body.
 */
export async function authenticate(call: HttpCall, address: Address, parts: AuthenticationParts): Promise<Caller> {
  const head = headAsSigned(call);
  const authorization = parseAuthorization(head, {
    services: SERVICES,
    legacyV2: parts.legacyV2,
    payloadHashRequired: true,
  });
  if (authorization.kind === "anonymous") return anonymousCaller(authorization.payload);
  const { accessKey, sessionToken } = authorization;
  const { secret, principal } = await credentialOf(parts.access, accessKey, sessionToken);
  const now = parts.clock.now();
  const { keys, hmacSha1 } = parts.signing;
  if (authorization.kind === "v4") {
    verifySignature(keys, authorization, head, { secretKey: secret, now });
    const isChained = authorization.payload.kind === "chunks-signed";
    const chain = isChained ? signatureChain(keys, authorization, secret) : undefined;
    return provenCaller(principal, authorization, chain);
  }
  verifyV2Signature(hmacSha1, authorization, head, {
    secretKey: secret,
    now,
    ...(address.virtualHost && { hostBucket: address.bucket }),
  });
  return provenCaller(principal, authorization, undefined);
}

/** The secret and the principal of an access key, or why there are none in S3's words. */
export async function credentialOf(
  access: AccessPort,
  accessKey: string,
  sessionToken: string | undefined,
): Promise<{ readonly secret: string; readonly principal: Principal }> {
  const result = access.credential(accessKey, sessionToken) ?? (await access.findCredential(accessKey, sessionToken));
  if (result.found) return result;
  throw s3Failure(REFUSALS[result.reason], { data: { AWSAccessKeyId: accessKey } });
}

const REFUSALS: Record<CredentialRefusal, S3ErrorCode> = {
  unknown: "InvalidAccessKeyId",
  disabled: "InvalidAccessKeyId",
  expired: "InvalidAccessKeyId",
  unreadable: "InvalidAccessKeyId",
  "token-missing": "InvalidAccessKeyId",
  "token-invalid": "InvalidToken",
  "token-expired": "ExpiredToken",
};

export function anonymousCaller(payload: PayloadMode): Caller {
  return {
    principal: ANONYMOUS,
    anonymous: true,
    owner: "anonymous",
    authType: undefined,
    signatureVersion: undefined,
    signedAtMillis: undefined,
    region: undefined,
    payload,
    chain: undefined,
  };
}

function provenCaller(
  principal: Principal,
  authorization: Exclude<Authorization, { kind: "anonymous" }>,
  chain: SignatureChain | undefined,
): Caller {
  const isV4 = authorization.kind === "v4";
  return {
    principal,
    anonymous: false,
    owner: ownerOf(principal),
    authType: authorization.form === "header" ? "REST-HEADER" : "REST-QUERY-STRING",
    signatureVersion: isV4 ? "AWS4-HMAC-SHA256" : "AWS",
    signedAtMillis: isV4 ? authorization.signedAtMillis : undefined,
    region: isV4 ? authorization.scope.region : undefined,
    payload: authorization.payload,
    chain,
  };
}

export function ownerOf(principal: Principal): string {
  return principal.type === "anonymous" ? "anonymous" : principal.name;
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
