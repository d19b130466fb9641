// What only bytes on a socket can show: the protocol's edges, slow and broken clients, limits.

import { deepEqual, equal, match, ok } from "node:assert/strict";
import { once } from "node:events";
import { connect, type Socket } from "node:net";
import { describe, test } from "node:test";
import { utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { type ByteSource, sourceOf } from "../../std/source.ts";
import { TEST_LISTEN } from "../conformance/http-fixture.ts";
import type { Exchange, HttpListener, HttpListenOptions } from "../env.ts";
import { nodeHttp } from "./http.ts";

const PUT_HEAD = "PUT /x HTTP/1.1\r\nhost: a\r\n";

describe("bytes on the wire of nodeHttp", () => {
  test("a client that expects 100 gets it at the first read of the body, and only then", async () => {
    await using server = await serve(async (exchange) => {
      if (exchange.target === "/read") equal((await exchange.body.read())?.length, 5);
      await exchange.reply(200, [], utf8("ok"));
    });
    await using reading = await server.connect();
    reading.write("PUT /read HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
    equal(await reading.until("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
    reading.write("12345");
    match(await reading.until("ok"), /^HTTP\/1.1 200 OK\r\n/);

    await using refused = await server.connect();
    refused.write("PUT /refuse HTTP/1.1\r\nhost: a\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
    const reply = await refused.untilEnd();
    match(reply, /^HTTP\/1.1 200 OK\r\n/);
    match(reply, /connection: close\r\n/i);
  });

  test("an expectation that is unknown or empty is left alone", async () => {
    await using server = await serve((exchange) => exchange.reply(204, []));
    await using client = await server.connect();
    for (const expectation of ["miracles", "200", ""]) {
      client.write(`PUT / HTTP/1.1\r\nhost: a\r\nexpect: ${expectation}\r\ncontent-length: 0\r\n\r\n`);
      match(await client.until("\r\n\r\n"), /^HTTP\/1.1 204 /, expectation);
    }
  });

  test("pipelined requests are handled one after the other, however fast they come", async () => {
    let running = 0;
    const order: string[] = [];
    await using server = await serve(async (exchange) => {
      equal(++running, 1);
      const body = await exchange.body.read();
      order.push(`${exchange.target} ${body?.length ?? 0}`);
      await new Promise((resolve) => setImmediate(resolve));
      running--;
      await exchange.reply(200, ["x-target", exchange.target]);
    });
    await using client = await server.connect();
    const requests = Array.from({ length: 200 }, (_, at) => {
      return at % 2 === 0
        ? `GET /${at} HTTP/1.1\r\nhost: a\r\n\r\n`
        : `PUT /${at} HTTP/1.1\r\nhost: a\r\ncontent-length: 3\r\n\r\nabc`;
    });
    client.write(requests.join(""));
    const replies = await client.until("x-target: /199\r\n");
    const targets = [...replies.matchAll(/x-target: (\S+)/g)].map(([, target]) => target);
    deepEqual(
      targets,
      requests.map((_, at) => `/${at}`),
    );
    deepEqual(
      order,
      requests.map((_, at) => `/${at} ${at % 2 === 0 ? 0 : 3}`),
    );
  });

  test("a client of HTTP/1.0 gets its reply and the end of the connection, without chunks", async () => {
    await using server = await serve((exchange) => exchange.reply(200, [], sourceOf(utf8("one "), utf8("two"))));
    await using client = await server.connect();
    client.write("GET / HTTP/1.0\r\n\r\n");
    const reply = await client.untilEnd();
    match(reply, /\r\n\r\none two$/);
    ok(!/chunked/i.test(reply));
  });

  test("a reply without a length that fails is reset for HTTP/1.0: a clean end would complete it", async () => {
    await using server = await serve(async (exchange) => {
      let reads = 0;
      const body: ByteSource = {
        read: async () => {
          if (reads++ > 0) throw new Error("gone");
          return utf8("short");
        },
        cancel() {},
      };
      await exchange.reply(200, [], body).catch(() => {});
    });
    await using client = await server.connect();
    client.write("GET / HTTP/1.0\r\n\r\n");
    equal(await client.ending(), "reset");
  });

  test("a chunked body is read without its coding, and the next request follows", async () => {
    await using server = await serve(async (exchange) => {
      let seen = "";
      for (let chunk = await exchange.body.read(); chunk !== null; chunk = await exchange.body.read()) {
        seen += new TextDecoder().decode(chunk);
      }
      await exchange.reply(200, [], utf8(`[${seen}]`));
    });
    await using client = await server.connect();
    client.write(`${PUT_HEAD}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`);
    match(await client.until("]"), /\[hello world\]$/);
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    match(await client.until("]"), /\[\]$/);
  });

  test("what can not be parsed, or could be parsed in two ways, gets the gateway's own words", async () => {
    await using server = await serve((exchange) => exchange.reply(200, []));
    const bad = [
      "NONSENSE\r\n\r\n",
      "GET / HTTP/1.1\r\nhost: a\r\nbad header: x\r\n\r\n",
      "GET / HTTP/1.1\r\nhost: a\r\nx: a\0b\r\n\r\n",
      "GET / HTTP/1.1\r\n\r\n",
      `${PUT_HEAD}content-length: 5\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n`,
      `${PUT_HEAD}content-length: 5\r\ncontent-length: 6\r\n\r\n12345`,
      `${PUT_HEAD}content-length: -5\r\n\r\n`,
      `${PUT_HEAD}transfer-encoding: chunked, identity\r\n\r\n`,
      "GET / HTTP/1.1\nhost: a\n\n",
    ];
    for (const bytes of bad) {
      await using client = await server.connect();
      client.write(bytes);
      const reply = await client.untilEnd();
      match(reply, /^HTTP\/1.1 400 Bad Request\r\n/, bytes);
      match(reply, /content-type: text\/plain\r\n/);
      match(reply, /connection: close\r\n\r\nmalformed 400$/);
    }
    equal(server.exchanges, 0);
  });

  test("a body whose chunks are malformed breaks off for its reader", async () => {
    let outcome: unknown;
    await using server = await serve(async (exchange) => {
      outcome = await exchange.body
        .read()
        .then(() => exchange.body.read())
        .catch((error: unknown) => error);
    });
    await using client = await server.connect();
    client.write(`${PUT_HEAD}transfer-encoding: chunked\r\n\r\n5\r\nhello\r\nXX\r\n`);
    await client.ending();
    await server.idle();
    ok(hasCode(outcome, "CLIENT_GONE"));
  });

  test("headers that do not come to their end get 408", async () => {
    await using server = await serve((exchange) => exchange.reply(200, []), { headersTimeoutMillis: 200 });
    await using client = await server.connect();
    client.write("GET / HTTP/1.1\r\nhost: a\r\n");
    match(await client.untilEnd(), /^HTTP\/1.1 408 Request Timeout\r\n.*malformed 408$/s);
  });

  test("a client that stops in a body or a reply is cut after the idle time; not one that waits for us", async () => {
    const outcomes: unknown[] = [];
    await using server = await serve(
      async (exchange) => {
        if (exchange.target === "/wait") {
          await new Promise((resolve) => setTimeout(resolve, 400));
          return exchange.reply(200, [], utf8("patience"));
        }
        const failing = exchange.target === "/big" ? exchange.reply(200, [], endless()) : exchange.body.read();
        outcomes.push(await failing.then(() => exchange.body.read()).catch((error: unknown) => error));
      },
      { idleTimeoutMillis: 100 },
    );
    await using waiting = await server.connect();
    waiting.write("GET /wait HTTP/1.1\r\nhost: a\r\n\r\n");
    await using stopping = await server.connect();
    stopping.write(`${PUT_HEAD}content-length: 5\r\n\r\n12`);
    await using deaf = await server.connect();
    deaf.pause();
    deaf.write("GET /big HTTP/1.1\r\nhost: a\r\n\r\n");
    match(await waiting.until("patience"), /200 OK/);
    while (outcomes.length < 2) await new Promise((resolve) => setTimeout(resolve, 10));
    for (const outcome of outcomes) ok(hasCode(outcome, "CLIENT_GONE"));
  });

  test("an idle connection is closed after the idle time", async () => {
    await using server = await serve((exchange) => exchange.reply(200, []), { idleTimeoutMillis: 100 });
    await using client = await server.connect();
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await client.until("\r\n\r\n");
    await client.ending();
  });

  test("connections beyond the limit are closed, and taken again once others are gone", async () => {
    await using server = await serve((exchange) => exchange.reply(200, [], utf8("ok")), { connectionsMax: 2 });
    const first = await server.connect();
    await using second = await server.connect();
    for (const client of [first, second]) {
      client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
      await client.until("ok");
    }
    await using third = await server.connect();
    equal(await third.untilEnd(), "");
    await first[Symbol.asyncDispose]();
    for (;;) {
      await using fourth = await server.connect();
      fourth.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
      if ((await fourth.until("ok")).endsWith("ok")) break;
    }
  });

  test("a slow reader of a body stops its client instead of filling memory", async () => {
    const read = Promise.withResolvers<void>();
    let total = 0;
    await using server = await serve(async (exchange) => {
      total += (await exchange.body.read())?.length ?? 0;
      await read.promise;
      for (let chunk = await exchange.body.read(); chunk !== null; chunk = await exchange.body.read())
        total += chunk.length;
      await exchange.reply(200, [], utf8("all"));
    });
    await using client = await server.connect();
    const bytes = 64 * 1_048_576;
    client.write(`${PUT_HEAD}content-length: ${bytes}\r\n\r\n`);
    client.send(new Uint8Array(bytes));
    const stuck = await client.stall();
    ok(stuck > bytes / 2, `${bytes - stuck} bytes were taken in`);
    read.resolve();
    await client.until("all");
    equal(total, bytes);
  });

  test("a slow taker of a reply stops its source", async () => {
    let read = 0;
    await using server = await serve(async (exchange) => {
      const source: ByteSource = {
        async read() {
          read += 65_536;
          return new Uint8Array(65_536);
        },
        cancel() {},
      };
      await exchange.reply(200, [], source).catch(() => {});
    });
    await using client = await server.connect();
    client.pause();
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    let before = -1;
    while (read !== before) {
      before = read;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    ok(read < 16 * 1_048_576, `${read} bytes were read ahead`);
  });

  test("a refusal reaches a client that sends its whole body before it looks", async () => {
    await using server = await serve((exchange) => exchange.reply(403, [], utf8("refused")));
    await using client = await server.connect();
    client.pause();
    const bytes = 8 * 1_048_576;
    client.write(`${PUT_HEAD}content-length: ${bytes}\r\n\r\n`);
    await client.sendAll(new Uint8Array(bytes));
    const reply = await client.untilEnd();
    match(reply, /^HTTP\/1.1 403 .*connection: close.*refused$/is);
  });

  test("after a refusal whose body was short the connection goes on", async () => {
    await using server = await serve((exchange) => exchange.reply(403, [], utf8("refused")));
    await using client = await server.connect();
    for (let round = 0; round < 3; round++) {
      client.write(`${PUT_HEAD}content-length: 100000\r\n\r\n`);
      await client.until("refused");
      client.send(new Uint8Array(100_000));
    }
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await client.until("refused");
  });

  test("a client that closes its side is gone, even if it still listens", async () => {
    const aborted = Promise.withResolvers<unknown>();
    await using server = await serve(async (exchange) => {
      exchange.signal.addEventListener("abort", () => aborted.resolve(exchange.signal.reason));
      await aborted.promise;
      await exchange.reply(200, []).catch(() => {});
    });
    await using client = await server.connect();
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await server.called();
    client.end();
    ok(hasCode(await aborted.promise, "CLIENT_GONE"));
  });

  test("a header that can not be sent breaks the exchange, not the server", async () => {
    let outcome: unknown;
    await using server = await serve(async (exchange) => {
      if (exchange.target === "/fine") return exchange.reply(200, [], utf8("ok"));
      outcome = await exchange.reply(200, ["x", "a\r\nset-cookie: b"]).catch((error: unknown) => error);
    });
    await using client = await server.connect();
    client.write("GET / HTTP/1.1\r\nhost: a\r\n\r\n");
    await client.ending();
    ok(outcome instanceof TypeError);
    await using other = await server.connect();
    other.write("GET /fine HTTP/1.1\r\nhost: a\r\n\r\n");
    await other.until("ok");
  });

  test("a thousand headers all arrive", async () => {
    const headers = Array.from({ length: 3_000 }, (_, at) => `x${at}: ${at}\r\n`).join("");
    await using server = await serve((exchange) => exchange.reply(200, [], utf8(`<${exchange.header("x2999")}>`)), {
      headerBytesMax: 100_000,
    });
    await using client = await server.connect();
    client.write(`GET / HTTP/1.1\r\nhost: a\r\n${headers}\r\n`);
    match(await client.until(">"), /<2999>$/);
  });

  test("an address that is not ours is refused by name", async () => {
    for (const host of ["192.0.2.1", "no such host"]) {
      const failure = await nodeHttp.listen({ ...TEST_LISTEN, host }, () => {}).catch((error: unknown) => error);
      ok(hasCode(failure, "ADDRESS_INVALID"));
    }
  });
});

class Client implements AsyncDisposable {
  readonly #socket: Socket;
  #received = "";
  #hasEnded = false;
  #ending: "closed" | "reset" | undefined;
  #changed: () => void = () => {};

  private constructor(socket: Socket) {
    this.#socket = socket;
    socket.on("data", (bytes: Uint8Array) => this.#update(() => (this.#received += new TextDecoder().decode(bytes))));
    socket.on("end", () => this.#update(() => (this.#hasEnded = true)));
    socket.on("error", () => this.#update(() => (this.#ending = "reset")));
    socket.on("close", () => this.#update(() => (this.#ending ??= "closed")));
  }

  static async connect(port: number): Promise<Client> {
    const socket = connect({ port, host: "127.0.0.1", allowHalfOpen: true });
    await once(socket, "connect");
    return new Client(socket);
  }

  write(text: string): void {
    this.#socket.write(text, "latin1");
  }

  send(bytes: Uint8Array): void {
    this.#socket.write(bytes);
  }

  async sendAll(bytes: Uint8Array): Promise<void> {
    await new Promise((resolve) => this.#socket.write(bytes, resolve));
  }

  pause(): void {
    this.#socket.pause();
  }

  end(): void {
    this.#socket.end();
  }

  /** What came up to and with the text; forgets it. Also returns at the end of the connection. */
  async until(text: string): Promise<string> {
    this.#socket.resume();
    await this.#when(() => this.#received.includes(text) || this.#isOver);
    const found = this.#received.indexOf(text);
    const end = found < 0 ? this.#received.length : found + text.length;
    const taken = this.#received.slice(0, end);
    this.#received = this.#received.slice(end);
    return taken;
  }

  async untilEnd(): Promise<string> {
    this.#socket.resume();
    await this.#when(() => this.#isOver);
    return this.#received;
  }

  async ending(): Promise<"closed" | "reset"> {
    this.#socket.resume();
    await this.#when(() => this.#isOver);
    if (this.#ending === undefined) this.#socket.end();
    await this.#when(() => this.#ending !== undefined);
    return this.#ending!;
  }

  /** Waits until no more bytes go out; how many are left. */
  async stall(): Promise<number> {
    let before = -1;
    while (this.#socket.writableLength - this.#socket.bytesWritten !== before) {
      before = this.#socket.writableLength - this.#socket.bytesWritten;
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    return this.#socket.writableLength;
  }

  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#socket.closed) return;
    this.#socket.destroy();
    await once(this.#socket, "close");
  }

  get #isOver(): boolean {
    return this.#hasEnded || this.#ending !== undefined;
  }

  #update(change: () => void): void {
    change();
    this.#changed();
  }

  async #when(holds: () => boolean): Promise<void> {
    while (!holds()) await new Promise<void>((resolve) => (this.#changed = resolve));
  }
}

interface Served extends AsyncDisposable {
  readonly exchanges: number;
  connect(): Promise<Client>;
  /** A handler was called. */
  called(): Promise<void>;
  /** All handlers that were called have ended; rethrows what one threw. */
  idle(): Promise<void>;
}

async function serve(
  handle: (exchange: Exchange) => Promise<unknown>,
  options: Partial<HttpListenOptions> = {},
): Promise<Served> {
  const handled: Promise<unknown>[] = [];
  const called = Promise.withResolvers<void>();
  const listener: HttpListener = await nodeHttp.listen({ ...TEST_LISTEN, ...options }, (exchange) => {
    handled.push(
      handle(exchange).then(
        () => undefined,
        (error: unknown) => error,
      ),
    );
    called.resolve();
  });
  const idle = async (): Promise<void> => {
    for (const error of await Promise.all(handled)) if (error !== undefined) throw error;
  };
  return {
    get exchanges() {
      return handled.length;
    },
    connect: () => Client.connect(listener.port),
    called: () => called.promise,
    idle,
    async [Symbol.asyncDispose]() {
      await listener.close(0);
      await idle();
    },
  };
}

function endless(): ByteSource {
  return { read: async () => new Uint8Array(65_536), cancel() {} };
}
