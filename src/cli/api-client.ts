// Calls the API. It is pure: how a request travels, what time it is and who signs are handed in. A route's text is its type: method
// and path decide what goes in and what comes out, so nothing of the server is needed to run this.

import { type SecretCredentials, type SigningKeys, signRequest } from "../codec/sigv4/index.ts";
import type { BodyOf, Operation, PathOf, QueryOf, ResultOf, StreamReply } from "../gateway/api/index.ts";
import { EMPTY, fromBase64, strictText, toHex, utf8 } from "../std/bytes.ts";
import { AshlarError } from "../std/errors.ts";
import type { JsonBytes } from "../std/json-bytes.ts";
import { type ByteSource, collect } from "../std/source.ts";
import { cliFailure } from "./errors.ts";

export interface ClientRequest {
  readonly method: string;
  /** Path and query, escaped. */
  readonly target: string;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly body?: Uint8Array | ByteSource;
  /** Of a body that is a source. */
  readonly bodyBytes?: number | undefined;
  readonly signal?: AbortSignal | undefined;
}

export interface ClientReply {
  readonly status: number;
  /** The name in lower case. */
  header(name: string): string | undefined;
  readonly body: ByteSource;
}

export interface ClientParts {
  /** The Host header. */
  readonly host: string;
  readonly credentials: SecretCredentials;
  readonly keys: SigningKeys;
  /** Milliseconds since 1970. */
  readonly now: () => number;
  /** Rejects where the server can not be reached. */
  readonly send: (request: ClientRequest) => Promise<ClientReply>;
}

type Routes = { readonly [Entry in Operation as `${Entry["method"]} ${Entry["path"]}`]: Entry };

/** As in `GET /v1/buckets/{bucket}`. */
export type Route = keyof Routes;

/** What a route takes: parts that are empty are left out. */
export type Input<Name extends Route> = Part<"path", PathOf<Routes[Name]>> &
  Part<"query", QueryOf<Routes[Name]>> &
  Part<"body", BodyOf<Routes[Name]>>;

type Part<Key extends string, Value> = [Value] extends [undefined]
  ? unknown
  : keyof Value extends never
    ? unknown
    : Readonly<Record<never, never>> extends Value
      ? { readonly [Name in Key]?: Value }
      : { readonly [Name in Key]: Value };

type JsonRoute = { [Name in Route]: ResultOf<Routes[Name]> extends StreamReply ? never : Name }[Route];

/** Of one call. */
export interface CallOptions {
  readonly signal?: AbortSignal | undefined;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
}

export interface StreamOptions extends CallOptions {
  readonly body?: ByteSource;
  readonly bodyBytes?: number | undefined;
}

const REPLY_BYTES_MAX = 64 * 1024 * 1024;
const ERROR_BYTES_MAX = 1024 * 1024;
/** The region says nothing here: one server has one API. */
const REGION = "us-east-1";
const SERVICE = "ashlar";

export class ApiClient {
  readonly #parts: ClientParts;

  constructor(parts: ClientParts) {
    this.#parts = parts;
  }

  /** Rejects with the server's error as an AshlarError of the same code, or as `send`. */
  async call<Name extends JsonRoute>(
    route: Name,
    input: Input<Name>,
    options: CallOptions = {},
  ): Promise<ResultOf<Routes[Name]>> {
    const { body } = input as { readonly body?: unknown };
    const bytes = body === undefined ? undefined : utf8(JSON.stringify(body));
    const reply = await this.#send(route, input, { ...options, bytes });
    if (reply.status === 204) return undefined as ResultOf<Routes[Name]>;
    return (await readJson(reply, REPLY_BYTES_MAX)) as ResultOf<Routes[Name]>;
  }

  /** For routes whose body or reply are bytes. The caller reads the reply to its end, or cancels it. */
  stream<Name extends Route>(route: Name, input: Input<Name>, options: StreamOptions = {}): Promise<ClientReply> {
    return this.#send(route, input, options);
  }

