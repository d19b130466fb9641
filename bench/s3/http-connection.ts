// One HTTP/1.1 connection that sends prepared requests one after the other and reads the answers with as little work as
// can be: what the generator does is taken from the servers' two cores.

import { once } from "node:events";
import { connect, type Socket } from "node:net";

export interface PreparedRequest {
  readonly method: string;
  /** Request line and headers, with the empty line. */
  readonly head: Uint8Array;
  readonly body?: Uint8Array;
}

export interface HttpAnswer {
  readonly status: number;
  readonly bodyBytes: number;
  /** Only where it was asked for. */
  readonly body: string;
}

const HEAD_END = "\r\n\r\n";

export class HttpConnection {
  readonly #socket: Socket;
  #answer: AnswerReader | undefined;
  #settle: { resolve: (answer: HttpAnswer) => void; reject: (error: Error) => void } | undefined;

  static async open(host: string, port: number): Promise<HttpConnection> {
    const socket = connect({ host, port, noDelay: true });
    await once(socket, "connect");
    return new HttpConnection(socket);
  }

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (chunk: Buffer) => this.#read(chunk));
    socket.on("error", (error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Error("the server closed the connection")));
  }

  /** One at a time. */
  send(request: PreparedRequest, { keepBody = false }: { readonly keepBody?: boolean } = {}): Promise<HttpAnswer> {
    this.#answer = new AnswerReader(request.method, keepBody);
    return new Promise((resolve, reject) => {
      this.#settle = { resolve, reject };
      if (request.body === undefined) this.#socket.write(request.head);
      else {
        this.#socket.cork();
        this.#socket.write(request.head);
        this.#socket.write(request.body);
        this.#socket.uncork();
      }
    });
  }

  close(): void {
    this.#settle = undefined;
    this.#socket.destroy();
  }

  #read(chunk: Buffer): void {
    const answer = this.#answer?.take(chunk);
    if (!answer) return;
    const { resolve } = this.#settle!;
    this.#answer = undefined;
    this.#settle = undefined;
    resolve(answer);
  }

  #fail(error: Error): void {
    this.#settle?.reject(error);
    this.#settle = undefined;
  }
}

class AnswerReader {
  readonly #isHead: boolean;
  readonly #keepBody: boolean;
  readonly #kept: Buffer[] = [];
  #pending = "";
  #status = 0;
  #bodyBytes = 0;
  /** Of the body, or of the chunk that is being read; undefined while the head or a chunk's length is. */
  #left: number | undefined;
  #chunked = false;
  #isLast = false;

  constructor(method: string, keepBody: boolean) {
    this.#isHead = method === "HEAD";
    this.#keepBody = keepBody;
  }

  /** The answer, once all of it has come. */
  take(chunk: Buffer): HttpAnswer | undefined {
    let rest: Buffer | undefined = chunk;
    if (this.#status === 0) rest = this.#takeHead(chunk);
    if (rest === undefined) return undefined;
    const done = this.#chunked ? this.#takeChunks(rest) : this.#takeBody(rest);
    if (!done) return undefined;
    const body = this.#keepBody ? Buffer.concat(this.#kept).toString("utf8") : "";
    return { status: this.#status, bodyBytes: this.#bodyBytes, body };
  }

  #takeHead(chunk: Buffer): Buffer | undefined {
    const before = this.#pending.length;
    this.#pending += chunk.toString("latin1");
    const end = this.#pending.indexOf(HEAD_END);
    if (end < 0) return undefined;
    const head = this.#pending.slice(0, end).toLowerCase();
    this.#status = Number(head.slice(9, 12));
    this.#chunked = /\r\ntransfer-encoding: *chunked/.test(head);
    const length = Number(/\r\ncontent-length: *(\d+)/.exec(head)?.[1] ?? 0);
    const hasBody = !this.#isHead && this.#status !== 204 && this.#status !== 304;
    if (!hasBody) this.#chunked = false;
    this.#left = this.#chunked ? undefined : hasBody ? length : 0;
    this.#pending = "";
    return chunk.subarray(end + HEAD_END.length - before);
  }

  #takeBody(chunk: Buffer): boolean {
    this.#count(chunk.subarray(0, this.#left!));
    this.#left! -= chunk.length;
    return this.#left! <= 0;
  }

  #takeChunks(given: Buffer): boolean {
    let rest = given;
    while (rest.length > 0) {
      if (this.#left === undefined) {
        const end = rest.indexOf("\n");
        this.#pending += rest.toString("latin1", 0, end < 0 ? rest.length : end + 1);
        if (end < 0) return false;
        rest = rest.subarray(end + 1);
        const line = this.#pending.trim();
        this.#pending = "";
        if (line === "" && this.#isLast) return true;
        // The end of a chunk, or a trailer.
        if (line === "" || this.#isLast) continue;
        this.#left = Number.parseInt(line, 16);
        this.#isLast = this.#left === 0;
        if (this.#isLast) this.#left = undefined;
        continue;
      }
      const piece = rest.subarray(0, this.#left);
      this.#count(piece);
      this.#left -= piece.length;
      rest = rest.subarray(piece.length);
      if (this.#left === 0) this.#left = undefined;
    }
    return false;
  }

  #count(piece: Buffer): void {
    this.#bodyBytes += piece.length;
    if (this.#keepBody) this.#kept.push(piece);
  }
}
