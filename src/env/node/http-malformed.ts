import type { Socket } from "node:net";
import type { HttpListenOptions } from "../env.ts";
import { LINGER_MILLIS_MAX } from "./http-limits.ts";

export type MalformedStatus = 400 | 408 | 431;

const REASONS: Readonly<Record<MalformedStatus, string>> = {
  400: "Bad Request",
  408: "Request Timeout",
  431: "Request Header Fields Too Large",
};

/** Undefined where the connection itself failed and nobody is left to tell. */
export function malformedStatus(error: Error): MalformedStatus | undefined {
  const code = "code" in error ? error.code : undefined;
  if (code === "HPE_HEADER_OVERFLOW") return 431;
  if (code === "ERR_HTTP_REQUEST_TIMEOUT") return 408;
  return typeof code === "string" && code.startsWith("HPE_") ? 400 : undefined;
}

/** The last words on a connection whose request could not be parsed. */
export function sendMalformed(
  socket: Socket,
  status: MalformedStatus,
  malformed: HttpListenOptions["malformed"],
): void {
  const { headers, body } = malformed(status);
  const lines = [`HTTP/1.1 ${status} ${REASONS[status]}`];
  for (let at = 0; at < headers.length; at += 2) lines.push(`${headers[at]}: ${headers[at + 1]}`);
  lines.push(`content-length: ${body.length}`, "connection: close", "", "");
  socket.write(lines.join("\r\n"), "latin1");
  socket.end(body);
  // What the client still sends is taken in for a while: a reset would overtake the reply.
  socket.resume();
  const timer = setTimeout(() => socket.destroy(), LINGER_MILLIS_MAX);
  socket.once("close", () => clearTimeout(timer));
}
