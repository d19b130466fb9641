import assert from "node:assert/strict";
import { once } from "node:events";
import { createServer, type Socket } from "node:net";
import { describe, test } from "node:test";
import { HttpConnection } from "./http-connection.ts";

/** A connection to a server that sends these pieces for each request, one after the other. */
async function answering(
  pieces: readonly string[],
): Promise<AsyncDisposable & { readonly connection: HttpConnection }> {
  const sockets: Socket[] = [];
  const server = createServer((socket) => {
    sockets.push(socket);
    socket.on("data", async () => {
      for (const piece of pieces) {
        socket.write(piece);
        await new Promise((resolve) => setImmediate(resolve));
      }
    });
  }).listen(0, "127.0.0.1");
  await once(server, "listening");
  const connection = await HttpConnection.open("127.0.0.1", (server.address() as { port: number }).port);
  return {
    connection,
    async [Symbol.asyncDispose]() {
      connection.close();
      for (const socket of sockets) socket.destroy();
      server.close();
      await once(server, "close");
    },
  };
}

const request = (method: string) => ({ method, head: Buffer.from(`${method} / HTTP/1.1\r\n\r\n`) });
const SIZED = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello";
const CHUNKED = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n";

describe("a connection of the generator", () => {
  for (const [name, whole, body] of [
    ["a length", SIZED, "hello"],
    ["chunks", CHUNKED, "hello world"],
  ] as const) {
    test(`reads an answer with ${name}, wherever it is cut`, async () => {
      for (let cut = 1; cut < whole.length; cut += 3) {
        await using server = await answering([whole.slice(0, cut), whole.slice(cut)]);
        for (let turn = 0; turn < 2; turn++) {
          const answer = await server.connection.send(request("GET"), { keepBody: true });
          assert.deepEqual(answer, { status: 200, bodyBytes: body.length, body });
        }
      }
    });
  }

  test("expects no body behind HEAD and 204", async () => {
    await using head = await answering(["HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"]);
    assert.equal((await head.connection.send(request("HEAD"))).bodyBytes, 0);
    await using deleted = await answering(["HTTP/1.1 204 No Content\r\n\r\n"]);
    assert.equal((await deleted.connection.send(request("DELETE"))).status, 204);
  });

  test("fails where the server goes away in the middle", async () => {
    const server = createServer((socket) => socket.once("data", () => socket.end(SIZED.slice(0, -2)))).listen(0);
    await once(server, "listening");
    const connection = await HttpConnection.open("127.0.0.1", (server.address() as { port: number }).port);
    await assert.rejects(connection.send(request("GET")), /closed the connection/);
    connection.close();
    server.close();
  });
});
