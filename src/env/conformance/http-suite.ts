import { deepEqual, equal, notEqual, ok, rejects } from "node:assert/strict";
import { concatBytes, text, utf8 } from "../../std/bytes.ts";
import { hasCode } from "../../std/errors.ts";
import { type ByteSource, sourceOf } from "../../std/source.ts";
import type { Exchange, HttpListenOptions, HttpServers } from "../env.ts";
import { findHeader } from "../http-headers.ts";
import { type Case, registerCases, type Test } from "./case.ts";

export interface ClientRequest {
  readonly method: string;
  readonly target: string;
  /** Names and values in turn; the fixture adds what its transport needs. */
  readonly headers?: readonly string[];
  readonly body?: Uint8Array | ByteSource;
  /** Goes away in the middle of the exchange. */
  readonly signal?: AbortSignal;
}

export interface ClientReply {
  readonly status: number;
  readonly headers: readonly string[];
  readonly body: Uint8Array;
}

export interface HttpFixture extends AsyncDisposable {
  readonly http: HttpServers;
  /** Rejects if the connection breaks before the reply is complete. */
  request(port: number, request: ClientRequest): Promise<ClientReply>;
}

export const TEST_LISTEN: HttpListenOptions = {
  host: "127.0.0.1",
  port: 0,
  headerBytesMax: 16_384,
  headersTimeoutMillis: 10_000,
  idleTimeoutMillis: 10_000,
  connectionsMax: 100,
  malformed: (status) => ({ headers: ["content-type", "text/plain"], body: utf8(`malformed ${status}`) }),
};

export function httpConformance(test: Test, make: () => Promise<HttpFixture>): void {
  registerCases(test, [...REQUEST_CASES, ...REPLY_CASES, ...BREAK_CASES, ...LISTENER_CASES], make);
}

const REQUEST_CASES: readonly Case<HttpFixture>[] = [
  {
    name: "a handler sees the method, the target and the headers as they were sent",
    run: async (fixture) => {
      const headers = ["X-One", "1", "x-Two", "a", "X-TWO", "b", "X-Empty", ""];
      const target = "/b%C3%BCcket/a//b/../c?x=%2F&y&z=a+b%20c";
      await using server = await serve(fixture, async (exchange) => {
        equal(exchange.method, "DELETE");
        equal(exchange.target, target);
        equal(exchange.header("x-one"), "1");
        equal(exchange.header("x-two"), "a, b");
        equal(exchange.header("x-empty"), "");
        equal(exchange.header("x-three"), undefined);
        const at = exchange.rawHeaders.indexOf("X-One");
        deepEqual(exchange.rawHeaders.slice(at, at + 8), headers);
        equal(exchange.remoteAddress, "127.0.0.1");
        equal(exchange.secure, false);
        equal(exchange.replied, false);
        equal(await exchange.body.read(), null);
        const reply = exchange.reply(204, []);
        equal(exchange.replied, true);
        await reply;
      });
      const reply = await server.request({ method: "DELETE", target, headers });
      equal(reply.status, 204);
      equal(findHeader(reply.headers, "content-length"), undefined);
    },
  },
  {
    name: "a body is read in chunks to its end, again and again null after it",
    run: async (fixture) => {
      const chunks = [new Uint8Array(100_000).fill(1), utf8("two"), new Uint8Array(300_000).fill(3)];
      await using server = await serve(fixture, async (exchange) => {
        const seen: Uint8Array[] = [];
        for (let chunk = await exchange.body.read(); chunk !== null; chunk = await exchange.body.read()) {
          notEqual(chunk.length, 0);
          equal(Object.getPrototypeOf(chunk), Uint8Array.prototype);
          seen.push(chunk.slice());
        }
        equal(await exchange.body.read(), null);
        deepEqual(concatBytes(seen), concatBytes(chunks));
        exchange.body.cancel();
        await exchange.reply(200, [], utf8("took it"));
      });
      for (const body of [concatBytes(chunks), sourceOf(...chunks)]) {
        const reply = await server.request({ method: "PUT", target: "/", body });
        equal(text(reply.body), "took it");
      }
    },
  },
  {
    name: "an empty body is over at once",
    run: async (fixture) => {
      await using server = await serve(fixture, async (exchange) => {
        equal(await exchange.body.read(), null);
        await exchange.reply(200, []);
      });
      for (const body of [new Uint8Array(0), sourceOf()]) {
        equal((await server.request({ method: "PUT", target: "/", body })).status, 200);
      }
    },
  },
  {
    name: "many exchanges run side by side",
    run: async (fixture) => {
      let open: (() => void)[] = [];
      await using server = await serve(fixture, async (exchange) => {
        await new Promise<void>((resolve) => {
          open.push(resolve);
          if (open.length < 20) return;
          for (const go of open) go();
          open = [];
        });
        await exchange.reply(200, [], utf8(exchange.target));
      });
      const replies = await Promise.all(
        Array.from({ length: 20 }, (_, at) => server.request({ method: "GET", target: `/${at}` })),
      );
      deepEqual(
        replies.map(({ body }) => text(body)),
        replies.map((_, at) => `/${at}`),
      );
    },
  },
];

