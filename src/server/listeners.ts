import type { Exchange, HttpListenOptions, HttpServers } from "../env/index.ts";
import { EMPTY } from "../std/bytes.ts";
import { hasCode } from "../std/errors.ts";
import { parseAddress } from "../std/options.ts";
import { serverFailure } from "./errors.ts";
import type { ServerOptions } from "./options.ts";

const HEADER_BYTES_MAX = 32 * 1024;
const HEADERS_TIMEOUT_MILLIS = 20_000;

export interface ListenerSettings {
  readonly name: "s3" | "api" | "leaf";
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
  const tls = tlsOf(settings, options);
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
  const listener = await namingFlag(settings, http.listen(listenOptions, handle));
  const url = `${tls ? "https" : "http"}://${shownHost(host)}:${listener.port}`;
  return { url, [Symbol.asyncDispose]: () => listener.close(options.drainMillis) };
}

type TlsSettings = Pick<ListenerSettings, "address" | "tlsCert" | "tlsKey"> & { readonly name: string };

/** Throws TLS_INCOMPLETE, and PLAINTEXT_REFUSED where an address beyond loopback has none and no option allows that by name. */
export function tlsOf(
  settings: TlsSettings,
  options: ServerOptions,
): { readonly certFile: string; readonly keyFile: string } | undefined {
  const { tlsCert: certFile, tlsKey: keyFile, name } = settings;
  if (certFile !== undefined && keyFile !== undefined) return { certFile, keyFile };
  if (certFile !== keyFile) throw serverFailure("TLS_INCOMPLETE", { data: { listener: name } });
  refusePlaintext(settings, options);
  return undefined;
}

/** What a listener is called, and where it is told to be. */
type ListenerPlace = { readonly name: string } & Pick<ListenerSettings, "address">;

/** Of one without TLS. Throws PLAINTEXT_REFUSED. */
export function refusePlaintext({ name, address }: ListenerPlace, { allowPlaintext }: ServerOptions): void {
  if (allowPlaintext || isLoopback(parseAddress(address)!.host)) return;
  throw serverFailure("PLAINTEXT_REFUSED", {
    what: `--${name}-listen ${address} is not loopback and has no TLS.`,
    data: { listener: name, address },
  });
}

/** An address that can not be had is told with the flag that named it. */
export async function namingFlag<T>({ name, address }: ListenerPlace, opening: Promise<T>): Promise<T> {
  try {
    return await opening;
  } catch (cause) {
    if (!hasCode(cause, "ADDRESS_TAKEN") && !hasCode(cause, "ADDRESS_INVALID")) throw cause;
    throw serverFailure("ADDRESS_REFUSED", {
      what: `--${name}-listen ${address}: ${cause.message}`,
      data: { listener: name, address },
      cause,
    });
  }
}

export function isLoopback(host: string): boolean {
  return host === "localhost" || host === "::1" || host.startsWith("127.");
}

/** As it stands in a URL. */
export function shownHost(host: string): string {
  return host.includes(":") ? `[${host}]` : host;
}
