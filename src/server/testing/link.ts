import { once } from "node:events";
import { type AddressInfo, connect as connectTo, createServer, type Server, type Socket } from "node:net";
import { setTimeout as sleep } from "node:timers/promises";

/** One direction between two nodes: a proxy that a test cuts and slows down. */
export class Link implements AsyncDisposable {
  isCut = false;
  delayMillis = 0;
  readonly #server: Server;
  readonly #sockets = new Set<Socket>();

  static async to(port: number): Promise<Link> {
    const link = new Link(port);
    link.#server.listen(0, "127.0.0.1");
    await once(link.#server, "listening");
    return link;
  }

  private constructor(target: number) {
    this.#server = createServer((from) => {
      if (this.isCut) {
        from.destroy();
        return;
      }
      const to = connectTo(target, "127.0.0.1");
      this.#carry(from, to);
      this.#carry(to, from);
    });
  }

  get port(): number {
    return (this.#server.address() as AddressInfo).port;
  }

  cut(): void {
    this.isCut = true;
    for (const socket of this.#sockets) socket.destroy();
  }

  heal(): void {
    this.isCut = false;
    this.delayMillis = 0;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.cut();
    this.#server.close();
  }

  #carry(from: Socket, to: Socket): void {
    this.#sockets.add(from);
    let order = Promise.resolve();
    from.on("data", (bytes) => {
      const { delayMillis } = this;
      const arrival = delayMillis > 0 ? sleep(delayMillis) : undefined;
      order = order.then(() => arrival).then(() => void to.write(bytes));
    });
    from.on("error", () => {});
    from.on("close", () => {
      this.#sockets.delete(from);
      to.destroy();
    });
  }
}
