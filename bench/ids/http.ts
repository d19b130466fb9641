// Ids over HTTP, of a real server in a process of its own, beside its S3 front's bare GET: a small object that anybody may
// read, so that neither of the two fronts looks at a signature. What counts is the server's processor time.

import { apiCall } from "../../src/server/testing/cluster-status.ts";
import { S3TestClient } from "../../src/testing/s3-client.ts";
import { type ServerProcess, startServerProcess } from "../../src/testing/server-process.ts";
import { processorSeconds } from "../process-usage.ts";
import { HttpConnection, type PreparedRequest } from "../s3/http-connection.ts";

export interface HttpForm {
  readonly name: string;
  /** Of one request. */
  readonly ids: number;
  readonly connections: number;
  url(server: ServerProcess): string;
}

export interface HttpRow {
  readonly form: string;
  readonly ids: number;
  readonly requestsSecond: number[];
  /** A processor second of the server. */
  readonly requestsProcessorSecond: number[];
}

const BATCH = 10_000;
const BUCKET = "bench";
const TAG = "bench";
const ROOT = { ASHLAR_ROOT_ACCESS_KEY: "bench-root-key", ASHLAR_ROOT_SECRET_KEY: "bench-root-secret" };

/** The others' requests are told in those of this one. */
export const BARE_GET = "HTTP, S3, GET of 16 bytes";

export const HTTP_FORMS: readonly HttpForm[] = [
  { name: BARE_GET, ids: 0, connections: 16, url: ({ s3 }) => `${s3}/${BUCKET}/object` },
  ...(["segment", "snowflake"] as const).flatMap((mode) => [
    { name: `HTTP, Leaf, ${mode}, single`, ids: 1, connections: 16, url: leafUrl(mode, 1) },
    { name: `HTTP, Leaf, ${mode}, batch`, ids: BATCH, connections: 4, url: leafUrl(mode, BATCH) },
  ]),
];

export async function startHttpServer(): Promise<ServerProcess> {
  const args = ["--leaf-listen", "127.0.0.1:0", "--leaf-anonymous", "--create-bucket", BUCKET];
  const server = await startServerProcess({ args, env: ROOT });
  await apiCall(server, "PUT", `/v1/ids/tags/${TAG}`, { step: 1_000_000 });
  const client = new S3TestClient(server.s3, server);
  const [Resource, Principal] = [`arn:aws:s3:::${BUCKET}/*`, "*"];
  const Statement = [{ Effect: "Allow", Principal, Action: "s3:GetObject", Resource }];
  const policy = new TextEncoder().encode(JSON.stringify({ Version: "2012-10-17", Statement }));
  for (const [target, body] of [
    [`/${BUCKET}/object`, new Uint8Array(16)],
    [`/${BUCKET}?policy`, policy],
  ] as const) {
    const { status } = await client.call({ method: "PUT", target, body });
    if (status >= 300) throw new Error(`PUT ${target}: ${status}`);
  }
  return server;
}

export async function measureHttp(
  form: HttpForm,
  server: ServerProcess,
  { seconds, warmUpSeconds }: { readonly seconds: number; readonly warmUpSeconds: number },
): Promise<{ readonly requestsSecond: number; readonly requestsProcessorSecond: number }> {
  const { hostname, port, host, pathname, search } = new URL(form.url(server));
  const head = Buffer.from(`GET ${pathname}${search} HTTP/1.1\r\nHost: ${host}\r\n\r\n`);
  const connections = await Promise.all(
    Array.from({ length: form.connections }, () => HttpConnection.open(hostname, Number(port))),
  );
  const run = async (forSeconds: number): Promise<number> => {
    const until = performance.now() + forSeconds * 1000;
    const counts = connections.map((connection) => requestUntil(until, connection, { method: "GET", head }));
    return (await Promise.all(counts)).reduce((sum, count) => sum + count, 0);
  };
  try {
    await run(warmUpSeconds);
    const pids = [server.process.pid!];
    const [before, begun] = [processorSeconds(pids), performance.now()];
    const requests = await run(seconds);
    const lastedSeconds = (performance.now() - begun) / 1000;
    const usedSeconds = processorSeconds(pids) - before;
    return { requestsSecond: requests / lastedSeconds, requestsProcessorSecond: requests / usedSeconds };
  } finally {
    for (const connection of connections) connection.close();
  }
}

async function requestUntil(until: number, connection: HttpConnection, request: PreparedRequest): Promise<number> {
  let requests = 0;
  while (performance.now() < until) {
    const { status } = await connection.send(request);
    if (status !== 200) throw new Error(`an id was answered with ${status}`);
    requests++;
  }
  return requests;
}

function leafUrl(mode: "segment" | "snowflake", size: number): HttpForm["url"] {
  return ({ leaf }) => `${leaf}/api/${mode}/get/${TAG}${size === 1 ? "" : `?size=${size}`}`;
}
