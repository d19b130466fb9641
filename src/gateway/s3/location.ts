import type { S3Options } from "./options.ts";
import { escapeKey } from "./query.ts";
import type { S3Request } from "./request.ts";

/** The URL under which clients find an object: by the public URL, or by the host that this client used. */
export function locationOf(input: S3Request, options: S3Options, key: string = input.key): string {
  const { call, bucket, address } = input;
  const path = escapeKey(key);
  if (options.publicUrl !== undefined) return `${options.publicUrl.replace(/\/+$/, "")}/${bucket}/${path}`;
  const { host, secure } = call.origin;
  if (host === undefined) return `/${bucket}/${path}`;
  const origin = `${secure ? "https" : "http"}://${host}`;
  return address.virtualHost ? `${origin}/${path}` : `${origin}/${bucket}/${path}`;
}
