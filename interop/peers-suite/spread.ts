import { once } from "node:events";
import { type AddressInfo, connect, createServer, type Socket } from "node:net";

// A port behind which several servers are one: each request on a connection goes to the next of them, whatever it is. The bytes stay
// as they are, for the suite sends requests that an HTTP proxy would mend.
//
// A client that sends after it was answered sends its next request: none here sends two without waiting. `100 Continue` is no answer.

const CONTINUE = "HTTP/1.1 100";

export interface Spread extends AsyncDisposable {
  /** `http://127.0.0.1:PORT` */
  readonly url: string;
}

export async function spreadOver(urls: readonly string[]): Promise<Spread> {
  const ports = urls.map((url) => Number(new URL(url).port));
  const clients = new Set<Socket>();
  let next = 0;
  const server = createServer((client) => {
    clients.add(client);
    client.on("close", () => clients.delete(client));
    carry(client, () => ports[next++ % ports.length]!);
  });
  await once(server.listen(0, "127.0.0.1"), "listening");
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`,
    async [Symbol.asyncDispose]() {
      for (const client of clients) client.destroy();
      server.close();
    },
  };
}

function carry(client: Socket, nextPort: () => number): void {
  const upstreams = new Map<number, Socket>();
  let current: Socket | undefined;
  let isAnswered = true;
  const open = (port: number): Socket => {
    const upstream = connect(port, "127.0.0.1");
    upstream.setNoDelay(true);
    upstreams.set(port, upstream);
    upstream.on("data", (bytes) => {
      if (!isAnswered) isAnswered = bytes.toString("latin1", 0, CONTINUE.length) !== CONTINUE;
      if (!client.write(bytes)) {
        upstream.pause();
        client.once("drain", () => upstream.resume());
      }
    });
    upstream.on("error", () => upstream.destroy());
    // Only the one that was asked last has something to say: the others' connections are idle.
    upstream.on("close", () => {
      upstreams.delete(port);
      if (upstream === current) client.end();
    });
    return upstream;
  };
  client.setNoDelay(true);
  client.on("data", (bytes) => {
    if (isAnswered || current === undefined) {
      const port = nextPort();
      current = upstreams.get(port) ?? open(port);
      isAnswered = false;
    }
    const upstream = current;
    if (!upstream.write(bytes)) {
      client.pause();
      upstream.once("drain", () => client.resume());
    }
  });
  client.on("error", () => client.destroy());
  client.on("close", () => {
    for (const upstream of upstreams.values()) upstream.destroy();
  });
}
