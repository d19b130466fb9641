// One request to one server, by fetch: signed, sent, and its failure read. A failure is an AshlarError of the server's
// code, or one of the client's own.

import { escapeText, type SecretCredentials, type SigningKeys, signRequest } from "../codec/sigv4/index.ts";
import type { Clock } from "../env/index.ts";
import { concatBytes, EMPTY, strictText, toHex } from "../std/bytes.ts";
import { AshlarError } from "../std/errors.ts";
import { clientFailure } from "./errors.ts";

/** The part of `fetch` that the client uses. */
export type Fetch = (url: string, init: FetchInit) => Promise<FetchReply>;

export interface FetchInit {
  readonly method: string;
  readonly headers: Readonly<Record<string, string>>;
  readonly body?: Uint8Array<ArrayBuffer>;
  readonly signal: AbortSignal;
  readonly credentials: "same-origin" | "omit";
  readonly redirect: "error";
}

export interface FetchReply {
  readonly status: number;
  readonly body: ReadableStream<Uint8Array> | null;
}

export interface HttpCall {
  readonly method: "GET" | "POST" | "PUT" | "PATCH" | "DELETE";
  readonly path: string;
  readonly query?: Query;
  /** JSON. */
  readonly body?: Uint8Array<ArrayBuffer>;
}

/** Bytes stand in a query as they are, escaped. */
export type Query = Readonly<Record<string, string | number | boolean | Uint8Array | undefined>>;

export interface TransportParts {
  readonly fetch: Fetch;
  readonly clock: Clock;
  readonly keys: SigningKeys;
  /** Undefined: a browser's cookie. */
  readonly credentials: SecretCredentials | undefined;
}

const REPLY_BYTES_MAX = 16 * 1024 * 1024;
/** The region says nothing here: one cluster has one API. */
const REGION = "us-east-1";

export class Transport {
  readonly #parts: TransportParts;

  constructor(parts: TransportParts) {
    this.#parts = parts;
  }

  /** The JSON of the answer; undefined for an empty one. Rejects with the signal's reason. */
  async call(server: URL, call: HttpCall, signal: AbortSignal): Promise<unknown> {
    const { status, body } = await this.open(server, call, signal);
    try {
      if (status !== 204) return parse(await readAll(body), status);
      await body?.cancel();
      return undefined;
    } catch (error) {
      throw signal.aborted ? signal.reason : brokenOff(server, error);
    }
  }

  /** An answer whose body the caller reads or cancels. Failures are read here. */
  async open(server: URL, call: HttpCall, signal: AbortSignal): Promise<FetchReply> {
    const { fetch, credentials } = this.#parts;
    const target = targetOf(call);
    let reply: FetchReply;
    try {
      reply = await fetch(server.origin + target, {
        method: call.method,
        headers: this.#headersOf(server, call, target),
        ...(call.body && { body: call.body }),
        signal,
        credentials: credentials === undefined ? "same-origin" : "omit",
        redirect: "error",
      });
    } catch (cause) {
      throw signal.aborted ? signal.reason : unreachable(server, cause);
    }
    if (reply.status < 400) return reply;
    let failure: AshlarError;
    try {
      failure = failureOf(parse(await readAll(reply.body), reply.status), reply.status);
    } catch (error) {
      throw signal.aborted ? signal.reason : brokenOff(server, error);
    }
    throw failure;
  }

  #headersOf(server: URL, { method, body }: HttpCall, target: string): Readonly<Record<string, string>> {
    const { credentials, keys, clock } = this.#parts;
    const rawHeaders = ["host", server.host];
    if (body !== undefined) rawHeaders.push("content-type", "application/json");
    if (credentials !== undefined) {
      const payload = toHex(keys.sha256.hash(body ?? EMPTY));
      const signing = { credentials, region: REGION, service: "ashlar", now: clock.now(), payload };
      rawHeaders.splice(0, 4, ...signRequest(keys, { method, target, rawHeaders }, signing).rawHeaders);
    }
    const headers: Record<string, string> = {};
    // The platform writes Host itself, as the URL has it.
    for (let at = 2; at < rawHeaders.length; at += 2) headers[rawHeaders[at]!] = rawHeaders[at + 1]!;
    return headers;
  }
}

function targetOf({ path, query = {} }: HttpCall): string {
  const parameters = Object.entries(query).flatMap(([name, value]) => {
    if (value === undefined) return [];
    return [`${name}=${value instanceof Uint8Array ? escapeOctets(value) : escapeText(String(value))}`];
  });
  return parameters.length === 0 ? path : `${path}?${parameters.join("&")}`;
}

function escapeOctets(bytes: Uint8Array): string {
  const text = strictText(bytes);
  if (text !== undefined) return escapeText(text);
  let out = "";
  for (const byte of bytes) out += `%${byte.toString(16).toUpperCase().padStart(2, "0")}`;
  return out;
}

async function readAll(body: ReadableStream<Uint8Array> | null): Promise<Uint8Array> {
  if (body === null) return EMPTY;
  const reader = body.getReader();
  const chunks: Uint8Array[] = [];
  let bytes = 0;
  for (;;) {
    const { done, value } = await reader.read();
    if (done) return chunks.length === 1 ? chunks[0]! : concatBytes(chunks);
    bytes += value.length;
    chunks.push(value);
    if (bytes <= REPLY_BYTES_MAX) continue;
    await reader.cancel();
    throw clientFailure("REPLY_UNREADABLE", { what: "The answer is too long.", data: { bytesMax: REPLY_BYTES_MAX } });
  }
}

function parse(bytes: Uint8Array, status: number): unknown {
  const text = strictText(bytes);
  try {
    if (text !== undefined) return JSON.parse(text);
  } catch {
    // What it is instead is said below.
  }
  throw clientFailure("REPLY_UNREADABLE", { data: { status, begins: text?.slice(0, 200) } });
}

interface ErrorReply {
  readonly code?: string;
  readonly message?: string;
  readonly advice?: string;
  readonly data?: Readonly<Record<string, unknown>>;
}

function failureOf(reply: unknown, status: number): AshlarError {
  const { error } = (reply ?? {}) as { readonly error?: ErrorReply };
  return error?.code === undefined
    ? clientFailure("REPLY_UNREADABLE", { data: { status } })
    : serverFailure(error, { status });
}

/** An error as the server wrote it. */
export function serverFailure(error: ErrorReply, more: Readonly<Record<string, unknown>> = {}): AshlarError {
  const { code = "INTERNAL", message = "", advice = "", data } = error;
  return new AshlarError(code, message, advice, { ...data, ...more });
}

function brokenOff(server: URL, error: unknown): unknown {
  return error instanceof AshlarError ? error : unreachable(server, error);
}

/** As Node names the ways in which a connection was never made: then nothing can have happened. */
const NEVER_SENT: ReadonlySet<unknown> = new Set([
  "ECONNREFUSED",
  "ENOTFOUND",
  "EAI_AGAIN",
  "EHOSTUNREACH",
  "ENETUNREACH",
  "UND_ERR_CONNECT_TIMEOUT",
]);

function unreachable({ origin }: URL, cause: unknown): AshlarError {
  const { cause: beneath } = cause as { readonly cause?: { readonly code?: unknown } };
  const sent = !NEVER_SENT.has(beneath?.code);
  return clientFailure("SERVER_UNREACHABLE", { what: `${origin} does not answer.`, data: { origin, sent }, cause });
}
