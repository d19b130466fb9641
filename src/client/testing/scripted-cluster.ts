import { ManualTime } from "../../gateway/api/testing/manual-time.ts";
import { text, utf8 } from "../../std/bytes.ts";
import { Prng } from "../../std/prng.ts";
import type { Ashlar, ConnectOptions } from "../api.ts";
import { connectWith } from "../connect.ts";
import type { FetchInit, FetchReply } from "../transport.ts";

export interface Request {
  /** `a` of http://a */
  readonly server: string;
  readonly method: string;
  readonly path: string;
  readonly query: URLSearchParams;
  // biome-ignore lint/suspicious/noExplicitAny: tests look at what they expect
  readonly body: any;
  readonly headers: FetchInit["headers"];
  readonly signal: AbortSignal;
}

export type Answer = FetchReply | Promise<FetchReply>;

/** Servers that answer as a test says, in its own time. */
export class ScriptedCluster {
  readonly time: ManualTime = new ManualTime();
  readonly requests: Request[] = [];
  /** What is asked of any server, after sessions have been granted. */
  answer: (request: Request) => Answer = () => json(200, {});
  #sessions = 0;

  connect(servers: readonly string[], options: ConnectOptions = {}): Promise<Ashlar> {
    const prng = new Prng(2);
    const random = { bytes: (length: number) => prng.bytes(length), u32: () => 0 };
    const fetch = (url: string, init: FetchInit): Promise<FetchReply> => this.#fetch(url, init);
    const credentials = { accessKey: "KEY", secretKey: "secret" };
    const env = { clock: this.time, timers: this.time, random };
    return connectWith(
      env,
      servers.map((name) => `http://${name}`),
      { credentials, fetch, ...options },
    );
  }

  /** Of a path, as `server`. */
  asked(path: string): readonly string[] {
    return this.requests.filter((request) => request.path === path).map(({ server }) => server);
  }

  async #fetch(url: string, init: FetchInit): Promise<FetchReply> {
    const { hostname: server, pathname: path, searchParams: query } = new URL(url);
    const { method, headers, signal } = init;
    const body = init.body === undefined ? undefined : JSON.parse(text(init.body));
    const request = { server, method, path, query, body, headers, signal };
    this.requests.push(request);
    if (path === "/v1/session") return json(200, {});
    if (path === "/v1/kv/leases" && body.ttlMillis === 120_000) return json(201, { lease: `s${++this.#sessions}` });
    if (path.startsWith("/v1/kv/leases/s")) return json(204);
    const { promise, reject } = Promise.withResolvers<never>();
    promise.catch(() => {});
    signal.addEventListener("abort", () => reject(signal.reason), { once: true });
    return Promise.race([this.answer(request), promise]);
  }
}

export function json(status: number, value?: unknown): FetchReply {
  return { status, body: value === undefined ? null : streamOf(JSON.stringify(value)) };
}

export function failure(status: number, code: string): FetchReply {
  return json(status, { error: { code, message: `It is ${code}.`, advice: "Wait." } });
}

export function never(): Promise<FetchReply> {
  return new Promise(() => {});
}

/** As Node's fetch rejects. */
export function broken(code: string): Promise<FetchReply> {
  return Promise.reject(new TypeError("fetch failed", { cause: { code } }));
}

export function streamOf(...chunks: readonly string[]): ReadableStream<Uint8Array> {
  return new ReadableStream({
    start(controller) {
      for (const chunk of chunks) controller.enqueue(utf8(chunk));
      controller.close();
    },
  });
}
