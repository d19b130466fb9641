import { fromBase64, text, toBase64, utf8 } from "../std/bytes.ts";
import { clusterFailure } from "./errors.ts";

// What a new node has to know before it may speak to a cluster: which one it is, by whose signature its nodes are known,
// and a secret that says that it may come in.

export interface JoinToken {
  /** The cluster's id. */
  readonly cluster: string;
  /** The authority's certificate, PEM; undefined where the cluster's nodes speak without TLS. */
  readonly authority: string | undefined;
  readonly secret: string;
}

const PREFIX = "ashlar-join-1.";
const TEXT_LENGTH_MAX = 8192;

export function formatToken({ cluster, authority, secret }: JoinToken): string {
  const fields = { cluster, secret, ...(authority !== undefined && { authority }) };
  return (
    PREFIX +
    toBase64(utf8(JSON.stringify(fields)))
      .replaceAll("+", "-")
      .replaceAll("/", "_")
      .replaceAll("=", "")
  );
}

/** Throws TOKEN_INVALID, without the token in it. */
export function parseToken(given: string): JoinToken {
  const trimmed = given.trim();
  if (!trimmed.startsWith(PREFIX) || trimmed.length > TEXT_LENGTH_MAX) throw clusterFailure("TOKEN_INVALID");
  const fields = fieldsOf(trimmed.slice(PREFIX.length).replaceAll("-", "+").replaceAll("_", "/"));
  const { cluster, authority, secret } = fields;
  const isWhole =
    typeof cluster === "string" &&
    typeof secret === "string" &&
    (authority === undefined || typeof authority === "string");
  if (!isWhole) throw clusterFailure("TOKEN_INVALID");
  return { cluster, authority, secret };
}

function fieldsOf(base64: string): Readonly<Record<string, unknown>> {
  const bytes = fromBase64(base64.padEnd(Math.ceil(base64.length / 4) * 4, "="));
  try {
    const fields: unknown = bytes && JSON.parse(text(bytes));
    return typeof fields === "object" && fields !== null ? (fields as Record<string, unknown>) : {};
  } catch {
    return {};
  }
}
