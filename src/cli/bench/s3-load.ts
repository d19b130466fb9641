import { Agent, type IncomingMessage, request } from "node:http";
import { request as httpsRequest } from "node:https";
import { type SigningKeys, signRequest } from "../../codec/sigv4/index.ts";
import { toHex } from "../../std/bytes.ts";
import { cliFailure } from "../errors.ts";
import { connectionFailure, httpsAgent } from "../http-transport.ts";
import type { Draw } from "./workload.ts";

export interface S3LoadParts {
  readonly endpoint: string;
  readonly credentials: { readonly accessKey: string; readonly secretKey: string };
  readonly region: string;
  readonly bucket: string;
  readonly body: Uint8Array;
  readonly keys: SigningKeys;
  readonly connections: number;
  /** As those of HttpTransport. */
  readonly authorities: readonly string[] | undefined;
}

const EMPTY_BODY = new Uint8Array(0);
const METHODS = { put: "PUT", get: "GET", stat: "HEAD", delete: "DELETE", list: "GET" } as const;

/** The few S3 calls of the load generator, with as little work a request as they need. */
export class S3Load implements Disposable {
  readonly #parts: S3LoadParts;
  readonly #url: URL;
  readonly #agent: Agent;
  readonly #bodySha256: string;
  readonly #emptySha256: string;

  constructor(parts: S3LoadParts) {
    this.#parts = parts;
    this.#url = new URL(parts.endpoint);
    const options = { keepAlive: true, maxSockets: parts.connections };
    this.#agent = this.#url.protocol === "https:" ? httpsAgent(options, parts.authorities) : new Agent(options);
    this.#bodySha256 = toHex(parts.keys.sha256.hash(parts.body));
    this.#emptySha256 = toHex(parts.keys.sha256.hash(EMPTY_BODY));
  }

  /** Gives the bytes of the body that went up or came down. */
  run({ kind, key }: Draw): Promise<number> {
    const { bucket, body } = this.#parts;
    const target = kind === "list" ? `/${bucket}?list-type=2&max-keys=1000` : `/${bucket}/${key}`;
    return this.#send(METHODS[kind], target, kind === "put" ? body : undefined);
  }

  async createBucket(): Promise<void> {
    await this.#send("PUT", `/${this.#parts.bucket}`, undefined, [409]);
  }

  async removeBucket(): Promise<void> {
    const { bucket } = this.#parts;
    for (;;) {
      const keys = await this.#list();
      if (keys.length === 0) break;
      const lane = async (): Promise<void> => {
        for (let key = keys.pop(); key !== undefined; key = keys.pop()) await this.#send("DELETE", `/${bucket}/${key}`);
      };
      await Promise.all(Array.from({ length: 32 }, lane));
    }
    await this.#send("DELETE", `/${bucket}`);
  }

  [Symbol.dispose](): void {
    this.#agent.destroy();
  }

  async #list(): Promise<string[]> {
    const response = await this.#open("GET", `/${this.#parts.bucket}?list-type=2&max-keys=1000`, undefined);
    let xml = "";
    for await (const chunk of response) xml += String(chunk);
    return Array.from(xml.matchAll(/<Key>([\w-]+)<\/Key>/g), ([, key]) => key!);
  }

  async #send(method: string, target: string, body?: Uint8Array, allowed: readonly number[] = []): Promise<number> {
    const response = await this.#open(method, target, body);
    const status = response.statusCode ?? 0;
    const received = await drained(response);
    if (status >= 300 && !allowed.includes(status)) {
      throw cliFailure("BENCH_FAILED", { what: `${method} ${target} was answered with ${status}.` });
    }
    return method === "PUT" ? (body?.length ?? 0) : received;
  }

  #open(method: string, target: string, body: Uint8Array | undefined): Promise<IncomingMessage> {
    const { credentials, region, keys } = this.#parts;
    const payload = body === undefined ? this.#emptySha256 : this.#bodySha256;
    const signing = { credentials, region, service: "s3", now: Date.now(), payload };
    const head = { method, target, rawHeaders: ["host", this.#url.host] };
    const headers = [...signRequest(keys, head, signing).rawHeaders];
    if (body !== undefined) headers.push("content-length", String(body.length));
    const { hostname, port, protocol } = this.#url;
    const options = { method, host: hostname.replace(/^\[|\]$/g, ""), port, path: target, headers, agent: this.#agent };
    return new Promise((resolve, reject) => {
      const sent = (protocol === "https:" ? httpsRequest : request)({ ...options, setDefaultHeaders: false }, resolve);
      sent.once("error", (error) => reject(connectionFailure(this.#url.origin, error)));
      sent.end(body);
    });
  }
}

function drained(response: IncomingMessage): Promise<number> {
  return new Promise((resolve, reject) => {
    let bytes = 0;
    response.on("data", (chunk: Buffer) => {
      bytes += chunk.length;
    });
    response.once("end", () => resolve(bytes)).once("error", reject);
  });
}
