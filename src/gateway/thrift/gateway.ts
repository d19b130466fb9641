import type { Connection, Env, ListenTls, NetworkListener } from "../../env/index.ts";
import type { Ids } from "../../service/ids/index.ts";
import { type ClientParts, ThriftClient } from "./client.ts";

export interface ThriftOptions {
  readonly host: string;
  /** 0 takes any free port. */
  readonly port: number;
  readonly tls?: ListenTls | undefined;
  /** Further clients are closed at once. */
  readonly connectionsMax: number;
  readonly idleMillisMax: number;
  /** How long what runs may take to end when the gateway closes. */
  readonly drainMillis: number;
}

export interface ThriftGatewayParts {
  readonly env: Pick<Env, "clock" | "timers" | "network">;
  readonly ids: Pick<Ids, "next">;
  readonly options: ThriftOptions;
  readonly onUnexpected: (error: unknown) => void;
}

/** Opens the listener; rejects where it can not have its address. */
export async function openThriftGateway(parts: ThriftGatewayParts): Promise<ThriftGateway> {
  const gateway = new ThriftGateway(parts);
  await gateway.listen();
  return gateway;
}

/** Twitter's Snowflake service, to whoever can reach the listener: its clients have no credential to show. */
export class ThriftGateway implements AsyncDisposable {
  readonly #parts: ThriftGatewayParts;
  readonly #clientParts: ClientParts;
  readonly #clients = new Set<ThriftClient>();
  #listener: NetworkListener | undefined;
  #onEmpty: () => void = () => {};

  constructor(parts: ThriftGatewayParts) {
    const { env, ids, options, onUnexpected } = parts;
    const { idleMillisMax } = options;
    this.#parts = parts;
    this.#clientParts = { ids, clock: env.clock, timers: env.timers, idleMillisMax, onUnexpected };
  }

  async listen(): Promise<void> {
    const { env, options } = this.#parts;
    const { host, port, tls, connectionsMax, idleMillisMax } = options;
    this.#listener = await env.network.listen(
      { host, port, tls, connectionsMax, handshakeTimeoutMillis: idleMillisMax },
      (connection) => this.#accept(connection),
    );
  }

  get port(): number {
    return this.#listener!.port;
  }

  get clients(): number {
    return this.#clients.size;
  }

  /** Takes no new client, answers what has come, and cuts off who is still there after that. */
  async [Symbol.asyncDispose](): Promise<void> {
    await this.#listener?.close();
    const { promise, resolve } = Promise.withResolvers<void>();
    this.#onEmpty = resolve;
    const timer = this.#parts.env.timers.after(this.#parts.options.drainMillis, resolve);
    for (const client of this.#clients) client.finish();
    if (this.#clients.size > 0) await promise;
    timer.cancel();
    for (const client of this.#clients) client.destroy();
  }

  #accept(connection: Connection): void {
    const client = new ThriftClient(this.#clientParts, connection, () => {
      this.#clients.delete(client);
      if (this.#clients.size === 0) this.#onEmpty();
    });
    this.#clients.add(client);
    client.begin();
  }
}
