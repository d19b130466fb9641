import { type EnvError, envFailure } from "../errors.ts";
import { systemCode } from "./disk-errors.ts";

export interface Address {
  readonly host: string;
  readonly port: number;
}

/** Why no connection was made. `isConnected`: the other side had been reached, and TLS was what remained. */
export function connectFailure(cause: Error, { host, port }: Address, isConnected: boolean): EnvError {
  const data = { host, port };
  const where = `${host}:${port}`;
  const code = codeOf(cause);
  if (isConnected && code !== "ECONNRESET" && code !== "EPIPE") return tlsFailure(cause, where, data);
  switch (code) {
    case "ECONNREFUSED":
      return envFailure("CONNECTION_REFUSED", { what: `Nothing listens at ${where}.`, data, cause });
    case "ETIMEDOUT":
      return connectTimeout({ host, port }, cause);
    case "ECONNRESET":
    case "EPIPE":
      return envFailure("CONNECTION_RESET", { what: `${where} broke the connection off at once.`, data, cause });
    default:
      return envFailure("HOST_UNREACHABLE", { what: `There is no way to ${where} (${code ?? cause}).`, data, cause });
  }
}

export function connectTimeout({ host, port }: Address, cause?: Error): EnvError {
  const what = `The connection to ${host}:${port} was not made in time.`;
  return envFailure("CONNECT_TIMED_OUT", { what, data: { host, port }, cause });
}

/** Why a connection that was made has ended. */
export function brokenConnection(cause: Error, remoteAddress: string): EnvError {
  const data = { remoteAddress };
  const code = codeOf(cause);
  switch (code) {
    case "ETIMEDOUT":
    case "EHOSTUNREACH":
    case "ENETUNREACH":
      return envFailure("CONNECTION_TIMED_OUT", { what: `${remoteAddress} does not answer any more.`, data, cause });
    case undefined:
    case "ECONNRESET":
    case "EPIPE":
    case "ECONNABORTED":
      return envFailure("CONNECTION_RESET", { what: `${remoteAddress} broke the connection off.`, data, cause });
    default:
      // In TLS 1.3 a client learns only from the first answer that its certificate was refused.
      return tlsFailure(cause, remoteAddress, data);
  }
}

export function tlsFailure(cause: Error, where: string, data: Readonly<Record<string, unknown>>): EnvError {
  const what = `TLS with ${where} failed: ${cause.message}.`;
  return envFailure("TLS_REFUSED", { what, data: { ...data, reason: codeOf(cause) }, cause });
}

/** Attempts at several addresses of one host fail together: the first one tells. */
function codeOf(cause: Error): string | undefined {
  return systemCode(cause instanceof AggregateError && cause.errors.length > 0 ? cause.errors[0] : cause);
}
