import { Agent, request } from "node:http";
import { SigningKeys, signRequest } from "../codec/sigv4/index.ts";
import { hmacSha256, sha256 } from "../env/crypto.ts";
import { toHex } from "../std/bytes.ts";

export interface S3Answer {
  readonly status: number;
  readonly headers: Readonly<Record<string, string | string[] | undefined>>;
  readonly body: Uint8Array;
}

export interface S3Call {
  readonly method: string;
  /** Path and query, escaped as they are sent. */
  readonly target: string;
  readonly headers?: Readonly<Record<string, string>>;
  readonly body?: Uint8Array;
}

/** No whole answer came: the connection was refused, or it broke. */
export class NoAnswer extends Error {}

/** A bare S3 client: signs and sends. It answers whatever came; it rejects only with NoAnswer. */
export class S3TestClient {
  readonly #host: string;
  readonly #port: number;
  readonly #credentials: { readonly accessKey: string; readonly secretKey: string };
  readonly #keys: SigningKeys;
  readonly #agent: Agent;

  constructor(url: string, credentials: { readonly accessKey: string; readonly secretKey: string }, connections = 64) {
    const { hostname, port } = new URL(url);
    this.#host = hostname;
    this.#port = Number(port);
    this.#credentials = credentials;
    this.#keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 16 });
    this.#agent = new Agent({ keepAlive: true, maxSockets: connections });
  }

  call({ method, target, headers = {}, body = new Uint8Array(0) }: S3Call): Promise<S3Answer> {
    const plain = ["host", `${this.#host}:${this.#port}`, ...Object.entries(headers).flat()];
    const payload = toHex(sha256(body));
    const options = { credentials: this.#credentials, region: "us-east-1", service: "s3", now: Date.now(), payload };
    const signed = signRequest(this.#keys, { method, target, rawHeaders: plain }, options);
    const rawHeaders = [...signed.rawHeaders, "content-length", String(body.length)];
    return new Promise((resolve, reject) => {
      const sent = request({
        host: this.#host,
        port: this.#port,
        method,
        path: target,
        headers: Object.fromEntries(pairs(rawHeaders)),
        agent: this.#agent,
      });
      const fail = (cause: Error): void => reject(new NoAnswer(`${method} ${target}: ${cause.message}`, { cause }));
      sent.on("error", fail);
      sent.on("response", (answer) => {
        const chunks: Buffer[] = [];
        answer.on("data", (chunk: Buffer) => chunks.push(chunk));
        answer.on("error", fail);
        answer.on("end", () => {
          if (answer.complete)
            resolve({ status: answer.statusCode!, headers: answer.headers, body: Buffer.concat(chunks) });
          else fail(new Error("the answer broke off"));
        });
      });
      sent.end(body);
    });
  }

  close(): void {
    this.#agent.destroy();
  }
}

function* pairs(rawHeaders: readonly string[]): Generator<[string, string]> {
  for (let at = 0; at < rawHeaders.length; at += 2) yield [rawHeaders[at]!, rawHeaders[at + 1]!];
}
