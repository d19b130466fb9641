import { escapeText, presign } from "../../codec/sigv4/index.ts";
import type { ClientOrigin } from "../http/index.ts";
import { apiFailure } from "./errors.ts";
import type { Services } from "./handler.ts";
import { reachable } from "./reachable.ts";

export interface LinkOrder {
  readonly bucket: string;
  readonly key: string;
  readonly versionId: string | undefined;
  readonly method: "GET" | "PUT";
  readonly expiresSeconds: number;
  readonly download: boolean;
  readonly accessKeyId: string;
  readonly sessionToken: string | undefined;
  /** Who asks: the link leads to the server as this client sees it. */
  readonly origin: ClientOrigin;
}

/** A link to the S3 gateway, signed with the caller's own access key: it opens nothing that the caller could not open. */
export async function makeLink({ access, node, keys, env, region }: Services, order: LinkOrder): Promise<string> {
  const { bucket, key, method, accessKeyId, sessionToken, expiresSeconds } = order;
  const endpoint = reachable(node.endpoints(), order.origin)["s3"];
  if (endpoint === undefined) throw apiFailure("LINK_REFUSED", { what: "The S3 gateway does not run." });
  if (key.split("/").some((part) => part === "." || part === "..")) {
    throw apiFailure("LINK_REFUSED", {
      what: "Browsers shorten a link whose key has a part `.` or `..`, so it would lead elsewhere.",
      data: { key },
    });
  }
  const credential = await access.findCredential(accessKeyId, sessionToken);
  if (!credential.found) throw apiFailure("LINK_REFUSED", { data: { accessKeyId, reason: credential.reason } });
  const { protocol, host, path } = partsOf(endpoint);
  const target = `${path}/${escapeText(bucket)}/${escapeText(key, true)}${queryOf(order)}`;
  const credentials = {
    accessKey: accessKeyId,
    secretKey: credential.secret,
    ...(sessionToken !== undefined && { sessionToken }),
  };
  const head = { method, target, rawHeaders: ["host", host] };
  const now = env.clock.now();
  const signed = presign(keys, head, { credentials, region, service: "s3", now, expiresSeconds });
  return `${protocol}//${host}${signed}`;
}

function queryOf({ key, versionId, download }: LinkOrder): string {
  const parameters: string[] = [];
  if (versionId !== undefined) parameters.push(`versionId=${escapeText(versionId)}`);
  if (download) {
    const name = key.slice(key.lastIndexOf("/") + 1);
    const disposition = `attachment; filename*=UTF-8''${escapeText(name)}`;
    parameters.push(`response-content-disposition=${escapeText(disposition)}`);
  }
  return parameters.length === 0 ? "" : `?${parameters.join("&")}`;
}

/** A public URL may have a path, which a proxy in front takes off again. */
function partsOf(endpoint: string): { readonly protocol: string; readonly host: string; readonly path: string } {
  const { protocol, host, pathname } = new URL(endpoint);
  return { protocol, host, path: pathname.replace(/\/$/, "") };
}
