import assert from "node:assert/strict";
import { setTimeout as sleep } from "node:timers/promises";
import type { ServerProcess } from "../../testing/server-process.ts";

/** The parts of `GET /v1/cluster` that tests look at. */
export interface ClusterAnswer {
  readonly canLose: number;
  readonly leader?: number;
  readonly summary: string;
  readonly nodes: readonly {
    readonly id: number;
    readonly state: string;
    readonly role: string;
    readonly alive: boolean;
    readonly zone: string;
    readonly endpoints: Readonly<Record<string, string>>;
  }[];
}

const UNTIL_MILLIS = 60_000;

/** Calls a server's API as the root key, over a session. The reply's JSON; undefined where it has none. */
export async function apiCall(server: ServerProcess, method: string, path: string, body?: unknown): Promise<unknown> {
  const { api, accessKey: accessKeyId, secretKey: secret } = server;
  const headers = { "Content-Type": "application/json", Origin: api };
  const session = await fetch(`${api}/v1/session`, {
    ...{ method: "POST", headers, body: JSON.stringify({ accessKeyId, secret }) },
  });
  assert.ok(session.ok, `${session.status}`);
  await session.arrayBuffer();
  const cookie = session.headers.get("set-cookie")!.split(";")[0]!;
  const reply = await fetch(`${api}${path}`, {
    ...{ method, headers: { ...headers, Cookie: cookie } },
    ...(body !== undefined && { body: JSON.stringify(body) }),
  });
  const text = await reply.text();
  if (!reply.ok) throw new ApiRefusal(reply.status, text);
  return text === "" ? undefined : JSON.parse(text);
}

export class ApiRefusal extends Error {
  readonly status: number;

  constructor(status: number, text: string) {
    super(`${status} ${text}`);
    this.status = status;
  }
}

export async function clusterAnswer(server: ServerProcess): Promise<ClusterAnswer> {
  return (await apiCall(server, "GET", "/v1/cluster")) as ClusterAnswer;
}

/** Until the cluster is as it should be; then how it is. */
export async function untilCluster(
  server: ServerProcess,
  isSo: (cluster: ClusterAnswer) => boolean,
  withinMillis: number = UNTIL_MILLIS,
): Promise<ClusterAnswer> {
  let last: unknown;
  for (const end = Date.now() + withinMillis; Date.now() < end; await sleep(100)) {
    try {
      const cluster = await clusterAnswer(server);
      last = cluster;
      if (isSo(cluster)) return cluster;
    } catch (error) {
      last = error;
    }
  }
  return assert.fail(`the cluster never was as it should be: ${JSON.stringify(last)} ${String(last)}`);
}

export async function untilCanLose(server: ServerProcess, nodes: number): Promise<void> {
  await untilCluster(server, ({ canLose }) => canLose >= nodes);
}
