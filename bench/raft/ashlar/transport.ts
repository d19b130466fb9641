// Frames between the nodes of a benchmark, over TCP on loopback and in the clear. Each node makes a connection to every
// other one for what it sends; a frame is its length (4) and its bytes, and the first four bytes on a connection say who
// speaks.

import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { Transport, TransportHandlers } from "../../../src/host/index.ts";

const RETRY_MILLIS = 100;
/** What waits for one node; more is dropped. */
const QUEUE_BYTES_MAX = 64 * 1024 * 1024;
const HEAD_BYTES = 4;

/** `ports` of all nodes, the first one's first; this node listens on its own. */
export async function startTransport(nodeId: number, ports: readonly number[]): Promise<Transport> {
  const links = new Map(
    ports.flatMap((port, at) => (at + 1 === nodeId ? [] : [[at + 1, new Link(nodeId, port)] as const])),
  );
  const incoming = new Set<Socket>();
  const server = createServer({ noDelay: true });
  return {
    async start(handlers) {
      server.on("connection", (socket) => {
        incoming.add(socket);
        socket.once("close", () => incoming.delete(socket));
        receive(socket, handlers);
      });
      server.listen(ports[nodeId - 1], "127.0.0.1");
      await once(server, "listening");
      for (const [to, link] of links) link.open(() => handlers.unreachable(to));
    },
    send: (to, frame) => links.get(to)?.send(frame) ?? false,
    async [Symbol.asyncDispose]() {
      for (const link of links.values()) link.close();
      for (const socket of incoming) socket.destroy();
      server.close();
    },
  };
}

class Link {
  readonly #nodeId: number;
  readonly #port: number;
  #socket: Socket | undefined;
  #isClosed = false;

  constructor(nodeId: number, port: number) {
    this.#nodeId = nodeId;
    this.#port = port;
  }

  open(broken: () => void): void {
    if (this.#isClosed) return;
    const socket = connect({ host: "127.0.0.1", port: this.#port, noDelay: true });
    socket.once("connect", () => {
      socket.write(lengthOf(this.#nodeId));
      this.#socket = socket;
    });
    socket.on("error", () => socket.destroy());
    socket.once("close", () => {
      this.#socket = undefined;
      broken();
      setTimeout(() => this.open(broken), RETRY_MILLIS);
    });
  }

  send(frame: Uint8Array): boolean {
    const socket = this.#socket;
    if (socket === undefined || socket.writableLength > QUEUE_BYTES_MAX) return false;
    socket.cork();
    socket.write(lengthOf(frame.length));
    socket.write(frame);
    process.nextTick(() => socket.uncork());
    return true;
  }

  close(): void {
    this.#isClosed = true;
    this.#socket?.destroy();
  }
}

function lengthOf(bytes: number): Buffer {
  const head = Buffer.alloc(HEAD_BYTES);
  head.writeUInt32BE(bytes);
  return head;
}

function receive(socket: Socket, handlers: TransportHandlers): void {
  let from = 0;
  /** What has come of a frame, and how long it is with its length. */
  let parts: Buffer[] = [];
  let [gathered, awaited] = [0, HEAD_BYTES];
  socket.on("error", () => socket.destroy());
  socket.on("data", (chunk: Buffer) => {
    parts.push(chunk);
    gathered += chunk.length;
    if (gathered < awaited) return;
    const bytes = parts.length === 1 ? chunk : Buffer.concat(parts);
    let at = 0;
    awaited = HEAD_BYTES;
    while (bytes.length - at >= HEAD_BYTES) {
      const head = bytes.readUInt32BE(at);
      if (from === 0) {
        from = head;
        at += HEAD_BYTES;
        continue;
      }
      awaited = HEAD_BYTES + head;
      if (bytes.length - at < awaited) break;
      handlers.receive(from, bytes.subarray(at + HEAD_BYTES, at + awaited));
      at += awaited;
      awaited = HEAD_BYTES;
    }
    parts = at === bytes.length ? [] : [bytes.subarray(at)];
    gathered = bytes.length - at;
  });
}
