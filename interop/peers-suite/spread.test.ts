import assert from "node:assert/strict";
import { once } from "node:events";
import { Agent, createServer, request, type Server } from "node:http";
import type { AddressInfo } from "node:net";
import { test } from "node:test";
import { spreadOver } from "./spread.ts";

test("requests on one connection go to the servers in turn, a body with the head that announced it", async () => {
  const servers = await Promise.all(["a", "b", "c"].map(startServer));
  const agent = new Agent({ keepAlive: true, maxSockets: 1 });
  try {
    await using spread = await spreadOver(servers.map(urlOf));
    const seen: string[] = [];
    // Every second request asks first whether its body may come.
    for (const body of ["1", "2", "3", "4"]) seen.push(await send(spread.url, agent, body, seen.length % 2 === 1));
    assert.deepEqual(seen, ["a got 1", "b got 2", "c got 3", "a got 4"]);
  } finally {
    agent.destroy();
    for (const server of servers) server.close();
  }
});

async function startServer(name: string): Promise<Server> {
  const server = createServer((call, reply) => {
    const chunks: Buffer[] = [];
    call.on("data", (chunk: Buffer) => chunks.push(chunk));
    call.on("end", () => reply.end(`${name} got ${Buffer.concat(chunks)}`));
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return server;
}

function urlOf(server: Server): string {
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`;
}

function send(url: string, agent: Agent, body: string, asksFirst: boolean): Promise<string> {
  return new Promise((resolve, reject) => {
    const headers = { "content-length": String(body.length), ...(asksFirst && { expect: "100-continue" }) };
    const sent = request(url, { method: "PUT", agent, headers });
    sent.on("error", reject);
    sent.on("response", (reply) => {
      let text = "";
      reply.on("data", (chunk: Buffer) => (text += chunk.toString()));
      reply.on("end", () => resolve(text));
    });
    if (!asksFirst) sent.end(body);
    else sent.on("continue", () => sent.end(body));
    sent.flushHeaders();
  });
}
