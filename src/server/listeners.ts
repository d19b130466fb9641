import type { Exchange, HttpListenOptions, HttpServers } from "../env/index.ts";
import { EMPTY } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { parseAddress } from "../std/options.ts";
import { serverFailure } from "./errors.ts";
import type { ServerOptions } from "./options.ts";

const HEADER_BYTES_MAX = 32 * 1024;
const HEADERS_TIMEOUT_MILLIS = 20_000;

export interface ListenerSettings {
  readonly name: "s3" | "api";
  readonly address: string;
  readonly tlsCert: string | undefined;
  readonly tlsKey: string | undefined;
  /** What a request gets that can not be parsed; an empty answer where left out. */
  readonly malformed?: HttpListenOptions["malformed"];
}

export interface OpenListener extends AsyncDisposable {
  readonly url: string;
}

export function listenerSettings(name: "s3" | "api", options: ServerOptions): ListenerSettings {
  const { s3Listen, s3TlsCert, s3TlsKey, apiListen, apiTlsCert, apiTlsKey } = options;
  if (name === "s3") return { name, address: s3Listen, tlsCert: s3TlsCert, tlsKey: s3TlsKey };
  return { name, address: apiListen, tlsCert: apiTlsCert, tlsKey: apiTlsKey };
}

/** Refuses an address beyond loopback without TLS, unless an option allows it by name. */
export async function listenTo(
  http: HttpServers,
  settings: ListenerSettings,
  options: ServerOptions,
  handle: (exchange: Exchange) => void,
): Promise<OpenListener> {
  const { host, port } = parseAddress(settings.address)!;
  const { tlsCert: certFile, tlsKey: keyFile, name } = settings;
  if ((certFile === undefined) !== (keyFile === undefined))
    throw serverFailure("TLS_INCOMPLETE", { data: { listener: name } });
  const tls = certFile !== undefined && keyFile !== undefined ? { certFile, keyFile } : undefined;
  if (tls === undefined && !isLoopback(host) && !options.allowPlaintext) {
    throw serverFailure("PLAINTEXT_REFUSED", {
      what: `--${name}-listen ${settings.address} is not loopback and has no TLS.`,
      data: { listener: name, address: settings.address },
    });
  }
  const listenOptions: HttpListenOptions = {
    host,
    port,
    headerBytesMax: HEADER_BYTES_MAX,
    headersTimeoutMillis: HEADERS_TIMEOUT_MILLIS,
    idleTimeoutMillis: options.idleTimeoutMillis,
    connectionsMax: options.connectionsMax,
    ...(tls && { tls }),
    malformed: settings.malformed ?? (() => ({ headers: ["Connection", "close"], body: EMPTY })),
  };
  const listener = await http.listen(listenOptions, handle).catch((cause: unknown) => {
    throw hasCode(cause, "ADDRESS_TAKEN") || hasCode(cause, "ADDRESS_INVALID")
      ? addressFailure(settings, cause)
      : cause;
  });
  const url = `${tls ? "https" : "http"}://${shownHost(host)}:${listener.port}`;
  return { url, [Symbol.asyncDispose]: () => listener.close(options.drainMillis) };
}

function addressFailure({ name, address }: ListenerSettings, cause: Error): Error {
  return serverFailure("ADDRESS_REFUSED", {
    what: `--${name}-listen ${address}: ${cause.message}`,
    data: { listener: name, address },
    cause,
  });
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

function shownHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
