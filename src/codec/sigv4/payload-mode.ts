import { sigV4Failure } from "./errors.ts";

/** What the request says about its body in x-amz-content-sha256. */
export type PayloadMode =
  /** Hash the body and compare: `sha256` is hexadecimal in lower case, `value` (here and below) the header as sent. */
  | { readonly kind: "sha256"; readonly value: string; readonly sha256: string }
  /** The body is not covered by the signature. */
  | { readonly kind: "unsigned"; readonly value: string }
  /** aws-chunked; each chunk carries a signature, and so does the trailer, if there is one. */
  | { readonly kind: "chunks-signed"; readonly value: string; readonly trailer: boolean }
  /** aws-chunked without signatures, with a trailer (a checksum). */
  | { readonly kind: "chunks-unsigned"; readonly value: string; readonly trailer: true }
  /** No header: outside S3 the signature covers the body's hash, which only the body can tell. */
  | { readonly kind: "undeclared" };

type DeclaredPayload = Exclude<PayloadMode, { kind: "undeclared" }>;

export const UNSIGNED_PAYLOAD: DeclaredPayload = { kind: "unsigned", value: "UNSIGNED-PAYLOAD" };

/** Fails with CONTENT_SHA256_INVALID on anything else, the ECDSA streaming forms included. */
export function parsePayloadMode(value: string | undefined): PayloadMode {
  if (value === undefined) return { kind: "undeclared" };
  if (value.length === 64 && /^[0-9a-fA-F]+$/.test(value)) {
    // The canonical request holds the value as it was sent, the comparison with the body needs one case.
    return { kind: "sha256", value, sha256: value.toLowerCase() };
  }
  const named = NAMED_MODES.get(value);
  if (named === undefined) throw sigV4Failure("CONTENT_SHA256_INVALID", { data: { value } });
  return named;
}

/** The mode of a request that no chain of chunk signatures can start from: anonymous, or signed by V2. */
export function unchainedPayload(value: string | undefined): PayloadMode {
  const mode = parsePayloadMode(value);
  if (mode.kind !== "chunks-signed") return mode;
  throw sigV4Failure("CONTENT_SHA256_INVALID", {
    what: "Signed chunks need a V4 signature to start from.",
    data: { value },
  });
}

const NAMED: readonly DeclaredPayload[] = [
  UNSIGNED_PAYLOAD,
  { kind: "chunks-signed", value: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD", trailer: false },
  { kind: "chunks-signed", value: "STREAMING-AWS4-HMAC-SHA256-PAYLOAD-TRAILER", trailer: true },
  { kind: "chunks-unsigned", value: "STREAMING-UNSIGNED-PAYLOAD-TRAILER", trailer: true },
];

const NAMED_MODES: ReadonlyMap<string, PayloadMode> = new Map(NAMED.map((mode) => [mode.value, mode]));
