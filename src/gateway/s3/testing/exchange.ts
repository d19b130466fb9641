import type { Exchange } from "../../../env/index.ts";
import { concatBytes, EMPTY, text } from "../../../std/bytes.ts";
import { type ByteSource, sourceOf } from "../../../std/source.ts";

export interface TestRequest {
  readonly method: string;
  readonly target: string;
  /** Names and values in turn. */
  readonly rawHeaders: readonly string[];
  readonly body?: Uint8Array | ByteSource;
  readonly remoteAddress?: string;
  readonly secure?: boolean;
}

export interface TestAnswer {
  readonly status: number;
  /** By name in lower case; several values joined by ", ". */
  readonly headers: ReadonlyMap<string, string>;
  readonly body: Uint8Array;
  readonly text: string;
}

/** One exchange in memory, answered by a gateway's handler. Rejects where the reply breaks off. */
export function exchangeWith(handle: (exchange: Exchange) => void, request: TestRequest): Promise<TestAnswer> {
  return new Promise((resolve, reject) => {
    handle(new TestExchange(request, resolve, reject));
  });
}

class TestExchange implements Exchange {
  readonly #request: TestRequest;
  readonly #resolve: (answer: TestAnswer) => void;
  readonly #reject: (error: unknown) => void;
  readonly body: ByteSource;
  readonly signal: AbortSignal = new AbortController().signal;
  replied = false;

  constructor(request: TestRequest, resolve: (answer: TestAnswer) => void, reject: (error: unknown) => void) {
    this.#request = request;
    this.#resolve = resolve;
    this.#reject = reject;
    const { body = EMPTY } = request;
    this.body = body instanceof Uint8Array ? sourceOf(body) : body;
  }

  get method(): string {
    return this.#request.method;
  }

  get target(): string {
    return this.#request.target;
  }

  get rawHeaders(): readonly string[] {
    return this.#request.rawHeaders;
  }

  get remoteAddress(): string {
    return this.#request.remoteAddress ?? "192.0.2.7";
  }

  get secure(): boolean {
    return this.#request.secure ?? false;
  }

  header(name: string): string | undefined {
    return headerMap(this.rawHeaders).get(name);
  }

  async reply(status: number, headers: readonly string[], body?: Uint8Array | ByteSource): Promise<void> {
    if (this.replied) throw new Error("replied twice");
    this.replied = true;
    try {
      const bytes = body === undefined ? EMPTY : body instanceof Uint8Array ? body : await drain(body);
      const map = headerMap(headers);
      const length = map.get("content-length");
      const isBodyless = this.method === "HEAD" || status === 204 || status === 304;
      if (isBodyless && bytes.length > 0) throw new Error("a body where there is none");
      const isChunked = length === undefined && body !== undefined && !(body instanceof Uint8Array);
      if (!isBodyless && !isChunked && length !== String(bytes.length))
        throw new Error(`Content-Length ${length}, body ${bytes.length}`);
      this.#resolve({ status, headers: map, body: bytes, text: text(bytes) });
    } catch (error) {
      this.#reject(error);
      throw error;
    }
  }
}

async function drain(source: ByteSource): Promise<Uint8Array> {
  const chunks: Uint8Array[] = [];
  for (let chunk = await source.read(); chunk !== null; chunk = await source.read()) chunks.push(chunk.slice());
  return concatBytes(chunks);
}

function headerMap(headers: readonly string[]): Map<string, string> {
  const map = new Map<string, string>();
  for (let at = 0; at < headers.length; at += 2) {
    const name = headers[at]!.toLowerCase();
    const earlier = map.get(name);
    map.set(name, earlier === undefined ? headers[at + 1]! : `${earlier}, ${headers[at + 1]!}`);
  }
  return map;
}