  /** Every page of a listing, one after the other. */
  async *pages<Item>(
    read: (
      after: string | undefined,
    ) => Promise<{ readonly items: readonly Item[]; readonly next?: string | undefined }>,
  ): AsyncGenerator<Item, void, void> {
    let after: string | undefined;
    do {
      const page = await read(after);
      yield* page.items;
      after = page.next;
    } while (after !== undefined);
  }

  /** All pages together, for listings that are short. */
  async all<Item>(
    read: (
      after: string | undefined,
    ) => Promise<{ readonly items: readonly Item[]; readonly next?: string | undefined }>,
  ): Promise<Item[]> {
    const items: Item[] = [];
    for await (const item of this.pages(read)) items.push(item);
    return items;
  }

  async #send(
    route: Route,
    input: unknown,
    options: StreamOptions & { bytes?: Uint8Array | undefined },
  ): Promise<ClientReply> {
    const { host, credentials, keys, now, send } = this.#parts;
    const { method, target } = targetOf(route, input as Filled);
    const { bytes, body, bodyBytes, signal } = options;
    const rawHeaders = ["host", host, "accept", "application/json", ...(options.headers ?? [])];
    if (bytes !== undefined) rawHeaders.push("content-type", "application/json");
    // A body that streams is not known before it is sent; the connection, or the digest beside it, has to vouch for it.
    const payload = body !== undefined ? "UNSIGNED-PAYLOAD" : toHex(keys.sha256.hash(bytes ?? new Uint8Array(0)));
    const signing = { credentials, region: REGION, service: SERVICE, now: now(), payload };
    const signed = signRequest(keys, { method, target, rawHeaders }, signing);
    const content = body ?? bytes;
    const reply = await send({
      ...{ method, target, rawHeaders: signed.rawHeaders, signal, bodyBytes },
      ...(content !== undefined && { body: content }),
    });
    if (reply.status < 400) return reply;
    throw await failureOf(reply);
  }
}

interface Filled {
  readonly path?: Readonly<Record<string, string>>;
  readonly query?: Readonly<Record<string, JsonBytes | number | boolean | undefined>>;
}

function targetOf(
  route: string,
  { path = {}, query = {} }: Filled,
): { readonly method: string; readonly target: string } {
  const space = route.indexOf(" ");
  const filled = route.slice(space + 1).replace(/\{(\w+)\}/g, (_, name: string) => escaped(path[name] ?? ""));
  const parameters = Object.entries(query).flatMap(([name, value]) =>
    value === undefined ? [] : [`${name}=${typeof value === "object" ? octets(value) : escaped(String(value))}`],
  );
  const target = parameters.length === 0 ? filled : `${filled}?${parameters.join("&")}`;
  return { method: route.slice(0, space), target };
}

/** All but unreserved characters: what the signature has, byte for byte. */
function escaped(text: string): string {
  return encodeURIComponent(text.toWellFormed()).replace(/[!'()*]/g, (character) => {
    return `%${character.charCodeAt(0).toString(16).toUpperCase()}`;
  });
}

/** Bytes that are no text stand in a query as they are. */
function octets({ base64 }: Exclude<JsonBytes, string>): string {
  return Array.from(fromBase64(base64) ?? EMPTY, (byte) => `%${toHex(Uint8Array.of(byte)).toUpperCase()}`).join("");
}

async function readJson(reply: ClientReply, bytesMax: number): Promise<unknown> {
  const bytes = await collect(reply.body, bytesMax);
  const text = bytes === undefined ? undefined : strictText(bytes);
  try {
    if (text !== undefined) return JSON.parse(text);
  } catch {
    // What it is instead is said below.
  }
  throw cliFailure("REPLY_UNREADABLE", { data: { status: reply.status, begins: text?.slice(0, 200) } });
}

interface ErrorReply {
  readonly error?: {
    readonly code?: string;
    readonly message?: string;
    readonly advice?: string;
    readonly data?: object;
  };
}

async function failureOf(reply: ClientReply): Promise<Error> {
  const { error } = (await readJson(reply, ERROR_BYTES_MAX)) as ErrorReply;
  if (error?.code === undefined || error.message === undefined) {
    return cliFailure("REPLY_UNREADABLE", { data: { status: reply.status } });
  }
  return new AshlarError(error.code, error.message, error.advice ?? "", { ...error.data, status: reply.status });
}
