import type { Prng } from "../../std/prng.ts";
import type { Connection, ConnectOptions, Network, NetworkListener, NetworkListenOptions } from "../env.ts";
import { type EnvError, envFailure } from "../errors.ts";
import { SimConnection } from "./connection.ts";
import type { Endpoint, Link, SimLinks } from "./links.ts";
import { type PipeItem, SimPipe } from "./pipe.ts";
import type { SimProcess } from "./process.ts";
import type { SimScheduler } from "./scheduler.ts";

const FIRST_PORT = 49_152;
const RETRY_MILLIS = 200;
const LOOPBACK: readonly string[] = ["127.0.0.1", "localhost", "::1"];

export interface SimNetworkOptions {
  /** A stream is cut at random into segments of at most so many bytes. */
  readonly segmentBytesMax: number;
  /** What may be on its way and in the receiving machine's memory, each way of a connection. */
  readonly windowBytes: number;
  /** How long a machine tries to reach another one before it gives a connection up. */
  readonly silenceMillisMax: number;
}

export const SIM_NETWORK_DEFAULTS: SimNetworkOptions = {
  segmentBytesMax: 16_384,
  windowBytes: 262_144,
  silenceMillisMax: 15_000,
};

interface OpenPort {
  readonly options: NetworkListenOptions;
  readonly accept: (connection: Connection) => void;
  readonly connections: Set<SimConnection>;
}

interface Host {
  readonly name: string;
  /** What its links are called. */
  endpoint: Endpoint;
  /** What its certificate says. */
  certificateNames: readonly string[];
  process: SimProcess | undefined;
  isUp: boolean;
  nextPort: number;
  readonly ports: Map<number, OpenPort>;
  readonly connections: Set<SimConnection>;
}

/** One attempt to connect, between the machine that makes it and the process that waits. */
interface Attempt {
  readonly client: Host;
  readonly process: SimProcess;
  readonly options: ConnectOptions;
  isOver: boolean;
  connected(connection: SimConnection): void;
  failed(error: EnvError): void;
}

export interface SimMountOptions {
  /** What the host's certificate says, where TLS is used; its own name by default. */
  readonly certificateNames?: readonly string[];
  /** What the host's links are called, where that is not its name. */
  readonly endpoint?: Endpoint;
}

/** Streams of bytes between the hosts of a simulation, over its links. */
export class SimNetwork {
  readonly links: SimLinks;
  readonly #scheduler: SimScheduler;
  readonly #prng: Prng;
  readonly #options: SimNetworkOptions;
  readonly #hosts = new Map<string, Host>();

  constructor(scheduler: SimScheduler, links: SimLinks, prng: Prng, options: Partial<SimNetworkOptions> = {}) {
    this.links = links;
    this.#scheduler = scheduler;
    this.#prng = prng;
    this.#options = { ...SIM_NETWORK_DEFAULTS, ...options };
  }

  /** For one run of a process on the named host. */
  mount(name: string, process: SimProcess, options: SimMountOptions = {}): Network {
    const host = this.#host(name);
    host.process = process;
    host.isUp = true;
    host.certificateNames = options.certificateNames ?? [name];
    host.endpoint = options.endpoint ?? name;
    return {
      listen: async (options, accept) => this.#listen(host, options, accept),
      connect: (options) => this.#connect(host, process, options),
    };
  }

  /** The process of the host is gone: its machine ends its connections, and answers for it. */
  kill(name: string): void {
    const host = this.#host(name);
    host.ports.clear();
    for (const connection of [...host.connections]) connection.abandon();
  }

  /** The machine is off: until a process runs again it answers nothing, and then it knows no connection from before. */
  crash(name: string): void {
    const host = this.#host(name);
    host.isUp = false;
    host.ports.clear();
    for (const connection of [...host.connections]) connection.crash();
  }