const REPLY_CASES: readonly Case<HttpFixture>[] = [
  {
    name: "a reply has its status, headers and bytes, and the length of bytes is told",
    run: async (fixture) => {
      await using server = await serve(fixture, (exchange) =>
        exchange.reply(418, ["X-Case", "Kept", "x-twice", "1", "x-twice", "2"], utf8("teapot")),
      );
      const reply = await server.request({ method: "GET", target: "/" });
      equal(reply.status, 418);
      ok(reply.headers.includes("X-Case"));
      equal(findHeader(reply.headers, "x-twice"), "1, 2");
      equal(findHeader(reply.headers, "content-length"), "6");
      equal(text(reply.body), "teapot");
    },
  },
  {
    name: "a reply without a body is empty",
    run: async (fixture) => {
      await using server = await serve(fixture, (exchange) => exchange.reply(200, []));
      const reply = await server.request({ method: "GET", target: "/" });
      equal(findHeader(reply.headers, "content-length"), "0");
      equal(reply.body.length, 0);
    },
  },
  {
    name: "a reply streams from a source, with its length or without, and the source may reuse its memory",
    run: async (fixture) => {
      await using server = await serve(fixture, (exchange) => {
        const headers = exchange.target === "/known" ? ["content-length", "300000"] : [];
        return exchange.reply(200, headers, reusingSource(30, 10_000));
      });
      for (const target of ["/known", "/unknown"]) {
        const reply = await server.request({ method: "GET", target });
        equal(reply.body.length, 300_000);
        for (let at = 0; at < 30; at++) equal(reply.body[at * 10_000 + 5_000], at);
        equal(findHeader(reply.headers, "content-length"), target === "/known" ? "300000" : undefined);
      }
    },
  },
  {
    name: "a reply to HEAD and one of 304 keep their length and send no body",
    run: async (fixture) => {
      let cancelled = 0;
      await using server = await serve(fixture, async (exchange) => {
        if (exchange.target === "/none") return exchange.reply(200, ["content-length", "1234"]);
        if (exchange.target === "/bytes") return exchange.reply(200, [], utf8("12345"));
        if (exchange.target === "/304") return exchange.reply(304, ["content-length", "77"]);
        return exchange.reply(200, ["content-length", "99"], {
          read: () => Promise.reject(new Error("not read")),
          cancel: () => {
            cancelled++;
          },
        });
      });
      const lengths = [];
      for (const target of ["/none", "/bytes", "/304", "/source"]) {
        const reply = await server.request({ method: target === "/304" ? "GET" : "HEAD", target });
        equal(reply.body.length, 0);
        lengths.push(findHeader(reply.headers, "content-length"));
      }
      deepEqual(lengths, ["1234", "5", "77", "99"]);
      equal(cancelled, 1);
      // The connection is still in step.
      equal((await server.request({ method: "HEAD", target: "/none" })).status, 200);
    },
  },
  {
    name: "a reply may come before the body was read, or in the middle of it",
    run: async (fixture) => {
      await using server = await serve(fixture, async (exchange) => {
        if (exchange.target === "/middle") await exchange.body.read();
        if (exchange.target === "/cancelled") exchange.body.cancel();
        const body = exchange.header("x-stream") === undefined ? utf8("enough") : sourceOf(utf8("eno"), utf8("ugh"));
        await exchange.reply(403, [], body);
      });
      for (const target of ["/before", "/middle", "/cancelled"]) {
        for (const bytes of [10, 200_000, 3_000_000]) {
          for (const headers of [[], ["x-stream", "1"]]) {
            const reply = await server.request({ method: "PUT", target, headers, body: new Uint8Array(bytes) });
            equal(reply.status, 403);
            equal(text(reply.body), "enough");
          }
        }
      }
    },
  },
  {
    name: "a reply may be made of the request's body while that still comes",
    run: async (fixture) => {
      await using server = await serve(fixture, (exchange) => exchange.reply(200, [], exchange.body));
      const body = new Uint8Array(500_000).map((_, at) => at);
      const reply = await server.request({ method: "POST", target: "/", body });
      deepEqual(new Uint8Array(reply.body), body);
    },
  },
  {
    name: "an exchange is answered once",
    run: async (fixture) => {
      await using server = await serve(fixture, async (exchange) => {
        const first = exchange.reply(200, [], utf8("first"));
        await rejects(async () => exchange.reply(200, [], utf8("second")), { name: "AssertionError" });
        await first;
        await rejects(async () => exchange.reply(200, [], utf8("third")), { name: "AssertionError" });
      });
      equal(text((await server.request({ method: "GET", target: "/" })).body), "first");
    },
  },
];

