import { ok } from "node:assert/strict";
import { concatBytes, text } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import type { Connection, ConnectionHandlers, ConnectOptions, Network, NetworkListenOptions } from "../env.ts";

export interface NetworkFixture extends AsyncDisposable {
  readonly server: Network;
  readonly client: Network;
  /** The server's, as the client reaches it. */
  readonly host: string;
  /** A connection that is broken off looks like one that has ended. */
  readonly hidesResets?: boolean;
  /** Lets time pass until the promise settles. */
  settle<T>(promise: Promise<T>): Promise<T>;
}

export const TEST_NETWORK_LISTEN: NetworkListenOptions = {
  host: "127.0.0.1",
  port: 0,
  connectionsMax: 100,
  handshakeTimeoutMillis: 10_000,
};

export const TEST_CONNECT: Pick<ConnectOptions, "timeoutMillis"> = { timeoutMillis: 10_000 };

/** One end, and all that has happened to it. */
export class Side implements ConnectionHandlers {
  readonly connection: Connection;
  readonly #chunks: Uint8Array[] = [];
  receivedBytes = 0;
  hasEnded = false;
  drains = 0;
  closings: (Error | undefined)[] = [];
  /** Called with each piece, before it is kept. */
  onData: ((bytes: Uint8Array) => void) | undefined;
  #waiting: { readonly until: () => boolean; resolve(): void }[] = [];

  constructor(connection: Connection) {
    this.connection = connection;
  }

  get received(): Uint8Array {
    return concatBytes(this.#chunks);
  }

  get text(): string {
    return text(this.received);
  }

  get isClosed(): boolean {
    return this.closings.length > 0;
  }

  begin(): this {
    this.connection.begin(this);
    return this;
  }

  data(bytes: Uint8Array): void {
    this.onData?.(bytes);
    this.#chunks.push(new Uint8Array(bytes));
    this.receivedBytes += bytes.length;
    this.#check();
  }

  ended(): void {
    this.hasEnded = true;
    this.#check();
  }

  drained(): void {
    this.drains++;
    this.#check();
  }

  closed(error: Error | undefined): void {
    this.closings.push(error);
    this.#check();
  }

  until(condition: (side: this) => boolean): Promise<void> {
    if (condition(this)) return Promise.resolve();
    return new Promise((resolve) => this.#waiting.push({ until: () => condition(this), resolve }));
  }

  #check(): void {
    const waiting = this.#waiting;
    this.#waiting = waiting.filter(({ until }) => !until());
    for (const wait of waiting) if (!this.#waiting.includes(wait)) wait.resolve();
  }
}

export interface Pair extends AsyncDisposable {
  readonly server: Side;
  readonly client: Side;
}

/** Waits until the side has been told that the other one broke off. */
export async function brokenOff(fixture: NetworkFixture, side: Side): Promise<void> {
  if (fixture.hidesResets !== true) {
    await fixture.settle(side.until(({ isClosed }) => isClosed));
    ok(hasCode(side.closings[0], "CONNECTION_RESET"));
    return;
  }
  await fixture.settle(side.until(({ isClosed, hasEnded }) => isClosed || hasEnded));
  side.connection.end();
  await fixture.settle(side.until(({ isClosed }) => isClosed));
}

/** Both ends of one connection that is made and has begun. */
export async function connectedPair(
  fixture: NetworkFixture,
  options: { readonly listen?: Partial<NetworkListenOptions>; readonly connect?: Partial<ConnectOptions> } = {},
): Promise<Pair> {
  const accepted = Promise.withResolvers<Connection>();
  const listenOptions = { ...TEST_NETWORK_LISTEN, ...options.listen };
  const listener = await fixture.settle(fixture.server.listen(listenOptions, (one) => accepted.resolve(one)));
  const { host } = fixture;
  const connecting = fixture.client.connect({ ...TEST_CONNECT, host, port: listener.port, ...options.connect });
  const client = new Side(await fixture.settle(connecting)).begin();
  const server = new Side(await fixture.settle(accepted.promise)).begin();
  await fixture.settle(listener.close());
  return {
    server,
    client,
    async [Symbol.asyncDispose]() {
      for (const side of [client, server]) side.connection.destroy();
      await fixture.settle(Promise.all([client, server].map((side) => side.until(({ isClosed }) => isClosed))));
    },
  };
}