  #host(name: string): Host {
    let host = this.#hosts.get(name);
    if (host === undefined) {
      host = {
        name,
        endpoint: name,
        certificateNames: [name],
        process: undefined,
        isUp: false,
        nextPort: FIRST_PORT,
        ports: new Map(),
        connections: new Set(),
      };
      this.#hosts.set(name, host);
    }
    return host;
  }

  #listen(host: Host, options: NetworkListenOptions, accept: (connection: Connection) => void): NetworkListener {
    const port = options.port === 0 ? host.nextPort++ : options.port;
    if (host.ports.has(port)) throw envFailure("ADDRESS_TAKEN", { data: { host: options.host, port } });
    const open: OpenPort = { options, accept, connections: new Set() };
    host.ports.set(port, open);
    return {
      port,
      async close() {
        if (host.ports.get(port) === open) host.ports.delete(port);
      },
    };
  }

  #connect(client: Host, process: SimProcess, options: ConnectOptions): Promise<Connection> {
    const { host, port, timeoutMillis, signal } = options;
    const server = LOOPBACK.includes(host) ? client : this.#hosts.get(host);
    return new Promise((resolve, reject) => {
      signal?.throwIfAborted();
      const data = { host, port };
      const settle = (end: () => void): void => {
        if (attempt.isOver) return;
        attempt.isOver = true;
        timer.cancel();
        signal?.removeEventListener("abort", abort);
        end();
      };
      const attempt: Attempt = {
        client,
        process,
        options,
        isOver: false,
        connected: (connection) => {
          process.receive("connected", () => {
            if (attempt.isOver) connection.destroy();
            else settle(() => resolve(connection));
          });
        },
        failed: (error) => process.receive("not connected", () => settle(() => reject(error))),
      };
      const abort = (): void => settle(() => reject(signal!.reason));
      signal?.addEventListener("abort", abort);
      const timer = process.after(timeoutMillis, "connect times out", () => {
        attempt.failed(envFailure("CONNECT_TIMED_OUT", { what: `${host}:${port} did not answer in time.`, data }));
      });
      if (server === undefined) attempt.failed(envFailure("HOST_UNREACHABLE", { data }));
      else this.#knock(attempt, server);
    });
  }

  /** Asks the other machine until it answers. */
  #knock(attempt: Attempt, server: Host): void {
    const { client } = attempt;
    const link = this.links.link(client.endpoint, server.endpoint);
    this.#later(link, () => {
      if (attempt.isOver || !attempt.process.isAlive) return;
      if (link.isCut || !server.isUp || this.links.drawLoss(link)) {
        this.#scheduler.after(RETRY_MILLIS, "connect again", () => this.#knock(attempt, server));
      } else {
        this.#answer(attempt, server);
      }
    });
  }

  #answer(attempt: Attempt, server: Host): void {
    const { client, options } = attempt;
    const { host, port } = options;
    const open = server.ports.get(port);
    const process = server.process;
    const refusal =
      open === undefined || process === undefined
        ? envFailure("CONNECTION_REFUSED", { what: `Nothing listens at ${host}:${port}.`, data: { host, port } })
        : tlsRefusal(attempt, open.options, server);
    if (refusal !== undefined) {
      this.#later(this.links.link(server.endpoint, client.endpoint), () => attempt.failed(refusal));
      return;
    }
    const [ours, theirs] = this.#pair(attempt, server, process!);
    for (const connection of open!.connections) if (connection.isGone) open!.connections.delete(connection);
    if (open!.connections.size >= open!.options.connectionsMax) {
      theirs.destroy();
      return;
    }
    open!.connections.add(theirs);
    process!.receive("accept", () => {
      if (ours.isGone && theirs.isGone) return;
      open!.accept(theirs);
    });
  }

  /** Both ends of a connection, each with the pipe that leads to the other. */
  #pair(attempt: Attempt, server: Host, process: SimProcess): [SimConnection, SimConnection] {
    const { client, options } = attempt;
    const serverNames = options.tls === undefined ? [] : server.certificateNames;
    const clientNames = options.tls?.certFile === undefined ? [] : client.certificateNames;
    const toServer = this.#pipe(client, server, () => [ours, theirs, toClient]);
    const toClient = this.#pipe(
      server,
      client,
      () => [theirs, ours, toServer],
      () => attempt.connected(ours),
    );
    const ours: SimConnection = this.#end(client, server, attempt.process, toServer, serverNames);
    const theirs: SimConnection = this.#end(server, client, process, toClient, clientNames);
    toClient.push({ kind: "opened" });
    return [ours, theirs];
  }

  #pipe(
    from: Host,
    to: Host,
    ends: () => readonly [source: SimConnection, target: SimConnection, back: SimPipe],
    opened?: () => void,
  ): SimPipe {
    return new SimPipe({
      scheduler: this.#scheduler,
      links: this.links,
      link: this.links.link(from.endpoint, to.endpoint),
      silenceMillisMax: this.#options.silenceMillisMax,
      isUp: () => to.isUp,
      arrived: (item) => {
        const [, target, back] = ends();
        if (target.isGone) {
          if (item.kind !== "reset" && item.kind !== "taken") back.push({ kind: "reset" });
        } else {
          target.take(item);
          if (item.kind === "opened") opened?.();
        }
      },
      givenUp: (item) => {
        const [source, target] = ends();
        waiterFor(item, source, target).timeOut();
      },
    });
  }

  #end(host: Host, remote: Host, process: SimProcess, out: SimPipe, peerNames: readonly string[]): SimConnection {
    const link = this.links.link(host.endpoint, remote.endpoint);
    const connection: SimConnection = new SimConnection(out, {
      process,
      prng: this.#prng,
      remoteAddress: remote.name,
      peerNames,
      segmentBytesMax: this.#options.segmentBytesMax,
      windowBytes: this.#options.windowBytes,
      drawReset: () => this.links.drawReset(link),
      gone: () => host.connections.delete(connection),
    });
    host.connections.add(connection);
    return connection;
  }

  #later(link: Link, run: () => void): void {
    this.#scheduler.after(this.links.drawDelayMillis(link) + this.links.drawStallMillis(link), link.label, run);
  }
}

/** Who waits in vain: for what was sent its sender, for the word that it was taken he who had sent it. */
function waiterFor(item: PipeItem, source: SimConnection, target: SimConnection): SimConnection {
  return item.kind === "taken" ? target : source;
}

function tlsRefusal({ options, client }: Attempt, listen: NetworkListenOptions, server: Host): EnvError | undefined {
  const { tls, takesAnonymous = false } = listen;
  const refuse = (reason: string): EnvError => {
    const what = `TLS with ${server.name} failed: ${reason}.`;
    return envFailure("TLS_REFUSED", { what, data: { host: options.host, port: options.port, client: client.name } });
  };
  if (options.tls === undefined && tls === undefined) return undefined;
  if (options.tls === undefined || tls === undefined) return refuse("only one side uses it");
  if (tls.caFile !== undefined) {
    if (options.tls.caFile !== tls.caFile) return refuse("the certificate comes from an authority that is not known");
    if (options.tls.certFile === undefined && !takesAnonymous) return refuse("the client shows no certificate");
  }
  if (!server.certificateNames.includes(options.tls.peerName)) return refuse("the certificate has another name");
  return undefined;
}
