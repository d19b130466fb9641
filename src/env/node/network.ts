import { type AddressInfo, connect, createServer, type Server, type Socket } from "node:net";
import { createServer as createSecureServer, connect as secureConnect, type TLSSocket } from "node:tls";
import type { Connection, ConnectOptions, ListenTls, Network, NetworkListener, NetworkListenOptions } from "../env.ts";
import { envFailure } from "../errors.ts";
import { addressFailure } from "./address-errors.ts";
import { adopt, carrierOf, NodeConnection } from "./network-connection.ts";
import { connectFailure, connectTimeout, tlsFailure } from "./network-errors.ts";
import { loadTls, TlsWatch, versionOf } from "./tls-files.ts";

const TLS_VERSION_MIN = "TLSv1.3";
/** Of those who need not show a certificate: other people's clients. */
const PUBLIC_TLS_VERSION_MIN = "TLSv1.2";

/** TCP by node:net, with TLS by node:tls. */
export const nodeNetwork: Network = {
  async listen(options, accept) {
    const listener = new NodeListener(options, accept);
    await listener.open();
    return listener;
  },
  async connect(options) {
    options.signal?.throwIfAborted();
    // Read for each connection, so that one made after a change shows the new certificate.
    const secrets = options.tls === undefined ? undefined : await loadTls(options.tls);
    options.signal?.throwIfAborted();
    const { host, port, tls } = options;
    const connection = new NodeConnection((onread) => {
      const how = { host, port, onread, allowHalfOpen: true };
      if (tls === undefined) return connect(how).pause();
      return secureConnect({ ...how, ...secrets, servername: tls.peerName, minVersion: TLS_VERSION_MIN }).pause();
    });
    return established(connection, options);
  },
};

function established(connection: NodeConnection, options: ConnectOptions): Promise<Connection> {
  const { socket } = connection;
  return new Promise((resolve, reject) => {
    let isConnected = false;
    const settle = (end: () => void): void => {
      clearTimeout(timer);
      options.signal?.removeEventListener("abort", abort);
      socket.off("error", fail);
      end();
    };
    const giveUp = (error: unknown): void => {
      settle(() => reject(error));
      connection.destroy();
    };
    const fail = (cause: Error): void => giveUp(connectFailure(cause, options, isConnected));
    const abort = (): void => giveUp(options.signal!.reason);
    const timer = setTimeout(() => giveUp(connectTimeout(options)), options.timeoutMillis);
    options.signal?.addEventListener("abort", abort);
    socket.on("error", fail);
    socket.once("connect", () => {
      isConnected = true;
    });
    socket.once(options.tls === undefined ? "connect" : "secureConnect", () => {
      connection.established();
      settle(() => resolve(connection));
    });
  });
}

class NodeListener implements NetworkListener {
  readonly #options: NetworkListenOptions;
  readonly #accept: (connection: Connection) => void;
  readonly #connections = new Set<NodeConnection>();
  #server: Server | undefined;
  #watch: TlsWatch | undefined;
  #port = 0;
  #isClosed = false;

  constructor(options: NetworkListenOptions, accept: (connection: Connection) => void) {
    this.#options = options;
    this.#accept = accept;
  }

  get port(): number {
    return this.#port;
  }

  async open(): Promise<void> {
    const { host, port, tls } = this.#options;
    const server = tls === undefined ? this.#openPlain() : await this.#openSecure(tls);
    this.#server = server;
    await new Promise<void>((resolve, reject) => {
      const refuse = (cause: Error): void => {
        this.#watch?.stop();
        reject(addressFailure(cause, host, port));
      };
      server.once("error", refuse);
      server.listen({ host, port }, () => {
        server.off("error", refuse);
        // The system had no room for one that came.
        server.on("error", (error) => this.#options.refused?.("", error));
        this.#port = (server.address() as AddressInfo).port;
        resolve();
      });
    });
  }

  async close(): Promise<void> {
    if (this.#isClosed) return;
    this.#isClosed = true;
    this.#watch?.stop();
    // Its own promise would wait for the last connection.
    this.#server?.close();
  }

  #openPlain(): Server {
    const server = createServer({ allowHalfOpen: true, pauseOnConnect: true });
    server.on("connection", (accepted: Socket) => {
      if (this.#isFull) accepted.resetAndDestroy();
      else this.#begin(new NodeConnection((onread) => adopt(accepted, onread)));
    });
    return server;
  }

  async #openSecure(files: ListenTls): Promise<Server> {
    const { handshakeTimeoutMillis, connectionsMax, refused, takesAnonymous = false } = this.#options;
    const isMutual = files.caFile !== undefined;
    const minVersion = isMutual ? TLS_VERSION_MIN : PUBLIC_TLS_VERSION_MIN;
    // The version first: a change between the two is then found by the watch.
    const version = await versionOf(files);
    const server = createSecureServer({
      ...(await loadTls(files)),
      requestCert: isMutual,
      // Where they need not show one, those who show a bad one are sent away below.
      rejectUnauthorized: isMutual && !takesAnonymous,
      minVersion,
      handshakeTimeout: handshakeTimeoutMillis,
      allowHalfOpen: true,
    });
    // Those in the middle of their handshake count as well.
    server.maxConnections = connectionsMax;
    this.#watch = new TlsWatch(files, version, (changed) => {
      server.setSecureContext({ ...changed, minVersion });
    });
    server.on("secureConnection", (socket: TLSSocket) => {
      if (this.#isFull || this.#isClosed) socket.destroy();
      else if (!socket.authorized && socket.getPeerX509Certificate() !== undefined) {
        const { remoteAddress = "", authorizationError } = socket;
        const what = `TLS with ${remoteAddress} failed: its certificate is not to be trusted (${authorizationError}).`;
        refused?.(remoteAddress, envFailure("TLS_REFUSED", { what, data: { remoteAddress } }));
        socket.destroy();
      } else this.#begin(new NodeConnection(() => socket.pause()));
    });
    // Asked for while it is there: a broken connection has forgotten it.
    server.on("connection", (carrier: Socket) => void carrier.remoteAddress);
    server.on("tlsClientError", (error: Error, socket: TLSSocket) => {
      const remoteAddress = carrierOf(socket)?.remoteAddress ?? "";
      refused?.(remoteAddress, tlsFailure(error, remoteAddress, { remoteAddress }));
      socket.destroy();
    });
    return server;
  }

  get #isFull(): boolean {
    return this.#connections.size >= this.#options.connectionsMax;
  }

  #begin(connection: NodeConnection): void {
    this.#connections.add(connection);
    connection.socket.once("close", () => this.#connections.delete(connection));
    connection.established();
    this.#accept(connection);
  }
}
