import { Agent, request as startRequest } from "node:http";
import { describe, test } from "node:test";
import { concatBytes } from "../../std/bytes.ts";
import { type ByteSource, chunksOf, sourceOf } from "../../std/source.ts";
import type { ClientReply, ClientRequest } from "../conformance/http-fixture.ts";
import { httpConformance } from "../conformance/http-suite.ts";
import { nodeHttp } from "./http.ts";

describe("nodeHttp", () => {
  httpConformance(test, async () => {
    const agent = new Agent({ keepAlive: true });
    return {
      http: nodeHttp,
      request: (port, request) => requestBy(agent, port, request),
      async [Symbol.asyncDispose]() {
        agent.destroy();
      },
    };
  });
});

function requestBy(agent: Agent, port: number, request: ClientRequest): Promise<ClientReply> {
  const { method, target, body, signal } = request;
  const length = body instanceof Uint8Array ? ["content-length", String(body.length)] : [];
  const chunked = body !== undefined && !(body instanceof Uint8Array) ? ["transfer-encoding", "chunked"] : [];
  const headers = ["host", `127.0.0.1:${port}`, ...length, ...chunked, ...(request.headers ?? [])];
  return new Promise((resolve, reject) => {
    const outgoing = startRequest({ agent, host: "127.0.0.1", port, method, path: target, headers });
    signal?.addEventListener("abort", () => outgoing.destroy());
    outgoing.on("error", reject);
    outgoing.on("response", (incoming) => {
      const chunks: Uint8Array[] = [];
      incoming.on("data", (chunk: Uint8Array) => chunks.push(chunk));
      incoming.on("error", reject);
      incoming.on("end", () => {
        resolve({ status: incoming.statusCode!, headers: incoming.rawHeaders, body: concatBytes(chunks) });
      });
    });
    const source: ByteSource = body instanceof Uint8Array ? sourceOf(body) : (body ?? sourceOf());
    send(source, outgoing).catch(reject);
  });
}

async function send(source: ByteSource, outgoing: ReturnType<typeof startRequest>): Promise<void> {
  for await (const chunk of chunksOf(source)) outgoing.write(chunk);
  outgoing.end();
}
