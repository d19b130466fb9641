import { utf8 } from "../../std/bytes.ts";
import type { ByteSource } from "../../std/source.ts";
import type { Exchange, HttpListenOptions, HttpServers } from "../env.ts";

export interface ClientRequest {
  readonly method: string;
  readonly target: string;
  /** Names and values in turn; the fixture adds what its transport needs. */
  readonly headers?: readonly string[];
  readonly body?: Uint8Array | ByteSource;
  /** Goes away in the middle of the exchange. */
  readonly signal?: AbortSignal;
}

export interface ClientReply {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

export interface HttpFixture extends AsyncDisposable {
  readonly http: HttpServers;
  /** Rejects if the connection breaks before the reply is complete. */
  request(port: number, request: ClientRequest): Promise<ClientReply>;
}

export const TEST_LISTEN: HttpListenOptions = {
  host: "127.0.0.1",
  port: 0,
  headerBytesMax: 16_384,
  headersTimeoutMillis: 10_000,
  idleTimeoutMillis: 10_000,
  connectionsMax: 100,
  malformed: (status) => ({ headers: ["content-type", "text/plain"], body: utf8(`malformed ${status}`) }),
};

export interface Served extends AsyncDisposable {
  readonly port: number;
  request(request: ClientRequest): Promise<ClientReply>;
  close(graceMillis?: number): Promise<void>;
  /** Every handler that was called has ended; rethrows what one threw. */
  idle(): Promise<void>;
}

export async function serve(
  fixture: HttpFixture,
  handle: (exchange: Exchange) => Promise<void>,
  options: Partial<HttpListenOptions> = {},
): Promise<Served> {
  const handled: Promise<unknown>[] = [];
  const listener = await fixture.http.listen({ ...TEST_LISTEN, ...options }, (exchange) => {
    // The reply's own failure is the test's to judge; a failed assertion comes out of `idle`.
    handled.push(handle(exchange).catch((error: unknown) => error));
  });
  const idle = async (): Promise<void> => {
    for (const error of await Promise.all(handled)) if (error !== undefined) throw error;
  };
  return {
    port: listener.port,
    request: (request) => fixture.request(listener.port, request),
    close: (graceMillis = 0) => listener.close(graceMillis),
    idle,
    async [Symbol.asyncDispose]() {
      await listener.close(0);
      await idle();
    },
  };
}