const BREAK_CASES: readonly Case<HttpFixture>[] = [
  {
    name: "a source that fails breaks the reply off: never a clean end of a short body",
    run: async (fixture) => {
      for (const headers of [[], ["content-length", "100000"]]) {
        const failure = new Error("the disk is gone");
        let outcome: unknown;
        await using server = await serve(fixture, async (exchange) => {
          outcome = await rejection(exchange.reply(200, headers, failingSource(failure)));
        });
        await rejects(server.request({ method: "GET", target: "/" }));
        await server.idle();
        equal(outcome, failure);
      }
    },
  },
  {
    name: "a source that is shorter or longer than its content-length breaks the reply off",
    run: async (fixture) => {
      for (const length of [9, 11]) {
        let outcome: unknown;
        await using server = await serve(fixture, async (exchange) => {
          outcome = await rejection(
            exchange.reply(200, ["content-length", String(length)], sourceOf(utf8("0123456789"))),
          );
        });
        await rejects(server.request({ method: "GET", target: "/" }));
        await server.idle();
        ok(hasCode(outcome, "REPLY_LENGTH_WRONG"));
      }
    },
  },
  {
    name: "a client that goes away aborts the signal, and the reply is refused",
    run: async (fixture) => {
      const client = new AbortController();
      let reason: unknown;
      let outcome: unknown;
      let cancelled = false;
      await using server = await serve(fixture, async (exchange) => {
        const aborted = new Promise<void>((resolve) => exchange.signal.addEventListener("abort", () => resolve()));
        client.abort();
        await aborted;
        reason = exchange.signal.reason;
        const body: ByteSource = {
          read: async () => utf8("x"),
          cancel: () => {
            cancelled = true;
          },
        };
        outcome = await rejection(exchange.reply(200, [], body));
      });
      await rejects(server.request({ method: "GET", target: "/", signal: client.signal }));
      await server.idle();
      ok(hasCode(reason, "CLIENT_GONE"));
      ok(hasCode(outcome, "CLIENT_GONE"));
      equal(cancelled, true);
    },
  },
  {
    name: "a client that goes away in the middle of a reply ends it and cancels its source",
    run: async (fixture) => {
      const client = new AbortController();
      let outcome: unknown;
      let cancelled = false;
      await using server = await serve(fixture, async (exchange) => {
        let reads = 0;
        const body: ByteSource = {
          read: async () => {
            if (reads++ > 0) client.abort();
            return reads > 1 ? new Promise<never>(() => {}) : utf8("x");
          },
          cancel: () => {
            cancelled = true;
          },
        };
        outcome = await rejection(exchange.reply(200, [], body));
        equal(exchange.signal.aborted, true);
      });
      await rejects(server.request({ method: "GET", target: "/", signal: client.signal }));
      await server.idle();
      ok(hasCode(outcome, "CLIENT_GONE"));
      equal(cancelled, true);
    },
  },
  {
    name: "a body that breaks off rejects its reader",
    run: async (fixture) => {
      const client = new AbortController();
      let outcome: unknown;
      let sent = false;
      const body: ByteSource = {
        read: async () => {
          if (sent) return new Promise<never>(() => {});
          sent = true;
          return new Uint8Array(1_000);
        },
        cancel() {},
      };
      await using server = await serve(fixture, async (exchange) => {
        await exchange.body.read();
        const next = exchange.body.read();
        client.abort();
        outcome = await rejection(next);
        ok(hasCode(await rejection(exchange.body.read()), "CLIENT_GONE"));
        ok(hasCode(await rejection(exchange.reply(200, [])), "CLIENT_GONE"));
      });
      await rejects(server.request({ method: "PUT", target: "/", body, signal: client.signal }));
      await server.idle();
      ok(hasCode(outcome, "CLIENT_GONE"));
    },
  },
  {
    name: "the signal of an exchange that was completed stays as it is",
    run: async (fixture) => {
      let signal: AbortSignal | undefined;
      await using server = await serve(fixture, async (exchange) => {
        signal = exchange.signal;
        await exchange.reply(200, []);
      });
      await server.request({ method: "GET", target: "/" });
      await server.close();
      equal(signal?.aborted, false);
    },
  },
];

