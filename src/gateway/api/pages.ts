// What is no operation of the API: the console's files, and what monitors ask.

import { EMPTY } from "../../std/bytes.ts";
import { TABLES } from "../../store/index.ts";
import type { HttpCall } from "../http/index.ts";
import { type Assets, PAGE_HEADERS } from "./assets.ts";
import type { Asked, Endpoint } from "./endpoint.ts";
import { apiFailure } from "./errors.ts";
import type { Guard } from "./guard.ts";
import type { NodePort } from "./node.ts";
import { openApiDocument } from "./openapi.ts";
import { replyEmpty, replyHeaders, replyJson, replyText } from "./reply.ts";
import { isSpaceReserved } from "./status/faults.ts";
import type { Metrics } from "./telemetry/metrics.ts";

export interface PageParts {
  readonly node: NodePort;
  readonly metrics: Metrics;
  readonly assets: Assets | undefined;
  readonly guard: Guard;
  readonly metricsPublic: boolean;
}

const CONSOLE = "/app/";

export function pageEndpoints(parts: PageParts): Endpoint[] {
  const { node, metrics, assets, guard, metricsPublic } = parts;
  const document = openApiDocument(node.version);
  return [
    page("root", "/", (call) => replyEmpty(call, 308, ["Location", CONSOLE])),
    page("console", "/app/*", (call, asked) => serveAsset(call, asked, assets)),
    page("healthz", "/healthz", (call) => replyText(call, 200, "ok\n")),
    page("readyz", "/readyz", (call) => serveReadiness(call, node)),
    page("openapi", "/openapi.json", async (call) => {
      await guard.identify(call, "json");
      await replyJson(call, 200, document);
    }),
    page("metrics", "/metrics", async (call) => {
      if (!metricsPublic) await guard.requireMetrics(call);
      await replyText(call, 200, await metrics.text(), metrics.contentType);
    }),
  ];
}

function page(name: string, path: string, answer: Endpoint["answer"]): Endpoint {
  return { name, method: "GET", path, answer };
}

async function serveAsset(call: HttpCall, { path }: Asked, assets: Assets | undefined): Promise<void> {
  if (path === "/app") return replyEmpty(call, 308, ["Location", CONSOLE]);
  const asset = await assets?.find(path.slice(CONSOLE.length));
  if (asset === undefined) throw apiFailure("ROUTE_MISSING", { data: { path: path.slice(0, 200) } });
  const headers = ["Content-Type", asset.contentType, "ETag", asset.etag, "Cache-Control", "no-cache", ...PAGE_HEADERS];
  if (call.headers.get("if-none-match")?.includes(asset.etag)) return replyEmpty(call, 304, headers);
  return call.reply(200, replyHeaders(call, headers), asset.bytes);
}

/** Ready is who can take writes: the Store answers, and the disk is not down to its reserve. */
async function serveReadiness(call: HttpCall, { failure, blobs, store }: NodePort): Promise<void> {
  const reasons: string[] = [];
  const error = failure();
  if (error !== undefined) reasons.push(error.message);
  if (isSpaceReserved(blobs.status())) reasons.push("The disk has no space left but the reserve.");
  try {
    await store.get({ table: TABLES.bucket, key: EMPTY });
  } catch (cause) {
    reasons.push(cause instanceof Error ? cause.message : String(cause));
  }
  return replyJson(call, reasons.length === 0 ? 200 : 503, { ready: reasons.length === 0, reasons });
}
