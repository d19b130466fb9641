import { SigningKeys, signRequest } from "../../codec/sigv4/index.ts";
import { hmacSha256, sha256 } from "../../env/crypto.ts";
import { EMPTY, text, toHex, utf8 } from "../../std/bytes.ts";
import type { Client } from "../kernel/index.ts";
import type { Seat } from "./seat.ts";
import { API_PORT, REGION, ROOT, S3_PORT } from "./server-options.ts";

/** A client gives up waiting after so long; what it asked for may still happen. */
const PATIENCE_MILLIS = 6_000;
const DISTANCE_MILLIS_MAX = 3;
const KEYS_MAX = 64;

export interface Call {
  readonly method: string;
  /** Path and query, escaped. */
  readonly target: string;
  /** Names and values in turn. */
  readonly headers?: readonly string[];
  readonly body?: Uint8Array;
}

export interface ApiCall extends Omit<Call, "body" | "headers"> {
  /** Sent as JSON. */
  readonly body?: unknown;
}

export interface ApiAnswer {
  readonly status: number;
  /** What its JSON says. */
  readonly value: unknown;
}

export interface Answer {
  readonly status: number;
  readonly body: Uint8Array;
  /** S3's code of an error, and the object's tag; empty where there is none. */
  readonly code: string;
  readonly etag: string;
}

/** Signs requests with the root key and takes them to the servers, as programs beside the cluster do. */
export class Caller {
  readonly #keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: KEYS_MAX });
  readonly #lostAnswerChance: () => number;

  constructor(lostAnswerChance: () => number) {
    this.#lostAnswerChance = lostAnswerChance;
  }

  s3(client: Client, seat: Seat, call: Call): Promise<Answer | undefined> {
    return this.#call(client, seat, { service: "s3", port: S3_PORT }, call);
  }

  /** Undefined: it is not known what came of it. */
  async api(client: Client, seat: Seat, { body, ...call }: ApiCall): Promise<ApiAnswer | undefined> {
    const json = body === undefined ? {} : { body: utf8(JSON.stringify(body)) };
    const headers = body === undefined ? [] : ["content-type", "application/json"];
    const answer = await this.#call(client, seat, { service: "ashlar", port: API_PORT }, { ...call, ...json, headers });
    if (answer === undefined) return undefined;
    const parsed: unknown = answer.body.length === 0 ? undefined : jsonOf(answer.body);
    return { status: answer.status, value: parsed };
  }

  /** Undefined: it is not known what came of it. */
  async #call(
    client: Client,
    seat: Seat,
    { service, port }: { readonly service: string; readonly port: number },
    { method, target, headers = [], body = EMPTY }: Call,
  ): Promise<Answer | undefined> {
    // As clients do that set their clock by a server's: theirs and its differ by less than a signature may be old.
    const now = seat.machine.clock.now();
    const rawHeaders = ["host", `${seat.name}:${port}`, ...headers, "content-length", String(body.length)];
    const options = { credentials: ROOT, region: REGION, service, now, payload: toHex(sha256(body)) };
    const signed = signRequest(this.#keys, { method, target, rawHeaders }, options);
    await client.sleep(client.prng.unit() * DISTANCE_MILLIS_MAX);
    const patience = new AbortController();
    const request = { method, target, headers: signed.rawHeaders, body, signal: patience.signal };
    const answered = seat.machine.http.request(port, request).catch(() => null);
    const reply = await client.within(PATIENCE_MILLIS, answered);
    if (reply === undefined) patience.abort();
    await client.sleep(client.prng.unit() * DISTANCE_MILLIS_MAX);
    if (reply === undefined || reply === null || client.prng.chance(this.#lostAnswerChance())) return undefined;
    const { status, body: content } = reply;
    return { status, body: content, code: status < 400 ? "" : codeOf(content), etag: headerOf(reply.headers, "etag") };
  }
}

function codeOf(body: Uint8Array): string {
  return /<Code>([A-Za-z0-9]+)<\/Code>/.exec(text(body))?.[1] ?? "";
}

function headerOf(headers: readonly string[], name: string): string {
  const at = headers.findIndex((header, place) => place % 2 === 0 && header.toLowerCase() === name);
  return at < 0 ? "" : headers[at + 1]!;
}

function jsonOf(body: Uint8Array): unknown {
  try {
    return JSON.parse(text(body));
  } catch {
    return undefined;
  }
}