const LISTENER_CASES: readonly Case<HttpFixture>[] = [
  {
    name: "headers beyond the limit get the gateway's own words",
    run: async (fixture) => {
      await using server = await serve(fixture, (exchange) => exchange.reply(200, []), { headerBytesMax: 2_000 });
      const reply = await server.request({ method: "GET", target: "/", headers: ["x-big", "x".repeat(3_000)] });
      equal(reply.status, 431);
      equal(text(reply.body), "malformed 431");
      equal((await server.request({ method: "GET", target: "/" })).status, 200);
    },
  },
  {
    name: "a port that is taken is refused by name; port 0 takes a free one",
    run: async (fixture) => {
      await using one = await serve(fixture, (exchange) => exchange.reply(200, [], utf8("one")));
      await using two = await serve(fixture, (exchange) => exchange.reply(200, [], utf8("two")));
      notEqual(one.port, two.port);
      await rejects(
        fixture.http.listen({ ...TEST_LISTEN, port: one.port }, () => {}),
        (error) => hasCode(error, "ADDRESS_TAKEN"),
      );
      equal(text((await two.request({ method: "GET", target: "/" })).body), "two");
      const { port } = one;
      await one.close();
      await using again = await serve(fixture, (exchange) => exchange.reply(200, []), { port });
      equal(again.port, port);
    },
  },
  {
    name: "a listener that closes lets running exchanges end and takes no new ones",
    run: async (fixture) => {
      let finish = (): void => {};
      const started = Promise.withResolvers<void>();
      await using server = await serve(fixture, async (exchange) => {
        const going = new Promise<void>((resolve) => {
          finish = resolve;
        });
        started.resolve();
        await going;
        await exchange.reply(200, [], utf8("done"));
      });
      const running = server.request({ method: "GET", target: "/" });
      await started.promise;
      const closing = server.close(10_000);
      await rejects(server.request({ method: "GET", target: "/" }));
      finish();
      equal(text((await running).body), "done");
      await closing;
    },
  },
  {
    name: "a listener that closes without grace cuts what runs",
    run: async (fixture) => {
      const started = Promise.withResolvers<void>();
      let outcome: unknown;
      await using server = await serve(fixture, async (exchange) => {
        const aborted = new Promise<void>((resolve) => exchange.signal.addEventListener("abort", () => resolve()));
        started.resolve();
        await aborted;
        outcome = await rejection(exchange.reply(200, []));
      });
      const running = rejects(server.request({ method: "GET", target: "/" }));
      await started.promise;
      await server.close(0);
      await running;
      await server.idle();
      ok(hasCode(outcome, "CLIENT_GONE"));
    },
  },
];

interface Served extends AsyncDisposable {
  readonly port: number;
  request(request: ClientRequest): Promise<ClientReply>;
  close(graceMillis?: number): Promise<void>;
  /** Every handler that was called has ended; rethrows what one threw. */
  idle(): Promise<void>;
}

async function serve(
  fixture: HttpFixture,
  handle: (exchange: Exchange) => Promise<void>,
  options: Partial<HttpListenOptions> = {},
): Promise<Served> {
  const handled: Promise<unknown>[] = [];
  const listener = await fixture.http.listen({ ...TEST_LISTEN, ...options }, (exchange) => {
    // The reply's own failure is the test's to judge; a failed assertion comes out of `idle`.
    handled.push(handle(exchange).catch((error: unknown) => error));
  });
  const idle = async (): Promise<void> => {
    for (const error of await Promise.all(handled)) if (error !== undefined) throw error;
  };
  return {
    port: listener.port,
    request: (request) => fixture.request(listener.port, request),
    close: (graceMillis = 0) => listener.close(graceMillis),
    idle,
    async [Symbol.asyncDispose]() {
      await listener.close(0);
      await idle();
    },
  };
}

async function rejection(promise: Promise<unknown>): Promise<unknown> {
  try {
    await promise;
    return undefined;
  } catch (error) {
    return error;
  }
}

/** Chunk n is full of n, all of them in one piece of memory. */
function reusingSource(chunks: number, bytes: number): ByteSource {
  const memory = new Uint8Array(bytes);
  let next = 0;
  return {
    async read() {
      if (next === chunks) return null;
      memory.fill(next++);
      return memory;
    },
    cancel() {},
  };
}

function failingSource(failure: Error): ByteSource {
  let reads = 0;
  return {
    async read() {
      if (reads++ === 0) return utf8("so far so good");
      throw failure;
    },
    cancel() {},
  };
}
