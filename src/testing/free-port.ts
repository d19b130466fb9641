import { once } from "node:events";
import { createServer } from "node:net";

/** Below what operating systems hand out themselves (32768 on Linux, 49152 elsewhere): no outgoing connection takes such a port meanwhile. */
const FIRST = 10_000;
const END = 32_768;

/**
 * Free a moment ago, on loopback: for servers that have to be told a port before they start, and again when they are restarted.
 * Drawn at random, so that programs that look at the same time hardly meet.
 */
export async function freePort(): Promise<number> {
  for (;;) {
    const port = FIRST + Math.floor(Math.random() * (END - FIRST));
    const server = createServer().listen(port, "127.0.0.1");
    try {
      await once(server, "listening");
    } catch (error) {
      if ((error as NodeJS.ErrnoException).code === "EADDRINUSE") continue;
      throw error;
    }
    await once(server.close(), "close");
    return port;
  }
}
