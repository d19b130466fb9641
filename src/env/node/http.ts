import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from "node:http";
import { createServer as createSecureServer, type Server as SecureServer } from "node:https";
import type { AddressInfo, Socket } from "node:net";
import { assert } from "../../std/assert.ts";
import type { Exchange, HttpListener, HttpListenOptions, HttpServers } from "../env.ts";
import { addressFailure } from "./address-errors.ts";
import { Connection, type ListenerState } from "./http-connection.ts";
import { NodeExchange } from "./http-exchange.ts";
import { type MalformedStatus, malformedStatus, sendMalformed } from "./http-malformed.ts";
import { loadTls, TlsWatch, versionOf } from "./tls-files.ts";

const TCP_KEEP_ALIVE_MILLIS = 30_000;
const CHECK_MILLIS_MAX = 5_000;
const SWEEPS_PER_IDLE_TIME = 4;

/** HTTP/1.1 by node:http, with its strict parser. */
export const nodeHttp: HttpServers = {
  async listen(options, handle) {
    const secure = options.tls === undefined ? undefined : await openSecure(options, options.tls);
    const server = secure?.server ?? createServer(serverOptions(options));
    const listener = new NodeListener(server, options, secure?.watch, handle);
    await listener.open();
    return listener;
  },
};

async function openSecure(
  options: HttpListenOptions,
  files: NonNullable<HttpListenOptions["tls"]>,
): Promise<{ server: SecureServer; watch: TlsWatch }> {
  // The version first: a change between the two is then found by the watch.
  const version = await versionOf(files);
  const server = createSecureServer({
    ...serverOptions(options),
    ...(await loadTls(files)),
    handshakeTimeout: options.headersTimeoutMillis,
  });
  const watch = new TlsWatch(files, version, (changed) => server.setSecureContext(changed));
  return { server, watch };
}

function serverOptions(options: HttpListenOptions): ServerOptions {
  return {
    insecureHTTPParser: false,
    maxHeaderSize: options.headerBytesMax,
    headersTimeout: options.headersTimeoutMillis,
    // How long a whole request takes is the client's affair as long as bytes move.
    requestTimeout: 0,
    connectionsCheckingInterval: Math.min(CHECK_MILLIS_MAX, Math.ceil(options.headersTimeoutMillis / 4)),
    // Ours to watch: a timer a socket, set anew at each of its requests, would cost a tenth of a short exchange.
    keepAliveTimeout: 0,
    keepAlive: true,
    keepAliveInitialDelay: TCP_KEEP_ALIVE_MILLIS,
    // Ours to check, so that the answer has the gateway's form.
    requireHostHeader: false,
    ...OPTIMIZE_EMPTY,
  };
}

/** Spares requests without a body the life of a stream. Newer than the typings. */
const OPTIMIZE_EMPTY = { optimizeEmptyRequests: true };

class NodeListener implements HttpListener {
  readonly #server: Server;
  readonly #options: HttpListenOptions;
  readonly #watch: TlsWatch | undefined;
  readonly #state: ListenerState;
  readonly #handle: (exchange: Exchange) => void;
  readonly #connections = new Map<Socket, Connection>();
  #sweep: NodeJS.Timeout | undefined;
  #port = 0;
  #closing: Promise<void> | undefined;

  constructor(
    server: Server,
    options: HttpListenOptions,
    watch: TlsWatch | undefined,
    handle: (exchange: Exchange) => void,
  ) {
    this.#server = server;
    this.#options = options;
    this.#watch = watch;
    this.#handle = handle;
    this.#state = { isSecure: options.tls !== undefined, isClosing: false };
    server.maxConnections = options.connectionsMax;
    // Bounded by the bytes of the headers; node would drop what is beyond its own count without a word.
    server.maxHeadersCount = 0;
    server.on(this.#state.isSecure ? "secureConnection" : "connection", (socket: Socket) => this.#connected(socket));
    server.on("request", (request: IncomingMessage, response: ServerResponse) => this.#begin(request, response, false));
    server.on("checkContinue", (request: IncomingMessage, response: ServerResponse) =>
      this.#begin(request, response, true),
    );
    // RFC 9110, 10.1.1: an expectation that is not known may be left alone. Node's own answer would be 417.
    server.on("checkExpectation", (request: IncomingMessage, response: ServerResponse) =>
      this.#begin(request, response, false),
    );
    server.on("clientError", (error: Error, socket: Socket) => this.#failed(error, socket));
    server.on("timeout", (socket: Socket) => this.#connections.get(socket)?.stalled());
  }

  get port(): number {
    return this.#port;
  }

  open(): Promise<void> {
    const { host, port } = this.#options;
    return new Promise((resolve, reject) => {
      const refuse = (cause: Error): void => {
        this.#watch?.stop();
        reject(addressFailure(cause, host, port));
      };
      this.#server.once("error", refuse);
      this.#server.listen({ host, port }, () => {
        this.#server.off("error", refuse);
        this.#sweep = setInterval(() => this.#findQuiet(), this.#options.idleTimeoutMillis / SWEEPS_PER_IDLE_TIME);
        this.#sweep.unref();
        this.#port = (this.#server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  close(graceMillis: number): Promise<void> {
    this.#closing ??= this.#close(graceMillis);
    return this.#closing;
  }

  async #close(graceMillis: number): Promise<void> {
    this.#state.isClosing = true;
    this.#watch?.stop();
    const closed = new Promise<void>((resolve) => this.#server.close(() => resolve()));
    const timer = setTimeout(() => this.#server.closeAllConnections(), graceMillis);
    await closed;
    clearTimeout(timer);
    clearInterval(this.#sweep);
  }

  #connected(socket: Socket): void {
    this.#connections.set(socket, new Connection(socket, this.#state, this.#handle));
    socket.once("close", () => this.#connections.delete(socket));
  }

  #begin(request: IncomingMessage, response: ServerResponse, expectsContinue: boolean): void {
    const { socket } = request;
    const connection = this.#connections.get(socket);
    assert(connection !== undefined, "a request comes on a known connection");
    if (request.headers.host === undefined && request.httpVersion === "1.1") this.#refuse(socket, 400);
    else connection.begin(new NodeExchange(connection, request, response, expectsContinue));
  }

  /** Bytes that no request can be made of, a request that does not come to its end, or a connection that broke. */
  #failed(error: Error, socket: Socket): void {
    const status = malformedStatus(error);
    if (status === undefined) socket.destroy();
    else this.#refuse(socket, status);
  }

  #refuse(socket: Socket, status: MalformedStatus): void {
    const isIdle = this.#connections.get(socket)?.isIdle ?? true;
    // In the middle of an exchange an answer could land in the middle of its reply.
    if (isIdle && socket.writable) sendMalformed(socket, status, this.#options.malformed);
    else socket.destroy();
  }

  #findQuiet(): void {
    const quietMillis = this.#options.idleTimeoutMillis / SWEEPS_PER_IDLE_TIME;
    for (const connection of this.#connections.values()) connection.checkProgress(quietMillis);
  }
}
