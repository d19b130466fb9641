// Requests are signed before the clock runs, so that the generator's own arithmetic is not part of what is measured.
// They carry UNSIGNED-PAYLOAD, as clients send it over TLS: the servers hash for the ETag, not for the signature.

import { SigningKeys, signRequest } from "../../src/codec/sigv4/index.ts";
import { hmacSha256, sha256 } from "../../src/env/crypto.ts";
import { Prng } from "../../src/std/prng.ts";
import type { PreparedRequest } from "./http-connection.ts";
import type { Job } from "./job.ts";

const MIXED_KEYS_A_CONNECTION = 20;

/** A request with what its answer must be. */
export interface Operation {
  readonly request: PreparedRequest;
  readonly status: number;
  readonly bodyBytes: number;
}

export class RequestSigner {
  readonly #keys = new SigningKeys({ hash: sha256, hmac: hmacSha256 }, { entriesMax: 4 });
  readonly #job: Job;

  constructor(job: Job) {
    this.#job = job;
  }

  prepare(method: string, target: string, body?: Uint8Array): PreparedRequest {
    const { host, port, accessKey, secretKey } = this.#job;
    const plain = ["Host", `${host}:${port}`];
    const { rawHeaders } = signRequest(
      this.#keys,
      { method, target, rawHeaders: plain },
      {
        credentials: { accessKey, secretKey },
        region: "us-east-1",
        service: "s3",
        now: Date.now(),
        payload: "UNSIGNED-PAYLOAD",
      },
    );
    let head = `${method} ${target} HTTP/1.1\r\n`;
    for (let at = 0; at < rawHeaders.length; at += 2) head += `${rawHeaders[at]}: ${rawHeaders[at + 1]}\r\n`;
    if (body) head += `content-type: application/octet-stream\r\ncontent-length: ${body.length}\r\n`;
    return { method, head: Buffer.from(`${head}\r\n`, "latin1"), ...(body && { body }) };
  }
}

/** What one connection does, in order; together the connections do at most `operationsMax`. */
export function operationsOf(job: Job, connection: number): Operation[] {
  const { plan, connections, operationsMax } = job;
  const signer = new RequestSigner(job);
  const count = Math.floor((operationsMax + connections - 1 - connection) / connections);
  const prng = new Prng(job.seed * 1000 + connection);
  const object = (name: string): string => `/${job.bucket}/${name}`;
  const numbers = Array.from({ length: count }, (_, at) => at * connections + connection);
  switch (plan.kind) {
    case "put": {
      const body = bodyOf(plan.bytes);
      return numbers.map((number) => {
        const target = object(`${plan.prefix}${numbered(plan.from + number)}`);
        return { request: signer.prepare("PUT", target, body), status: 200, bodyBytes: 0 };
      });
    }
    case "get":
      return numbers.map(() => {
        const target = object(`${plan.prefix}${numbered(prng.below(plan.keys))}`);
        return { request: signer.prepare("GET", target), status: 200, bodyBytes: plan.bytes };
      });
    case "mixed":
      return mixed(signer, prng, object(`${plan.prefix}${connection}/`), plan.bytes, count);
    default:
      throw new Error("a listing has no operations that are known before");
  }
}

export function numbered(number: number): string {
  return String(number).padStart(8, "0");
}

/** The first operations fill the connection's keys; from then on as many are deleted as are put, but for the draw. */
function mixed(signer: RequestSigner, prng: Prng, prefix: string, bytes: number, count: number): Operation[] {
  const body = bodyOf(bytes);
  const live: string[] = [];
  let made = 0;
  const put = (): Operation => {
    const target = `${prefix}${numbered(made++)}`;
    live.push(target);
    return { request: signer.prepare("PUT", target, body), status: 200, bodyBytes: 0 };
  };
  return Array.from({ length: count }, () => {
    const draw = prng.below(100);
    if (live.length < MIXED_KEYS_A_CONNECTION || draw < 15) return put();
    const at = prng.below(live.length);
    const target = live[at]!;
    if (draw < 60) return { request: signer.prepare("GET", target), status: 200, bodyBytes: bytes };
    if (draw < 90) return { request: signer.prepare("HEAD", target), status: 200, bodyBytes: 0 };
    live.splice(at, 1);
    return { request: signer.prepare("DELETE", target), status: 204, bodyBytes: 0 };
  });
}

const bodies = new Map<number, Uint8Array>();

/** Bytes that do not compress. */
function bodyOf(bytes: number): Uint8Array {
  let body = bodies.get(bytes);
  if (body === undefined) bodies.set(bytes, (body = new Prng(bytes).bytes(bytes)));
  return body;
}
