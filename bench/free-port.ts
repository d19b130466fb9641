import { once } from "node:events";
import { createServer } from "node:net";

/** Free a moment ago: for programs that can not say themselves which port they took. */
export async function freePort(): Promise<number> {
  const server = createServer().listen(0, "127.0.0.1");
  await once(server, "listening");
  const { port } = server.address() as { port: number };
  await once(server.close(), "close");
  return port;
}
