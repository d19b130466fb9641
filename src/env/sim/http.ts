import type { Exchange, HttpListener, HttpListenOptions, HttpServers } from "../env.ts";
import { envFailure } from "../errors.ts";
import { SimExchange, type SimReply, type SimRequest } from "./http-exchange.ts";
import type { SimProcess } from "./process.ts";

const FIRST_PORT = 49_152;

interface OpenPort {
  readonly options: HttpListenOptions;
  readonly process: SimProcess | undefined;
  readonly running: Set<SimExchange>;
  handle(exchange: Exchange): void;
  /** Called when the last running exchange has ended. */
  drained: (() => void) | undefined;
}

/** The HTTP ports of one machine, and its clients: exchanges without sockets. */
export class SimHttp {
  readonly #ports = new Map<number, OpenPort>();
  #nextPort = FIRST_PORT;

  /** For one run of a process. Without one, requests reach their handler at once. */
  mount(process?: SimProcess): HttpServers {
    return { listen: async (options, handle) => this.#listen(options, handle, process) };
  }

  /** Rejects with CONNECTION_LOST where the server is not there or ends before its reply is complete. */
  request(port: number, request: SimRequest): Promise<SimReply> {
    const open = this.#ports.get(port);
    if (open === undefined || open.running.size >= open.options.connectionsMax) {
      return Promise.reject(envFailure("CONNECTION_LOST"));
    }
    if (headerBytes(request) > open.options.headerBytesMax) {
      const { headers, body } = open.options.malformed(431);
      return Promise.resolve({ status: 431, headers, body });
    }
    return new Promise((resolve, reject) => this.#start(open, request, { resolve, reject }));
  }

  /** The processes of the machine are gone, and its connections with them. */
  crash(): void {
    for (const { running } of this.#ports.values()) for (const exchange of [...running]) exchange.lost();
    this.#ports.clear();
  }

  #start(
    open: OpenPort,
    request: SimRequest,
    client: { resolve(reply: SimReply): void; reject(error: unknown): void },
  ): void {
    const end = (): void => {
      open.running.delete(exchange);
      request.signal?.removeEventListener("abort", leave);
      if (open.running.size === 0) open.drained?.();
    };
    const exchange = new SimExchange(request, {
      resolve: (reply) => {
        end();
        client.resolve(reply);
      },
      reject: (error) => {
        end();
        client.reject(error);
      },
    });
    const leave = (): void => exchange.gone();
    open.running.add(exchange);
    request.signal?.addEventListener("abort", leave);
    if (open.process === undefined) open.handle(exchange);
    else open.process.after(0, `http ${request.method} ${request.target}`, () => open.handle(exchange));
  }

  #listen(
    options: HttpListenOptions,
    handle: (exchange: Exchange) => void,
    process: SimProcess | undefined,
  ): HttpListener {
    const port = options.port === 0 ? this.#nextPort++ : options.port;
    if (this.#ports.has(port)) throw envFailure("ADDRESS_TAKEN", { data: { host: options.host, port } });
    const open: OpenPort = { options, process, handle, running: new Set(), drained: undefined };
    this.#ports.set(port, open);
    return {
      port,
      close: async (graceMillis) => {
        if (this.#ports.get(port) === open) this.#ports.delete(port);
        await drain(open, graceMillis);
      },
    };
  }
}

async function drain(open: OpenPort, graceMillis: number): Promise<void> {
  if (open.running.size === 0) return;
  const drained = new Promise<void>((resolve) => {
    open.drained = resolve;
  });
  if (graceMillis === 0) cut(open.running);
  else open.process?.after(graceMillis, "http grace is over", () => cut(open.running));
  await drained;
}

function cut(running: ReadonlySet<SimExchange>): void {
  for (const exchange of [...running]) exchange.gone();
}

/** About what the request line and the headers take on the wire. */
function headerBytes(request: SimRequest): number {
  let bytes = request.method.length + request.target.length;
  for (const text of request.headers ?? []) bytes += text.length + 2;
  return bytes;
}
